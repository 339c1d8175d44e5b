"""One attempt at one task: live sessions, the conversation, the ordered log and the verdict.

Calls are serialised in the order in which they arrive, and the log holds whatever happened to the
worlds: a call that its client gives up is undone, or finishes whether or not anybody waits. An
episode becomes void only when the
machinery breaks. Nothing that arrives in a call may make it so: void would be a way out of a losing
episode. Gold never enters a text for the agent; only `verdict` reads it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from astra_arena.core.calls import REPLY_TOOL, CallRecord, Outcome, StateRecord
from astra_arena.core.canonical import Json
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import ArenaError, SandboxError
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import Mode, Verdict
from astra_arena.sandbox.contract import Broke
from astra_arena.servers.bundles.suite import Source, members_of
from astra_arena.servers.episodes.call_handling import EPISODE_DONE_TEXT, CallHandler
from astra_arena.servers.episodes.clock import EpisodeClock
from astra_arena.servers.episodes.episode_log import CallReply
from astra_arena.servers.episodes.failures import ClosedEpisodeError
from astra_arena.servers.episodes.incoming import IncomingCall
from astra_arena.servers.episodes.members import (
    LiveMember,
)
from astra_arena.servers.episodes.mixing import MixedEpisode, with_terms
from astra_arena.servers.episodes.records import empty_record, verdict_of
from astra_arena.servers.episodes.toolset import (
    MESSAGE_CHARS,
    printable,
)
from astra_arena.servers.tracing import continued, in_a_trace, span

logger = logging.getLogger(__name__)

EPISODE_VOID_TEXT = "this episode cannot continue: its environment is not available"
EPISODE_CLOSED_TEXT = "this episode has ended; no more calls are possible"

_NAME_CHARS = 128


class Episode:
    """One attempt at one task. Make it with `open_episode`."""

    def __init__(
        self,
        *,
        identifier: str,
        source: Source,
        task: Task,
        seed: int,
        tier: str,
        members: Sequence[LiveMember],
        mixed: MixedEpisode | None = None,
        clock: EpisodeClock | None = None,
        own_task: Task | None = None,
    ) -> None:
        self.id = identifier
        """192 random bits; knowing it is the right to play the episode."""
        self.source = source
        self.task = task
        """As it is played."""
        self._own_task = own_task or task
        self.seed = seed
        self.tier = tier
        self.void: Failure | None = None
        self.is_open = True
        self.last_used = time.monotonic()
        self.on_answer: Callable[[float], None] | None = None
        """Called after each call with the seconds that it took once it was its turn."""
        self.on_void: Callable[[Failure], None] | None = None
        self.trace: Mapping[str, str] = {}
        """Names the span that the episode was opened in, while traces are made."""
        self.on_phase: list[Callable[[], None]] = []
        """Called when what is on offer has changed."""
        self.on_end: list[Callable[[], None]] = []
        """Called when the sessions end."""
        self.branched_at: int | None = None
        """How many calls of the log are of the episode that this is a branch of, if it is one."""
        self.members: Mapping[str, LiveMember] = {member.name: member for member in members}
        """The worlds of the task."""
        self._clock = clock or EpisodeClock()
        self.calling = CallHandler(
            source.name, task, seed=seed, members=self.members, mixed=mixed, clock=self._clock
        )
        self._lock = asyncio.Lock()
        self._running: set[asyncio.Task[CallReply]] = set()

    @property
    def worlds(self) -> Mapping[str, LiveMember]:
        """All worlds, those included whose tools only distract."""
        mixed = self.calling.mixed
        return self.members if mixed is None else {**self.members, **mixed.worlds}

    def sibling(self, identifier: str, worlds: Sequence[LiveMember]) -> "Episode":
        """Return another episode of the same task and seed, with worlds of its own."""
        mixed = self.calling.mixed
        if mixed is not None:
            others = {world.name: world for world in worlds if world.name not in self.members}
            mixed = replace(mixed, worlds=others)
        return Episode(
            identifier=identifier,
            source=self.source,
            task=self.task,
            seed=self.seed,
            tier=self.tier,
            members=[world for world in worlds if world.name in self.members],
            mixed=mixed,
            clock=self._clock,
            own_task=self._own_task,
        )

    @asynccontextmanager
    async def between_calls(self) -> AsyncGenerator[None]:
        """Keep calls from being made while the block runs."""
        async with self._lock:
            self.last_used = time.monotonic()
            yield

    async def state(self) -> dict[str, StateRecord | None]:
        """Return what each member's world is now; `None` where no tool was called yet.

        Raises:
            ClosedEpisodeError: if the episode has ended.
            SandboxError: if a world cannot tell.
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        states: dict[str, StateRecord | None] = {}
        async with self.between_calls():
            if not self.is_open:
                raise ClosedEpisodeError("this episode has ended, and its worlds with it")
            for name, member in self.worlds.items():
                told = await member.state() if member.used else None
                if isinstance(told, Broke):
                    raise SandboxError(f"the state of {name!r} could not be had: {told.detail}")
                states[name] = told
        return states

    @property
    def on_record(self) -> Callable[[CallRecord], None] | None:
        """Called with each call before its reply is sent; an `ArenaError` voids the episode."""
        return self.calling.log.on_record

    @on_record.setter
    def on_record(self, notify: Callable[[CallRecord], None] | None) -> None:
        self.calling.log.on_record = notify

    @property
    def busy(self) -> bool:
        """Whether a call is being answered."""
        return bool(self._running)

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The log so far."""
        return self.calling.log.calls

    @property
    def call_count(self) -> int:
        """How many calls the log holds."""
        return self.calling.log.count

    @property
    def log_bytes(self) -> int:
        """About how much memory the log takes."""
        return self.calling.log.size

    @property
    def done(self) -> bool:
        """Whether the conversation is over."""
        return self.calling.conversation.state.done

    @property
    def turn(self) -> int:
        """Index of the task's turn that the agent is in."""
        return self.calling.conversation.state.turn

    @property
    def tools_differ(self) -> bool:
        """Whether what is on offer is not just the tools of the source."""
        task, some = self.task, len(self.members) < len(members_of(self.source))
        mixed = self.calling.mixed is not None
        return mixed or bool(task.tools) or task.needs_reply or self.tools_change or some

    @property
    def tool_names(self) -> dict[str, str]:
        """With a mixing of tools, the names that the agent uses, by `environment__tool`."""
        mixed = self.calling.mixed
        return {} if mixed is None else {old: new for new, old in mixed.names.names.items()}

    @property
    def tools_change(self) -> bool:
        """Whether what is on offer depends on the turn."""
        return self.calling.conversation.changes

    @property
    def phase(self) -> int:
        """How often what is on offer has changed."""
        return self.calling.conversation.phase

    def tools(self) -> tuple[ToolSpec, ...]:
        """Return the tools on offer now, by the names that the agent uses, without `reply`."""
        return tuple(spec for spec, _ in self.calling.specs())

    def offers(self, tool: str) -> bool:
        """Tell whether a tool is on offer now, `reply` included."""
        return self.calling.offers(tool)

    async def call(self, tool: str, arguments: Json, *, key: str | None = None) -> CallReply:
        """Make one call; see `make`.

        Args:
            tool: The tool's name, as it came.
            arguments: Its arguments, as they came.
            key: The client's idempotency key: a repeated one is answered from the log.
        """
        return await self.make(IncomingCall(tool, arguments, key))

    async def make(self, call: IncomingCall) -> CallReply:
        """Make one call.

        When the caller is cancelled, so is a call without a key: it is logged and charged, and
        leaves no trace in the world. One with a key runs to its end, for a repeated call to ask for
        its reply.
        """
        task = asyncio.create_task(self._serialised(call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            call.cancel()
            raise

    @property
    def waiting(self) -> int:
        """How many calls wait for their reply."""
        return len(self._running)

    async def reply(
        self, message: Json, kind: Json = "answer", *, key: str | None = None
    ) -> CallReply:
        """End the agent's turn; the structured reply holds what the `user` says, and `done`.

        Args:
            message: What the agent says.
            kind: `answer`, `question` or `cannot`.
            key: As for `call`.
        """
        return await self.call(REPLY_TOOL, {"message": message, "kind": kind}, key=key)

    async def refuse(self, tool: str, note: str, reason: str) -> str:
        """Log and charge a call that could not be read or sent; return the text for the agent.

        Args:
            tool: The tool's name as far as it is known.
            note: What the log keeps in place of the arguments.
            reason: What was expected and what came.
        """
        async with self._lock:
            self.last_used = time.monotonic()
            ended = self._ended()
            if ended is not None:
                return ended
            over = None if self.calling.is_reply(tool) else self.calling.log.over_budget()
            outcome: Outcome = "invalid_arguments" if over is None else "over_budget"
            try:
                shown = printable(over or reason, MESSAGE_CHARS)
                return self.calling.refuse(printable(tool, _NAME_CHARS), note, outcome, shown).text
            except ArenaError as error:
                self._make_void(error.boundary, error.message)
                return EPISODE_VOID_TEXT

    def _ended(self) -> str | None:
        if self.void is not None:
            return EPISODE_VOID_TEXT
        if not self.is_open:
            return EPISODE_CLOSED_TEXT
        return EPISODE_DONE_TEXT if self.done else None

    async def _serialised(self, call: IncomingCall) -> CallReply:
        outer: Mapping[str, str] = {} if in_a_trace() else self.trace
        with continued(outer), span("tools/call", tool=printable(call.tool, _NAME_CHARS)):
            async with self._lock:
                self.last_used = time.monotonic()
                if self.void is not None or not self.is_open:
                    return CallReply(True, self._ended() or EPISODE_CLOSED_TEXT)
                reply = await self._answered(call)
            if reply.entered is not None:
                for notify in self.on_phase:
                    notify()
            return reply

    async def _answered(self, call: IncomingCall) -> CallReply:
        started = time.perf_counter()
        try:
            return await self.calling.answer(call)
        except ArenaError as error:
            self._make_void(error.boundary, error.message)
            return CallReply(True, EPISODE_VOID_TEXT)
        finally:
            if self.on_answer is not None:
                self.on_answer(time.perf_counter() - started)

    def _make_void(self, boundary: str, message: str) -> None:
        self.void = Failure(boundary=boundary, message=printable(message, MESSAGE_CHARS))
        logger.error("an episode of task %r is void: %s", self.task.id, message)
        if self.on_void is not None:
            self.on_void(self.void)

    def record(self) -> EpisodeRecord:
        """Return what the host knows of the episode; it holds no gold."""
        empty = empty_record(self.source, self.task, seed=self.seed, tier=self.tier)
        broken = sum(call.outcome == "environment_error" for call in self.calls)
        mixed = self.calling.mixed
        names = None if mixed is None else mixed.names
        empty = with_terms(empty, self._own_task, self.task, names)
        return empty.model_copy(
            update={
                "calls": self.calls,
                "void": self.void,
                "defects": broken,
                "branched_at": self.branched_at,
            }
        )

    def verdict(self, mode: Mode = "strict") -> Verdict:
        """Decide what the calls so far earned.

        Raises:
            VoidEpisodeError: if the machinery broke; such an episode is never scored.
        """
        return verdict_of(self.task, self.record(), mode)

    async def close(self) -> None:
        """End the sessions when the call in progress has ended; closing twice is harmless."""
        self.is_open = False
        async with self._lock:
            await self._end_sessions()

    async def abort(self) -> None:
        """End the sessions without waiting for the call in progress."""
        self.is_open = False
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._end_sessions()

    async def _end_sessions(self) -> None:
        for notify in self.on_end:
            notify()
        self.on_end.clear()
        for member in self.worlds.values():
            await member.close()
