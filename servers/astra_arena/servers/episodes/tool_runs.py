"""What becomes of calls that may run: faults before and after them, results, and states left."""

import asyncio
import logging
from collections.abc import Mapping

from astra_arena.core.calls import TOOL_FAILED_TEXT, StateRecord
from astra_arena.core.canonical import JsonObject
from astra_arena.core.faults import Fault
from astra_arena.core.mixed_tools import MixedTools
from astra_arena.core.offers import ToolRef
from astra_arena.sandbox.contract import Broke, Failed, Succeeded
from astra_arena.servers.episodes.clock import EpisodeClock
from astra_arena.servers.episodes.episode_log import CallReply, EpisodeLog
from astra_arena.servers.episodes.fault_schedule import FaultSchedule, page_cut_short
from astra_arena.servers.episodes.incoming import CANCELLED_TEXT, IncomingCall
from astra_arena.servers.episodes.members import LiveMember
from astra_arena.servers.episodes.toolset import MESSAGE_CHARS, printable
from astra_arena.servers.tracing import note, span

logger = logging.getLogger(__name__)

_UNTOLD_STATE = StateRecord(digest="", difference={"truncated": True})
"""Of a world of which nothing could be learned after a write; it is never the one wanted."""


class ToolRuns:
    """Runs the accepted calls of one episode.

    Args:
        members: The episode's, by name.
        faults: Which calls are disturbed.
        log: Where the calls are logged.
        mixed: What the agent is told of the tools, where that is not what their documents say.
        clock: Keeps replies waiting.
    """

    def __init__(
        self,
        members: Mapping[str, LiveMember],
        faults: FaultSchedule,
        log: EpisodeLog,
        *,
        mixed: MixedTools | None = None,
        clock: EpisodeClock,
    ) -> None:
        self._members = members
        self._faults = faults
        self._log = log
        self._mixed = mixed
        self._clock = clock

    async def run(self, ref: ToolRef, arguments: JsonObject, call: IncomingCall) -> CallReply:
        """Run one call, log it and return what the agent gets.

        A call that is cancelled before its tool has ended leaves no trace in the world; from then
        on it is finished whoever waits for it.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        key, member = call.key, self._members[ref.environment]
        tool = member.toolset.tools[ref.tool]
        met = self._faults.next_disturbance(ref, arguments, read_only=tool.spec.read_only)
        fault = met.fault
        try:
            await self._wait(met.seconds, call)
            if fault is not None and not fault.after:
                return self._lose(ref, arguments, fault, key)
            with (
                call.running(member.call_seconds),
                span("sandbox call", environment=ref.environment, tool=ref.tool),
            ):
                delivery = await member.call(ref.tool, arguments)
        except asyncio.CancelledError:
            if not call.cancelled:
                raise
            self._log.add(ref, arguments, "cancelled", message=CANCELLED_TEXT)
            return CallReply(True, CANCELLED_TEXT)
        match delivery.execution:
            case Succeeded(result, trace):
                state = None if trace == "" else await self._state(ref.environment)
                if isinstance(state, Broke):
                    return self._break(ref, arguments, state, key, state=_UNTOLD_STATE)
                if fault is not None:
                    return self._disturb(ref, arguments, result, fault, key, state)
                text = tool.read(result)
                self._log.add_bytes(2 * len(text))
                recovered = delivery.recovered
                self._log.add(
                    ref, arguments, "ok", result=result, recovered=recovered, key=key, state=state
                )
                return CallReply(False, text, result)
            case Failed(message):
                if fault is not None:
                    return self._lose(ref, arguments, fault, key)
                told = (
                    message if self._mixed is None else self._mixed.text(ref.environment, message)
                )
                shown = printable(told, MESSAGE_CHARS)
                recovered = delivery.recovered
                self._log.add(
                    ref, arguments, "tool_failure", message=shown, recovered=recovered, key=key
                )
                return CallReply(True, shown)
            case Broke() as broke:
                return self._break(ref, arguments, broke, key)

    async def _wait(self, seconds: float, call: IncomingCall) -> None:
        """Let a reply be late; the time that the tool itself may take is another."""
        if seconds > 0:
            with call.running(seconds):
                await self._clock.pause(seconds)

    def _told(self, ref: ToolRef, message: str) -> str:
        """Return a tool's message in the names that the agent knows."""
        return message if self._mixed is None else self._mixed.text(ref.environment, message)

    async def _state(self, environment: str) -> StateRecord | Broke:
        with span("state difference", environment=environment):
            state = await self._members[environment].state()
            if isinstance(state, StateRecord):
                note(state=state.digest, changes=_changes(state))
            return state

    def _break(
        self,
        ref: ToolRef,
        arguments: JsonObject,
        broke: Broke,
        key: str | None,
        *,
        state: StateRecord | None = None,
    ) -> CallReply:
        defect = printable(f"{broke.kind}: {broke.detail}", MESSAGE_CHARS)
        # An agent's client reads a stdio server's stderr; the log has it for operators.
        logger.debug("tool %r of %s broke: %s", ref.tool, ref.environment, defect)
        self._log.add(
            ref,
            arguments,
            "environment_error",
            message=TOOL_FAILED_TEXT,
            defect=defect,
            key=key,
            state=state,
        )
        return CallReply(True, TOOL_FAILED_TEXT)

    def _disturb(
        self,
        ref: ToolRef,
        arguments: JsonObject,
        result: JsonObject,
        fault: Fault,
        key: str | None,
        state: StateRecord | None,
    ) -> CallReply:
        """Lose the reply of a call that ran, or all but the beginning of it."""
        tool = self._members[ref.environment].toolset.tools[ref.tool]
        page = page_cut_short(tool, result) if fault.kind == "truncated_page" else None
        if page is None:
            return self._lose(ref, arguments, fault, key, state=state)
        text = tool.read(page)
        self._log.add_bytes(2 * len(text))
        self._log.add(ref, arguments, "ok", result=page, fault=fault.kind, key=key, state=state)
        return CallReply(False, text, page, charged=False)

    def _lose(
        self,
        ref: ToolRef,
        arguments: JsonObject,
        fault: Fault,
        key: str | None,
        *,
        state: StateRecord | None = None,
    ) -> CallReply:
        self._log.add(
            ref,
            arguments,
            "tool_failure",
            message=fault.message,
            fault=fault.kind,
            key=key,
            state=state,
        )
        return CallReply(True, fault.message, charged=False)


def _changes(state: StateRecord) -> int:
    """Return how many rows or values differ from the start."""
    tables = state.difference.get("tables")
    if isinstance(tables, dict):
        return sum(len(rows) for rows in tables.values() if isinstance(rows, dict))
    values = state.difference.get("values")
    return len(values) if isinstance(values, dict) else 0
