"""One attempt at one task: live sessions, the conversation, the ordered log and the verdict.

Calls are serialised in the order in which they arrive and finish whether or not their caller still
waits, so that the log holds whatever happened to the worlds. An episode becomes void only when the
machinery breaks. Nothing that arrives in a call may make it so: void would be a way out of a losing
episode. Gold never enters a text for the agent; only `verdict` reads it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from astra_arena.core.calls import ELICIT_TOOL, REPLY_TOOL, CallRecord, Outcome
from astra_arena.core.canonical import Json, JsonObject, digest_of, digest_of_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import ArenaError
from astra_arena.core.offers import ToolRef, tool_ref
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import Mode, Verdict
from astra_arena.servers.bundles.suite import Source, members_of
from astra_arena.servers.episodes.conversation import REPLY, Conversation
from astra_arena.servers.episodes.elicitation import OnElicit, lack_of, told_slots
from astra_arena.servers.episodes.episode_log import CallReply, EpisodeLog
from astra_arena.servers.episodes.fault_schedule import FaultSchedule
from astra_arena.servers.episodes.members import (
    LiveMember,
)
from astra_arena.servers.episodes.records import empty_record, verdict_of
from astra_arena.servers.episodes.tool_runs import ToolRuns
from astra_arena.servers.episodes.toolset import (
    MESSAGE_CHARS,
    Accepted,
    Refused,
    Tool,
    printable,
    storable,
)

logger = logging.getLogger(__name__)

EPISODE_VOID_TEXT = "this episode cannot continue: its environment is not available"
EPISODE_CLOSED_TEXT = "this episode has ended; no more calls are possible"
EPISODE_DONE_TEXT = "the conversation is over; no more calls or replies are possible"

_NAME_CHARS = 128
_KEY_CHARS = 200


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
    ) -> None:
        self.id = identifier
        """192 random bits; knowing it is the right to play the episode."""
        self.source = source
        self.task = task
        self.seed = seed
        self.tier = tier
        self.void: Failure | None = None
        self.is_open = True
        self.last_used = time.monotonic()
        self.on_void: Callable[[Failure], None] | None = None
        self.on_elicit: OnElicit | None = None
        """With `elicitation`: asked before the user tells what a call lacks; else the user does."""
        self._members = {member.name: member for member in members}
        self._log = EpisodeLog(task.budget)
        self._runs = ToolRuns(self._members, FaultSchedule(task.faults, seed=seed), self._log)
        names = {member.name: member.toolset.names for member in members}
        self._conversation = Conversation(task, names)
        self._lock = asyncio.Lock()
        self._running: set[asyncio.Task[CallReply]] = set()

    @property
    def on_record(self) -> Callable[[CallRecord], None] | None:
        """Called with each call before its reply is sent; an `ArenaError` voids the episode."""
        return self._log.on_record

    @on_record.setter
    def on_record(self, notify: Callable[[CallRecord], None] | None) -> None:
        self._log.on_record = notify

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The log so far."""
        return self._log.calls

    @property
    def call_count(self) -> int:
        """How many calls the log holds."""
        return self._log.count

    @property
    def log_bytes(self) -> int:
        """About how much memory the log takes."""
        return self._log.size

    @property
    def done(self) -> bool:
        """Whether the conversation is over."""
        return self._conversation.state.done

    @property
    def turn(self) -> int:
        """Index of the task's turn that the agent is in."""
        return self._conversation.state.turn

    @property
    def tools_differ(self) -> bool:
        """Whether what is on offer is not just the tools of the source."""
        task, some = self.task, len(self._members) < len(members_of(self.source))
        return bool(task.tools) or task.needs_reply or self.tools_change or some

    @property
    def tools_change(self) -> bool:
        """Whether what is on offer depends on the turn."""
        return self._conversation.changes

    def tools(self) -> tuple[ToolSpec, ...]:
        """Return the tools on offer now, by the names that the agent uses, without `reply`."""
        return tuple(
            self._tool(ref).spec.model_copy(update={"name": name})
            for name, ref in self._conversation.offered.items()
        )

    def offers(self, tool: str) -> bool:
        """Tell whether a tool is on offer now, `reply` included."""
        return tool in self._conversation.offered or self._is_reply(tool)

    async def call(self, tool: str, arguments: Json, *, key: str | None = None) -> CallReply:
        """Make one call; it runs to its end even when the caller is cancelled.

        Args:
            tool: The tool's name, as it came.
            arguments: Its arguments, as they came.
            key: The client's idempotency key: a repeated one is answered from the log.
        """
        task = asyncio.create_task(self._serialised(tool, arguments, key))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

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
            over = None if self._is_reply(tool) else self._log.over_budget()
            outcome: Outcome = "invalid_arguments" if over is None else "over_budget"
            try:
                shown = printable(over or reason, MESSAGE_CHARS)
                return self._refuse(printable(tool, _NAME_CHARS), note, outcome, shown).text
            except ArenaError as error:
                self._make_void(error.boundary, error.message)
                return EPISODE_VOID_TEXT

    def _ended(self) -> str | None:
        if self.void is not None:
            return EPISODE_VOID_TEXT
        if not self.is_open:
            return EPISODE_CLOSED_TEXT
        return EPISODE_DONE_TEXT if self.done else None

    async def _serialised(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        async with self._lock:
            self.last_used = time.monotonic()
            if self.void is not None or not self.is_open:
                return CallReply(True, self._ended() or EPISODE_CLOSED_TEXT)
            try:
                return await self._keyed(printable(tool, _NAME_CHARS), arguments, key)
            except ArenaError as error:
                self._make_void(error.boundary, error.message)
                return CallReply(True, EPISODE_VOID_TEXT)

    async def _keyed(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        if key is None:
            return await self._charged_call(tool, arguments, None)
        if printable(key, _KEY_CHARS) != key:
            # A key that were only cut would be taken for another one with the same beginning.
            key = digest_of(key)
        stored = storable(arguments)
        asked = digest_of_bytes(stored.data)
        try:
            before = self._log.answered(key, tool, asked)
        except KeyError:
            if self.done:
                return CallReply(True, EPISODE_DONE_TEXT)
            text = "this call key was used before, for another call"
            return self._refuse(tool, stored.value, "invalid_arguments", text)
        if before is not None:
            return before
        logged = self._log.count
        reply = await self._charged_call(tool, arguments, key)
        if self._log.count > logged:
            # What is no longer logged is no longer remembered either: both would grow for ever.
            self._log.remember(key, tool, asked, reply)
        return reply

    async def _charged_call(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        if self.done:
            return CallReply(True, EPISODE_DONE_TEXT)
        if self._is_reply(tool):
            return self._hear(arguments, key)
        if (over := self._log.over_budget()) is not None:
            return self._refuse(tool, storable(arguments).value, "over_budget", over, key=key)
        ref = self._conversation.offered.get(tool)
        if ref is None:
            own = [REPLY_TOOL] if self.task.needs_reply else []
            names = ", ".join([*self._conversation.offered, *own])
            text = f"there is no tool {printable(tool, 64)!r}; the tools are: {names}"
            return self._refuse(tool, storable(arguments).value, "unknown_tool", text, key=key)
        checked = await self._checked(ref, arguments)
        if not isinstance(checked, Accepted):
            return self._refuse(
                tool, checked.arguments, "invalid_arguments", checked.reason, key=key
            )
        if (full := self._log.take_room(checked.size)) is not None:
            return self._refuse(tool, checked.arguments, "invalid_arguments", full, key=key)
        return await self._runs.run(ref, checked.arguments, key)

    async def _checked(self, ref: ToolRef, arguments: Json) -> Accepted | Refused:
        """Check a call's arguments; with `elicitation`, have the user tell what they lack."""
        tool = self._tool(ref)
        checked = tool.accept(arguments)
        if isinstance(checked, Accepted) or self.task.variant != "elicitation":
            return checked
        lack = lack_of(self.task, ref, tool, arguments)
        if lack is None:
            return checked
        told = await told_slots(self.on_elicit, lack.slots)
        asked: JsonObject = {"tool": ref.full_name, "arguments": list[Json](lack.arguments)}
        self._log.add(self._own(ELICIT_TOOL), asked, "ok", result={"told": told}, own=True)
        self._conversation.tell(told)
        return lack.filled if told else checked

    def _hear(self, arguments: Json, key: str | None) -> CallReply:
        """Give a message to the user."""
        checked, late = REPLY.accept(arguments), self._log.out_of_time()
        problem = checked.reason if isinstance(checked, Refused) else None
        problem = late or problem or self._log.take_room(len(str(checked.arguments)))
        if problem is not None or isinstance(checked, Refused):
            outcome: Outcome = "over_budget" if late else "invalid_arguments"
            shown = printable(problem or "", MESSAGE_CHARS)
            return self._refuse(REPLY_TOOL, checked.arguments, outcome, shown, key=key)
        result = self._conversation.hear(checked.arguments)
        self._log.add(
            self._own(REPLY_TOOL), checked.arguments, "ok", result=result, key=key, own=True
        )
        return CallReply(False, REPLY.read(result), result, charged=False)

    def _own(self, tool: str) -> ToolRef:
        return ToolRef(self.source.name, tool)

    def _is_reply(self, tool: str) -> bool:
        return tool == REPLY_TOOL and self.task.needs_reply

    def _tool(self, ref: ToolRef) -> Tool:
        return self._members[ref.environment].toolset.tools[ref.tool]

    def _refuse(
        self, tool: str, arguments: Json, outcome: Outcome, text: str, *, key: str | None = None
    ) -> CallReply:
        own = self._is_reply(tool)
        ref = self._own(tool) if own else self._ref_of(tool)
        return self._log.refuse(ref, arguments, outcome, text, key=key, own=own)

    def _ref_of(self, tool: str) -> ToolRef:
        """Return how the log names a call, whether or not there is such a tool."""
        if len(self._members) == 1:
            return ToolRef(next(iter(self._members)), tool)
        return tool_ref(tool, tuple(self._members)) or self._own(tool)

    def _make_void(self, boundary: str, message: str) -> None:
        self.void = Failure(boundary=boundary, message=printable(message, MESSAGE_CHARS))
        logger.error("an episode of task %r is void: %s", self.task.id, message)
        if self.on_void is not None:
            self.on_void(self.void)

    def record(self) -> EpisodeRecord:
        """Return what the host knows of the episode; it holds no gold."""
        empty = empty_record(self.source, self.task, seed=self.seed, tier=self.tier)
        broken = sum(call.outcome == "environment_error" for call in self.calls)
        return empty.model_copy(update={"calls": self.calls, "void": self.void, "defects": broken})

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
        for member in self._members.values():
            await member.close()
