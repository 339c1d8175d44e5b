"""Plays programs of acts through real episodes, in this process and through the sandbox.

References are resolved from the replies that came, never from the gold, so that a program plays as
an agent would that knew which calls to make.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SandboxUnavailableError, SpecError
from astra_arena.core.gold_program import Act, CallAct, gold_acts
from astra_arena.core.offers import ToolRef, offered_name
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Task, resolve_arguments
from astra_arena.core.verdicts import Mode, Verdict
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.episode_log import CallReply
from astra_arena.servers.episodes.members import compiled_members
from astra_arena.servers.episodes.opening import open_episode
from astra_arena.synthesizer.side_by_side import side_by_side

EPISODES = 4
"""Episodes that are open at once."""
MOST_RETRIES = 8
"""How often a call is made again that an injected fault disturbed."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a program."""

    record: EpisodeRecord
    verdict: Verdict
    replies: tuple[CallReply, ...]
    """What the agent got, act by act."""
    unmade: str | None = None
    """Why the program stopped before its end: an act referred to an answer that did not come."""

    @property
    def reward(self) -> float:
        """What was earned."""
        return self.verdict.reward

    @property
    def ran_clean(self) -> bool:
        """Whether every act was made and none of the calls failed."""
        calls = (call for call in self.record.calls if call.fault is None)
        return self.unmade is None and all(call.outcome == "ok" for call in calls)


@dataclass(frozen=True, slots=True)
class Programme:
    """A task with the acts that are to be played in it."""

    task: Task
    acts: tuple[Act, ...]


class Player:
    """Plays in one environment, or in the environments of a suite.

    Args:
        source: The bundle or suite.
        sandbox: Runs its tools; stays the caller's.
        seed: Keys the random streams of every episode.
    """

    def __init__(self, source: Source, sandbox: Sandbox, *, seed: int = 0) -> None:
        self._source = source
        self._sandbox = sandbox
        self._seed = seed
        self._members = compiled_members(source)

    @asynccontextmanager
    async def episode(self, task: Task) -> AsyncGenerator[Episode]:
        """Open an episode of `task`, which ends with the block.

        Raises:
            SpecError: if the task has parts that cannot be played.
            PolicyError: if the tool code was refused.
            SandboxUnavailableError: if no session can be started.
        """
        episode = await open_episode(
            self._source,
            task,
            self._sandbox,
            seed=self._seed,
            members=self._members,
        )
        try:
            yield episode
        finally:
            await episode.close()

    async def play(self, task: Task, acts: Iterable[Act], *, mode: Mode = "strict") -> Played:
        """Play acts in an episode of their own.

        Raises:
            SpecError: if the task has parts that cannot be played.
            PolicyError: if the tool code was refused.
            SandboxUnavailableError: if the machinery broke.
        """
        async with self.episode(task) as episode:
            replies, unmade = await _perform(episode, task, acts)
            if episode.void is not None:
                raise SandboxUnavailableError(
                    f"an episode of task {task.id!r} became void: {episode.void.message}"
                )
            return Played(episode.record(), episode.verdict(mode), replies, unmade)

    async def play_gold(self, task: Task) -> Played:
        """Play the gold of a task; see `play`."""
        return await self.play(task, gold_acts(task))

    async def play_all(
        self,
        programmes: Sequence[Programme],
        *,
        mode: Mode = "strict",
        on_played: Callable[[], None] | None = None,
    ) -> list[Played]:
        """Play many programmes, several at once, and return what came in the same order."""

        async def one(programme: Programme) -> Played:
            return await self.play(programme.task, programme.acts, mode=mode)

        def tell(played: Played) -> None:
            del played
            if on_played is not None:
                on_played()

        return await side_by_side(programmes, one, at_once=EPISODES, on_done=tell)


async def _perform(
    episode: Episode, task: Task, acts: Iterable[Act]
) -> tuple[tuple[CallReply, ...], str | None]:
    # What needs no tool follows from its parents; an agent works it out by itself.
    answers: JsonObject = {
        question.id: question.answer.value
        for question in task.sub_questions
        if question.tool is None
    }
    joint = len(task.environments) > 1
    replies: list[CallReply] = []
    for act in acts:
        if not isinstance(act, CallAct):
            replies.append(await episode.reply(act.message, act.kind))
            continue
        try:
            arguments = resolve_arguments(act.arguments, answers)
        except SpecError as error:
            return tuple(replies), f"{act.tool}: {error.message}"
        name = offered_name(ToolRef(act.environment, act.tool), joint=joint)
        reply = await _call(episode, name, arguments)
        replies.append(reply)
        found = _answer(reply, act.path)
        if act.question is not None and found is not None:
            answers[act.question] = found
    return tuple(replies), None


async def _call(episode: Episode, tool: str, arguments: JsonObject) -> CallReply:
    """Make a call, and make it again as long as an injected fault comes between."""
    reply = await episode.call(tool, arguments)
    for _ in range(MOST_RETRIES):
        if not episode.calls or episode.calls[-1].fault is None:
            break
        reply = await episode.call(tool, arguments)
    return reply


def _answer(reply: CallReply, path: str) -> Json:
    if reply.structured is None:
        return None
    try:
        return resolve_pointer(reply.structured, path)
    except SpecError:
        return None
