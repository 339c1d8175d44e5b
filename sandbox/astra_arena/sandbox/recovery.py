"""A session that outlives its processes: broken calls are tried again on a rebuilt world.

The rule that decides between the two kinds of trouble: what tool code does is a `Broke`, however
often it happens; only machinery that fails twice in a row raises. So no sequence of calls can make
an episode void.
"""

import asyncio
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.errors import SandboxError, SandboxUnavailableError
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Program,
    ReplayCall,
    Sandbox,
    Session,
    Succeeded,
)
from astra_arena.sandbox.replaying import trace_of
from astra_arena.sandbox.snapshots import CallLog, Snapshot, appended, calls_of

_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a call ended in the end."""

    execution: Execution
    """A `Broke` here broke twice and left no trace."""
    recovered: bool
    """Whether the call broke once and then did not."""


class IdlePolicy(Protocol):
    """Is told of uses, and hibernates what is not used."""

    def used(self, session: "DurableSession") -> None:
        """Take notice that `session` is live and was used just now."""
        ...

    def forget(self, session: "DurableSession") -> None:
        """Take notice that `session` was closed."""
        ...


class DurableSession:
    """One world, kept as what its calls have made of it; the session behind it may come and go.

    ```python
    session = DurableSession(sandbox, program, seed=1)
    delivery = await session.call("lend_book", {"title": "Emma"})
    branch = await open_branch(sandbox, await session.snapshot())
    ```

    Calls that wrote nothing are not made again when the world is rebuilt. So state outside the
    world, which tool code must not have, may not survive.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        *,
        seed: int,
        read_only: frozenset[str] = frozenset(),
        idle: IdlePolicy | None = None,
    ) -> None:
        """Build a durable session; the first call opens a session behind it.

        Args:
            sandbox: Opens the sessions; stays the caller's.
            program: What they run.
            seed: Keys their random streams.
            read_only: Tools proved not to change the world; their calls are not replayed.
            idle: Hibernates this session when it was not used for long.
        """
        self._sandbox = sandbox
        self._program = program
        self._seed = seed
        self._read_only = read_only
        self._idle = idle
        self._session: Session | None = None
        self._log: CallLog | None = None
        self._digest: str | None = None
        """The state's digest after the log, when it is known."""
        self._attempts: dict[tuple[str, bytes], int] = {}
        self._lock = asyncio.Lock()
        self.branched: Literal["live", "replay"] | None = None
        """How it was made, if it is a branch: by a fork or by calls that were made again."""

    @property
    def sandbox(self) -> Sandbox:
        """Where its sessions are opened."""
        return self._sandbox

    @property
    def live(self) -> bool:
        """Whether there is a session behind it now."""
        return self._session is not None

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._lock.locked()

    async def call(self, tool: str, arguments: JsonObject) -> Delivery:
        """Run one tool; when it breaks, once more in a fresh session with all that was committed.

        Args:
            tool: One of the program's `tool_names`.
            arguments: Keyword arguments that satisfy the tool's input schema.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        async with self._lock:
            attempt = self._next_attempt(tool, arguments)
            started = 0.0

            async def run(session: Session) -> Execution:
                nonlocal started
                started = time.perf_counter()
                return await session.call(tool, arguments, attempt=attempt)

            execution, broken = await self._durably(run)
            if isinstance(execution, Succeeded):
                seconds = time.perf_counter() - started
                self._keep(tool, arguments, attempt, execution, seconds)
            delivery = Delivery(execution, broken and not isinstance(execution, Broke))
        self._used()
        return delivery

    async def snapshot(self) -> Snapshot:
        """Return a handle on the state as it is now; it stays good whatever happens here.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        async with self._lock:
            if self._digest is None:
                told, _ = await self._durably(_state_digest)
                self._digest = None if isinstance(told, Broke) else told
            snapshot = Snapshot(
                self._program,
                self._seed,
                self._digest,
                self._log,
                dict(self._attempts),
                self._read_only,
                weakref.ref(self),
            )
        self._used()
        return snapshot

    async def state_difference(self) -> JsonObject | Broke:
        """Return what this session's calls changed in total; see `Session.state_difference`.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        async with self._lock:
            told, _ = await self._durably(_state_difference)
        self._used()
        return told

    async def wake(self) -> Broke | None:
        """Have a session ready; returns why the world could not be rebuilt, if it could not.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        async with self._lock:
            woken, _ = await self._durably(_nothing)
        self._used()
        return woken

    async def hibernate(self) -> None:
        """End the session behind it; the next call rebuilds the world and checks its digest."""
        async with self._lock:
            session = self._session
            if session is None:
                return
            try:
                told = await session.state_digest()
            except SandboxUnavailableError:
                # Whoever calls next finds a new session.
                told = None
            finally:
                await self._end()
            self._digest = told if isinstance(told, str) else self._digest

    async def close(self) -> None:
        """End the session behind it; a later call opens another."""
        if self._idle is not None:
            self._idle.forget(self)
        async with self._lock:
            await self._end()

    async def live_copy(self, snapshot: Snapshot) -> Session | None:
        """Return a session in the state of `snapshot`, if the one behind this is in it and forks.

        Its state is checked as that of a replay is.
        """
        async with self._lock:
            if self._session is None or self._log is not snapshot.log:
                return None
            copy = await self._session.branch()
        if copy is None:
            return None
        try:
            if await copy.state_digest() == snapshot.state_digest:
                return copy
        except SandboxUnavailableError:
            pass
        await copy.close()
        return None

    def resume(self, snapshot: Snapshot, session: Session | None = None) -> None:
        """Take over what `snapshot` holds; for a durable session that was not used yet.

        Args:
            snapshot: Made by another.
            session: One in its state already; the first call rebuilds the state if not given.
        """
        if self._session is not None or self._attempts:
            raise RuntimeError("expected a durable session that was not used yet")
        self._log = snapshot.log
        self._digest = snapshot.state_digest
        self._attempts = dict(snapshot.attempts)
        self._session = session
        self.branched = "replay" if session is None else "live"

    def _used(self) -> None:
        if self._idle is not None:
            self._idle.used(self)

    def _next_attempt(self, tool: str, arguments: JsonObject) -> int:
        key = (tool, canonical_bytes(arguments))
        attempt = self._attempts.get(key, 0)
        self._attempts[key] = attempt + 1
        return attempt

    def _keep(
        self, tool: str, arguments: JsonObject, attempt: int, done: Succeeded, seconds: float
    ) -> None:
        trace = trace_of(done)
        if not trace or tool in self._read_only:
            return
        self._log = appended(self._log, ReplayCall(tool, arguments, attempt, trace, seconds))
        self._digest = None

    async def _durably(
        self, run: Callable[[Session], Awaitable[_Outcome | Broke]]
    ) -> tuple[_Outcome | Broke, bool]:
        """Run something on a session, twice if need be; also tells whether it broke the first time.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        broken = False
        failed = False
        while True:
            try:
                outcome = await self._run(run)
            except SandboxUnavailableError:
                if failed:
                    raise
                failed = True
                continue
            failed = False
            if not isinstance(outcome, Broke):
                return outcome, broken
            await self._end()
            if broken:
                return outcome, True
            broken = True

    async def _run(self, run: Callable[[Session], Awaitable[_Outcome | Broke]]) -> _Outcome | Broke:
        session, self._session = self._session, None
        if session is None:
            session = await self._sandbox.open_session(self._program, seed=self._seed)
            try:
                broke = await self._rebuild(session)
            except BaseException:
                await session.close()
                raise
            if broke is not None:
                await session.close()
                return broke
        try:
            outcome = await run(session)
        except BaseException:
            # Nobody knows what such a call left behind.
            await session.close()
            raise
        self._session = session
        return outcome

    async def _rebuild(self, session: Session) -> Broke | None:
        calls = calls_of(self._log)
        if calls:
            outcome = await session.replay(calls)
            broke = outcome.broke
            if broke is not None:
                at = min(outcome.replayed, len(calls) - 1)
                where = f"replay of call {at}, {calls[at].tool!r}"
                return Broke(broke.kind, f"{where}: {broke.detail}", session_lost=True)
        if self._digest is None:
            return None
        told = await session.state_digest()
        if isinstance(told, Broke) or told == self._digest:
            return told if isinstance(told, Broke) else None
        detail = f"replay: expected the state {self._digest}, got {told}"
        return Broke("diverged", detail, session_lost=True)

    async def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def open_branch(
    sandbox: Sandbox, snapshot: Snapshot, *, idle: IdlePolicy | None = None
) -> DurableSession:
    """Open an independent session that goes on from `snapshot`: same state, clock and streams.

    By a fork of the session that the snapshot is of, if that is still in the same state, in the
    same sandbox, and may fork; by replay otherwise. Whoever wants many branches of a state keeps
    one that makes no call: the others are forked from it.

    Args:
        idle: As for `DurableSession`.

    Raises:
        SandboxError: if the state could not be rebuilt.
        SandboxUnavailableError: if the sandbox failed twice in a row.
    """
    branch = DurableSession(
        sandbox, snapshot.program, seed=snapshot.seed, read_only=snapshot.read_only, idle=idle
    )
    origin = snapshot.origin()
    copy = None
    if origin is not None and origin.sandbox is sandbox:
        copy = await origin.live_copy(snapshot)
    branch.resume(snapshot, copy)
    broke = await branch.wake()
    if broke is not None:
        await branch.close()
        raise SandboxError(f"could not rebuild the state to branch from: {broke.detail}")
    return branch


async def _state_digest(session: Session) -> str | Broke:
    return await session.state_digest()


async def _state_difference(session: Session) -> JsonObject | Broke:
    return await session.state_difference()


async def _nothing(session: Session) -> None:
    return None
