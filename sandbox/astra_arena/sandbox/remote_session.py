"""The host's side of a session that runs at a worker."""

from collections.abc import Callable, Iterator, Sequence

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.errors import SandboxUnavailableError, SpecError
from astra_arena.sandbox.contract import Broke, Execution, Program, ReplayCall, ReplayOutcome
from astra_arena.sandbox.remote_connection import Connection, LostError
from astra_arena.sandbox.remote_protocol import (
    LARGEST_FRAME,
    AskDifference,
    AskDigest,
    Call,
    Difference,
    Digest,
    Message,
    Outcome,
    Replay,
    Replayed,
    Reply,
    WireReplayCall,
)
from astra_arena.sandbox.remote_values import (
    execution_of,
    replay_outcome_of,
    state_difference_of,
    state_digest_of,
    wire_replay,
)

# What a reply may take beyond the worker's own deadline.
_SLACK_S = 30.0
_FRAME_SLACK = 1 << 16


class RemoteSession:
    """One live world at a worker."""

    def __init__(self, program: Program, connection: Connection, number: int) -> None:
        self._program = program
        self._connection = connection
        self._number = number
        self._busy = False
        self._closed = False

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Run one tool; see `Session.call`."""
        self._require_usable()
        if tool not in self._program.tool_names:
            raise SpecError(f"expected one of the program's tools, got {tool!r}")
        sent = canonical_bytes(arguments)
        if len(sent) > LARGEST_FRAME - _FRAME_SLACK:
            return Broke("too_large", f"arguments of {len(sent)} bytes", session_lost=False)
        reply = await self._ask(
            lambda i: Call(i, self._number, tool, sent, attempt),
            timeout_s=self._program.limits.call_seconds + _SLACK_S,
        )
        if not isinstance(reply, Outcome):
            raise self._nonsense()
        execution = execution_of(reply)
        if isinstance(execution, Broke) and execution.session_lost:
            self._end()
        return execution

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Make earlier calls again; see `Session.replay`."""
        self._require_usable()
        replayed = 0
        for some in _in_frames(wire_replay(calls)):
            reply = await self._ask(
                lambda i, some=some: Replay(i, self._number, some),
                timeout_s=len(some) * self._program.limits.call_seconds + _SLACK_S,
            )
            if not isinstance(reply, Replayed):
                raise self._nonsense()
            outcome = replay_outcome_of(reply)
            replayed += outcome.replayed
            if outcome.broke is not None:
                self._end()
                return ReplayOutcome(replayed, outcome.broke)
        return ReplayOutcome(replayed)

    async def state_digest(self) -> str | Broke:
        """Return the digest of the world's state; see `Session.state_digest`."""
        self._require_usable()
        reply = await self._ask(
            lambda i: AskDigest(i, self._number),
            timeout_s=self._program.limits.call_seconds + _SLACK_S,
        )
        if not isinstance(reply, Digest):
            raise self._nonsense()
        came = state_digest_of(reply)
        if isinstance(came, Broke) and came.session_lost:
            self._end()
        return came

    async def state_difference(self) -> JsonObject | Broke:
        """Return what differs from the start; see `Session.state_difference`."""
        self._require_usable()
        reply = await self._ask(
            lambda i: AskDifference(i, self._number),
            timeout_s=self._program.limits.call_seconds + _SLACK_S,
        )
        if not isinstance(reply, Difference):
            raise self._nonsense()
        came = state_difference_of(reply)
        if isinstance(came, Broke) and came.session_lost:
            self._end()
        return came

    async def branch(self) -> None:
        """Return nothing: at a worker branches are made by replay."""

    async def close(self) -> None:
        """End the session; closing twice is harmless."""
        self._end()

    def _require_usable(self) -> None:
        if self._closed:
            raise SandboxUnavailableError("the session is closed")
        if self._busy:
            raise RuntimeError("expected calls to a session one after another, got two at once")

    async def _ask(self, message: Callable[[int], Message], *, timeout_s: float) -> Reply:
        self._busy = True
        try:
            return await self._connection.request(message, timeout_s=timeout_s)
        except SpecError:
            # Refused by the worker's session before it did anything.
            raise
        except BaseException:
            # Nobody knows what the request did.
            self._end()
            raise
        finally:
            self._busy = False

    def _nonsense(self) -> LostError:
        self._end()
        return LostError("the worker answered a request with the reply to another kind of request")

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._connection.close_session(self._number)


def _in_frames(calls: Sequence[WireReplayCall]) -> Iterator[tuple[WireReplayCall, ...]]:
    """Yield calls by as many as fit into a frame: nearly always all."""
    some: list[WireReplayCall] = []
    size = 0
    for call in calls:
        length = len(call.arguments) + 1000
        if some and size + length > LARGEST_FRAME - _FRAME_SLACK:
            yield tuple(some)
            some, size = [], 0
        some.append(call)
        size += length
    yield tuple(some)
