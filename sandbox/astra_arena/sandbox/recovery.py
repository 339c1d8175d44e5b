"""A session that outlives its processes: broken calls are tried again on a rebuilt world.

The rule that decides between the two kinds of trouble: what tool code does is a `Broke`, however
often it happens; only machinery that fails twice in a row raises. So no sequence of calls can make
an episode void.
"""

from dataclasses import dataclass

from astra_arena.core.canonical import JsonObject, canonical_bytes, same_json
from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox.contract import Broke, Execution, Program, Sandbox, Session, Succeeded


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a call ended in the end."""

    execution: Execution
    """A `Broke` here broke twice and left no trace."""
    recovered: bool
    """Whether the call broke once and then did not."""


@dataclass(frozen=True, slots=True)
class _Committed:
    tool: str
    arguments: JsonObject
    attempt: int
    result: JsonObject


class DurableSession:
    """One world, kept as what its calls have made of it; the session behind it may come and go.

    ```python
    session = DurableSession(sandbox, program, seed=1, read_only=frozenset({"find_book"}))
    delivery = await session.call("lend_book", {"title": "Emma"})
    ```
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        *,
        seed: int,
        read_only: frozenset[str] = frozenset(),
    ) -> None:
        """Build a durable session; the first call opens a session behind it.

        Args:
            sandbox: Opens the sessions; stays the caller's.
            program: What they run.
            seed: Keys their random streams.
            read_only: Tools proved not to change the world; their calls are not replayed.
        """
        self._sandbox = sandbox
        self._program = program
        self._seed = seed
        self._read_only = read_only
        self._session: Session | None = None
        self._committed: list[_Committed] = []
        self._attempts: dict[tuple[str, bytes], int] = {}

    async def call(self, tool: str, arguments: JsonObject) -> Delivery:
        """Run one tool; when it breaks, once more in a fresh session with all that was committed.

        Args:
            tool: One of the program's `tool_names`.
            arguments: Keyword arguments that satisfy the tool's input schema.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        attempt = self._next_attempt(tool, arguments)
        broken = False
        failed = False
        while True:
            try:
                execution = await self._run(tool, arguments, attempt)
            except SandboxUnavailableError:
                if failed:
                    raise
                failed = True
                continue
            failed = False
            if isinstance(execution, Broke):
                await self.close()
                if broken:
                    return Delivery(execution, recovered=False)
                broken = True
                continue
            if isinstance(execution, Succeeded) and tool not in self._read_only:
                self._committed.append(_Committed(tool, arguments, attempt, execution.result))
            return Delivery(execution, recovered=broken)

    async def close(self) -> None:
        """End the session behind it; a later call opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _next_attempt(self, tool: str, arguments: JsonObject) -> int:
        key = (tool, canonical_bytes(arguments))
        attempt = self._attempts.get(key, 0)
        self._attempts[key] = attempt + 1
        return attempt

    async def _run(self, tool: str, arguments: JsonObject, attempt: int) -> Execution:
        session, self._session = self._session, None
        if session is None:
            session = await self._sandbox.open_session(self._program, seed=self._seed)
            try:
                broke = await self._replay(session)
            except BaseException:
                await session.close()
                raise
            if broke is not None:
                await session.close()
                return broke
        try:
            execution = await session.call(tool, arguments, attempt=attempt)
        except BaseException:
            # Nobody knows what such a call left behind.
            await session.close()
            raise
        self._session = session
        return execution

    async def _replay(self, session: Session) -> Broke | None:
        for number, call in enumerate(self._committed):
            execution = await session.call(call.tool, call.arguments, attempt=call.attempt)
            where = f"replay of call {number}, {call.tool!r}"
            if isinstance(execution, Broke):
                return Broke(execution.kind, f"{where}: {execution.detail}", session_lost=True)
            if not isinstance(execution, Succeeded):
                detail = f"{where}: expected success, got the refusal {execution.message!r}"
                return Broke("diverged", detail, session_lost=True)
            if not same_json(execution.result, call.result):
                return Broke("diverged", f"{where}: got another reply", session_lost=True)
        return None
