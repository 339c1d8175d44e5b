"""A sandbox that runs equal calls at equal states once, for gates that ask the same often.

What a call returns follows from the program, the seed, the calls that wrote before it, the tool,
the arguments and the attempt; so its outcome is kept under these. Whether a call wrote is told by
the trace that the sandbox gives, not by what the environment says of the tool. That tools are so
deterministic is for the gates of replay and isolation to find out, which use no memory.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from astra_arena.core.canonical import JsonObject, canonical_bytes, digest_of_bytes
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
from astra_arena.sandbox.replaying import replay_one_by_one

MOST_IDLE = 8
"""So many live sessions are kept for calls to come."""

_Told = TypeVar("_Told", str, JsonObject)
_Key: TypeAlias = tuple[str, int, str, str, bytes, int]
_State: TypeAlias = tuple[str, int, str]
_Call: TypeAlias = tuple[str, JsonObject, int]


@dataclass(slots=True)
class CallMemory:
    """Outcomes of calls, with the state that each one left."""

    outcomes: dict[_Key, tuple[Execution, str]] = field(
        default_factory=dict["_Key", tuple[Execution, str]]
    )
    digests: dict[_State, str] = field(default_factory=dict["_State", str])
    differences: dict[_State, JsonObject] = field(default_factory=dict["_State", JsonObject])

    @property
    def executed(self) -> int:
        """How many different calls were run."""
        return len(self.outcomes)


class RememberingSandbox:
    """Opens sessions that share what they know.

    Args:
        sandbox: Runs what is not known yet; stays the caller's.
        memory: What is known, of earlier sandboxes, too.
    """

    def __init__(self, sandbox: Sandbox, memory: CallMemory) -> None:
        self._sandbox = sandbox
        self._idle: dict[tuple[Program, int, str], list[Session]] = {}
        self.memory = memory
        self.asked = 0
        """How many calls were made, known ones included."""

    @property
    def tier(self) -> str:
        """What confines tool code."""
        return self._sandbox.tier

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open_session(self, program: Program, *, seed: int) -> "RememberedSession":
        """Start a session; a process of its own only comes with a call that is not known."""
        return RememberedSession(self, program, seed)

    async def close(self) -> None:
        """End the sessions that were kept."""
        kept, self._idle = self._idle, {}
        for sessions in kept.values():
            for session in sessions:
                await session.close()

    async def live_session(
        self, program: Program, seed: int, state: str, writes: Sequence[_Call]
    ) -> Session:
        """Return a session in a state, which the caller gives back or closes.

        Raises:
            PolicyError: if the code was refused.
            SandboxUnavailableError: if no session can be started.
        """
        kept = self._idle.get((program, seed, state))
        if kept:
            return kept.pop()
        session = await self._sandbox.open_session(program, seed=seed)
        for tool, arguments, attempt in writes:
            await session.call(tool, arguments, attempt=attempt)
        return session

    async def keep(self, program: Program, seed: int, state: str, session: Session) -> None:
        """Keep a session for calls to come."""
        kept = self._idle.setdefault((program, seed, state), [])
        if sum(len(sessions) for sessions in self._idle.values()) < MOST_IDLE:
            kept.append(session)
            return
        # What nobody wrote to is of the most use.
        oldest = next((key for key, there in self._idle.items() if there and key[2] != ""), None)
        if oldest is None:
            await session.close()
        else:
            kept.append(session)
            await self._idle[oldest].pop(0).close()


class RememberedSession:
    """One world as its calls have made it, with or without a process."""

    def __init__(self, sandbox: RememberingSandbox, program: Program, seed: int) -> None:
        self._sandbox = sandbox
        self._program = program
        self._seed = seed
        self._state = ""
        self._writes: list[_Call] = []

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Run one tool, or tell what came of it before; see `Session.call`."""
        self._sandbox.asked += 1
        text = canonical_bytes(arguments)
        key = (self._program.digest, self._seed, self._state, tool, text, attempt)
        memory = self._sandbox.memory
        if key not in memory.outcomes:
            memory.outcomes[key] = await self._run(tool, arguments, attempt, text)
        execution, state = memory.outcomes[key]
        if state != self._state:
            self._state = state
            self._writes.append((tool, arguments, attempt))
        return execution

    async def _run(
        self, tool: str, arguments: JsonObject, attempt: int, text: bytes
    ) -> tuple[Execution, str]:
        session = await self._sandbox.live_session(
            self._program, self._seed, self._state, self._writes
        )
        execution = await session.call(tool, arguments, attempt=attempt)
        state = self._state
        if isinstance(execution, Succeeded) and execution.trace != "":
            mark = f"{tool} {attempt}".encode()
            state = digest_of_bytes(state.encode("ascii"), mark, text)
        if isinstance(execution, Broke) and execution.session_lost:
            await session.close()
        else:
            await self._sandbox.keep(self._program, self._seed, state, session)
        return execution, state

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Make calls again; see `Session.replay`."""
        return await replay_one_by_one(self, calls)

    async def state_digest(self) -> str | Broke:
        """Return the digest of the world's state; see `Session.state_digest`."""
        return await self._state_of(self._sandbox.memory.digests, lambda one: one.state_digest())

    async def state_difference(self) -> JsonObject | Broke:
        """Return what differs from the start; see `Session.state_difference`."""
        known = self._sandbox.memory.differences
        return await self._state_of(known, lambda one: one.state_difference())

    async def _state_of(
        self,
        known: dict[_State, _Told],
        ask: Callable[[Session], Awaitable[_Told | Broke]],
    ) -> _Told | Broke:
        key = (self._program.digest, self._seed, self._state)
        if key not in known:
            session = await self._sandbox.live_session(
                self._program, self._seed, self._state, self._writes
            )
            told = await ask(session)
            if isinstance(told, Broke):
                await session.close()
                return told
            known[key] = told
            await self._sandbox.keep(self._program, self._seed, self._state, session)
        return known[key]

    async def branch(self) -> "RememberedSession":
        """Return an independent session in the state of this one; see `Session.branch`."""
        other = RememberedSession(self._sandbox, self._program, self._seed)
        other._state, other._writes = self._state, [*self._writes]
        return other

    async def close(self) -> None:
        """Leave what was learnt to others."""
