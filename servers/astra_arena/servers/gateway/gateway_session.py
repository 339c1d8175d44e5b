"""One episode's session with an external server.

What the server holds cannot be seen from here. So a state is told by the calls that may have made
it: those of tools that are not claimed to read only. Each carries the digest of its reply, to which
a replay on a new connection is held.
"""

from collections.abc import Callable, Sequence

from astra_arena.core.canonical import JsonObject, canonical_bytes, digest_of
from astra_arena.core.errors import SpecError
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Failed,
    Program,
    ReplayCall,
    ReplayOutcome,
    Succeeded,
)
from astra_arena.sandbox.replaying import replay_one_by_one
from astra_arena.servers.bundles.external_world import CALL_SECONDS, ExternalWorld
from astra_arena.servers.gateway.connection import ErrorAnswer, ServerConnection
from astra_arena.servers.gateway.failures import CallEndedError
from astra_arena.servers.gateway.results import error_text, result_object

OUTCOME_UNKNOWN_TEXT = "no usable answer came; whether the call took effect is not known"
"""What the agent reads when a call that may write was lost at a server that all episodes share: to
make it again, as is done elsewhere, could write twice."""


class GatewaySession:
    """A session whose tools are an external server's.

    Args:
        program: What the episode plays.
        world: How the server is reached, and what its tools are called.
        connection: To the server; closed with the session.
        on_close: Told when the session was closed.
    """

    def __init__(
        self,
        program: Program,
        world: ExternalWorld,
        connection: ServerConnection,
        *,
        on_close: Callable[["GatewaySession"], None] | None = None,
    ) -> None:
        self._world = world
        self._connection = connection
        self._most_bytes = program.limits.reply_bytes
        # The sandbox's own deadline is meant for code that runs here; networks are slower.
        self._seconds = world.call_seconds or max(CALL_SECONDS, program.limits.call_seconds)
        self._history = digest_of([])
        self._on_close = on_close

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Call the server's tool; see `Session.call`. It knows nothing of attempts and seeds."""
        del attempt
        route = self._world.tools[tool]
        try:
            answer = await self._connection.call(route.calls, arguments, seconds=self._seconds)
            if isinstance(answer, ErrorAnswer):
                return Failed(answer.message)
            if answer.is_error:
                return Failed(error_text(answer))
            result = result_object(answer, route.returns)
            self._require_sendable(result)
        except CallEndedError as error:
            if self._world.state == "server" and not route.read_only:
                return Failed(OUTCOME_UNKNOWN_TEXT)
            return Broke(error.kind, error.detail, session_lost=True)
        if route.read_only:
            return Succeeded(result, "")
        trace = digest_of(result)
        self._note(tool, arguments, trace)
        return Succeeded(result, trace)

    def _require_sendable(self, result: JsonObject) -> None:
        try:
            size = len(canonical_bytes(result))
        except SpecError as error:
            raise CallEndedError("bad_result", error.message) from None
        if size > self._most_bytes:
            raise CallEndedError(
                "too_large", f"expected a reply of at most {self._most_bytes} bytes, got {size}"
            )

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Bring a new connection to where the last one was.

        With state of its own, by making the calls again. Where the server holds the state for all,
        what they did is still there, and to make them again would do it twice.
        """
        if self._world.state == "connection":
            return await replay_one_by_one(self, calls)
        for call in calls:
            self._note(call.tool, call.arguments, call.trace)
        return ReplayOutcome(len(calls))

    async def state_digest(self) -> str | Broke:
        """Return the digest of the calls that may have changed anything, in their order."""
        return self._history

    async def state_difference(self) -> JsonObject | Broke:
        """Return no difference, and that none could be seen."""
        return {"values": {}, "unseen": True}

    async def branch(self) -> None:
        """Return nothing: a server cannot be forked from outside."""

    async def close(self) -> None:
        """End the connection, and the server if it was started for it."""
        await self._connection.close()
        if self._on_close is not None:
            self._on_close(self)

    def _note(self, tool: str, arguments: JsonObject, trace: str) -> None:
        self._history = digest_of([self._history, tool, arguments, trace])
