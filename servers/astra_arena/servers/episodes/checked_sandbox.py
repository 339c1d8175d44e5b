"""Sessions whose results are checked against the output schemas before anyone relies on them.

A result that breaks its schema is a defect of the tool code like any other: the call is tried again
on a rebuilt world and leaves no trace if it happens again. Deciding that here, below the durable
session, is what lets the durable session undo it.
"""

from collections.abc import Callable, Sequence

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SandboxUnavailableError, SpecError
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Program,
    ReplayCall,
    ReplayOutcome,
    Sandbox,
    Session,
    Succeeded,
)
from astra_arena.servers.episodes.failures import ServerUnreachableError
from astra_arena.servers.episodes.toolset import Toolset


class CheckedSession:
    """A session whose results satisfy their schemas."""

    def __init__(
        self, session: Session, toolset: Toolset, on_call: Callable[[], None] | None = None
    ) -> None:
        self._session = session
        self._toolset = toolset
        self._on_call = on_call

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Run one tool; see `Session.call`."""
        if self._on_call is not None:
            self._on_call()
        execution = await self._session.call(tool, arguments, attempt=attempt)
        known = self._toolset.get(tool)
        if isinstance(execution, Succeeded) and known is not None:
            try:
                known.read(execution.result)
            except SpecError as error:
                return Broke("bad_result", error.message, session_lost=False)
            if known.spec.read_only and execution.trace:
                # What a tool is said to be, it is held to: the hint is proved on every call.
                return Broke("wrote", "a tool that only reads has changed the world", True)
        return execution

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Make calls again; what they returned was checked when they were made."""
        return await self._session.replay(calls)

    async def state_digest(self) -> str | Broke:
        """Return the digest of the world's state."""
        return await self._session.state_digest()

    async def state_difference(self) -> JsonObject | Broke:
        """Return what differs from the world at the start."""
        return await self._session.state_difference()

    async def branch(self) -> "CheckedSession | None":
        """Return an independent session in this one's state, if it can be had without a replay."""
        branch = await self._session.branch()
        return None if branch is None else CheckedSession(branch, self._toolset, self._on_call)

    async def close(self) -> None:
        """End the session."""
        await self._session.close()


class LostSession:
    """A session that could not be opened; whatever is asked of it breaks.

    Args:
        reason: Why not.
    """

    def __init__(self, reason: str) -> None:
        self._broke = Broke("crashed", reason, session_lost=True)

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Break."""
        return self._broke

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Break before the first call."""
        return ReplayOutcome(0, self._broke)

    async def state_digest(self) -> Broke:
        """Break."""
        return self._broke

    async def state_difference(self) -> Broke:
        """Break."""
        return self._broke

    async def branch(self) -> None:
        """Return nothing."""

    async def close(self) -> None:
        """End nothing."""


class CheckedSandbox:
    """Opens checked sessions for one episode, the first of them ahead of its use.

    An external server that cannot be reached any more after the episode has called it may have been
    brought down by that call. So it is a defect of the environment from then on, and not a reason
    to make the episode void.

    Args:
        sandbox: Opens the sessions behind them; stays the caller's.
        toolset: Knows the schemas.
    """

    def __init__(self, sandbox: Sandbox, toolset: Toolset) -> None:
        self._sandbox = sandbox
        self._toolset = toolset
        self._ready: CheckedSession | None = None
        self._called = False

    @property
    def tier(self) -> str:
        """What confines tool code."""
        return self._sandbox.tier

    def opens_in(self, sandbox: Sandbox) -> bool:
        """Tell whether the sessions behind the checked ones are of this sandbox."""
        return self._sandbox is sandbox

    async def prepare(self, program: Program, *, seed: int) -> None:
        """Open the first session now, so that whoever opens an episode learns of failures.

        Raises:
            PolicyError: if the tool code was refused.
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        try:
            self._ready = await self._opened(program, seed=seed)
        except SandboxUnavailableError:
            self._ready = await self._opened(program, seed=seed)

    async def open_session(self, program: Program, *, seed: int) -> CheckedSession | LostSession:
        """Start a session; see `Sandbox.open_session`."""
        ready, self._ready = self._ready, None
        if ready is not None:
            return ready
        try:
            return await self._opened(program, seed=seed)
        except ServerUnreachableError as error:
            if not self._called:
                raise
            return LostSession(error.message)

    async def _opened(self, program: Program, *, seed: int) -> CheckedSession:
        session = await self._sandbox.open_session(program, seed=seed)
        return CheckedSession(session, self._toolset, self._note_call)

    def _note_call(self) -> None:
        self._called = True

    async def close(self) -> None:
        """End the session that was prepared, if nobody took it."""
        ready, self._ready = self._ready, None
        if ready is not None:
            await ready.close()
