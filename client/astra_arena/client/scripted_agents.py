"""Agents without a model: one plays the gold, one plays at random, one does nothing.

They bound what an environment's rewards can mean: the oracle must earn everything, chance and
silence next to nothing.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from astra_arena.client.agent import Agent, EpisodeView, ToolReply, ToolView
from astra_arena.client.argument_sampler import sample_arguments
from astra_arena.client.solvers.floors import EachToolOnceAgent, EnumeratingAgent
from astra_arena.client.solvers.graded import ChainingSolver, LiteralsSolver, SearchingSolver
from astra_arena.client.solvers.lapsing import LapsingOracle
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import AgentError, SettingsError, SpecError, UnknownTaskError
from astra_arena.core.faults import LONGEST_STREAK
from astra_arena.core.gold_program import CallAct, ReplyAct, gold_acts
from astra_arena.core.offers import ToolRef, offered_name
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task, resolve_arguments

AgentName = Literal[
    "oracle",
    "lapsing-oracle-90",
    "lapsing-oracle-75",
    "lapsing-oracle-50",
    "lapsing-oracle-25",
    "searching",
    "chaining-4",
    "chaining-3",
    "chaining-2",
    "literals",
    "each-tool-once",
    "enumerate",
    "random",
    "noop",
]
"""Oracles know the gold. The solvers see the prompt and the tools, strongest first."""

MOST_RANDOM_CALLS = 10
MOST_SEEN = 64
"""How many values of one field the random agent remembers."""


_BLIND: dict[str, Callable[[], Agent]] = {
    "searching": SearchingSolver,
    "chaining-4": lambda: ChainingSolver(4),
    "chaining-3": lambda: ChainingSolver(3),
    "chaining-2": lambda: ChainingSolver(2),
    "literals": LiteralsSolver,
    "each-tool-once": EachToolOnceAgent,
    "enumerate": EnumeratingAgent,
    "random": lambda: RandomAgent(),
    "noop": lambda: NoopAgent(),
}


def build_agent(name: str, *, tasks: Iterable[Task] = ()) -> Agent:
    """Return the scripted agent called `name`.

    Args:
        name: One of `AgentName`.
        tasks: The tasks with their gold, from a bundle; the oracles need them.

    Raises:
        SettingsError: if there is no such agent, or an oracle has no gold.
    """
    if name in _BLIND:
        return _BLIND[name]()
    if name not in get_args(AgentName):
        choices = ", ".join(repr(choice) for choice in get_args(AgentName))
        raise SettingsError(f"there is no agent {name!r}; choose one of {choices}")
    gold = tuple(tasks)
    if not gold:
        raise SettingsError(
            f"agent {name!r} plays the gold of a bundle's tasks, and there are none here: "
            "name the bundle folder (agent-side bundles hold no gold)"
        )
    return OracleAgent(gold) if name == "oracle" else LapsingOracle(gold, int(name[-2:]))


class NoopAgent:
    """Calls nothing and says nothing."""

    name = "noop"

    async def play(self, episode: EpisodeView) -> str | None:
        """End the episode at once."""
        del episode
        return None


class OracleAgent:
    """Plays the gold program of each task: its calls, its questions, its refusals, its answer.

    What a call needs of its parents is taken from the replies that came, never from the gold, so a
    full reward proves that the data flows through the tools.

    Args:
        tasks: The tasks with their gold.
    """

    name = "oracle"
    knows_gold = True

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = {task.id: task for task in tasks}

    async def play(self, episode: EpisodeView) -> str | None:
        """Make the gold calls, say what is to be said, and state the last answer."""
        task = self._tasks.get(episode.task_id)
        if task is None:
            raise UnknownTaskError(f"the oracle has no gold for task {episode.task_id!r}")
        # What follows from its parents by thought alone stands in no reply.
        answers: JsonObject = {
            question.id: question.answer.value
            for question in task.sub_questions
            if question.tool is None
        }
        last: Json = None
        for act in gold_acts(task):
            match act:
                case CallAct():
                    last = await self._call(episode, task, act, answers)
                    if act.question is not None:
                        answers[act.question] = last
                case ReplyAct(message, kind):
                    await episode.reply(message, kind)
        return None if task.needs_reply or not answers else f"The answer is {last}."

    async def _call(
        self, episode: EpisodeView, task: Task, act: CallAct, answers: JsonObject
    ) -> Json:
        """Make a gold call, again where an injected fault struck it, and return its answer."""
        ref = ToolRef(act.environment, act.tool)
        own = offered_name(ref, joint=len(task.environments) > 1)
        name = episode.tool_names.get(ref.full_name, own)
        arguments = resolve_arguments(act.arguments, answers)
        reply = await episode.call(name, arguments)
        for _ in range(LONGEST_STREAK):
            if reply.charged:
                break
            reply = await episode.call(name, arguments)
        what = repr(act.question or act.tool)
        if reply.is_error or reply.structured is None:
            raise AgentError(f"the gold call of {what} came back as: {reply.text}")
        try:
            return resolve_pointer(reply.structured, act.path)
        except SpecError as error:
            raise AgentError(f"the reply to {what} lacks its answer: {error}") from None


@dataclass(slots=True)
class _Memory:
    """Scalars met in replies, by field name, in the order in which they were met first."""

    values: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])

    def note(self, reply: ToolReply) -> None:
        if reply.structured is not None:
            self._walk(reply.structured)

    def _walk(self, value: Json) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if isinstance(inner, dict | list):
                    self._walk(inner)
                else:
                    known = self.values.setdefault(name, [])
                    if inner not in known and len(known) < MOST_SEEN:
                        known.append(inner)
        elif isinstance(value, list):
            for item in value:
                self._walk(item)


class RandomAgent:
    """Makes a random number of random valid calls.

    How many and which follow from (seed, task) alone: from 1 to half of the budget, at most ten.
    Half of the time an argument takes a value that an earlier reply held under the same name.
    """

    name = "random"

    async def play(self, episode: EpisodeView) -> str | None:
        """Call tools at random and say nothing."""
        stream = random_stream(episode.seed, "random-agent", episode.task_id)
        memory = _Memory()
        for _ in range(
            stream.randint(1, max(1, min(episode.budget.calls // 2, MOST_RANDOM_CALLS)))
        ):
            chosen = self._choose(episode.tools, stream, memory)
            if chosen is None:
                break
            memory.note(await episode.call(*chosen))
        return None

    def _choose(
        self, tools: tuple[ToolView, ...], stream: random.Random, memory: _Memory
    ) -> tuple[str, JsonObject] | None:
        """Draw a tool and arguments; a tool whose schema chance does not meet is passed over."""
        for tool in stream.sample(tools, k=len(tools)):
            arguments = sample_arguments(tool.input_schema, stream, seen=memory.values)
            if arguments is not None:
                return tool.name, arguments
        return None
