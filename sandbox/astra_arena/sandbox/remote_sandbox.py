"""The sandbox whose sessions run at sandbox workers, on this machine or on others.

Sessions are spread over the workers that can be reached. A session whose worker is lost raises
`SandboxUnavailableError`; `DurableSession` then opens another one, which finds another worker or
the same one started again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from astra_arena.core.errors import SandboxUnavailableError, SettingsError
from astra_arena.sandbox.contract import Program
from astra_arena.sandbox.remote_address import parse_address
from astra_arena.sandbox.remote_connection import Connection, LostError, connect
from astra_arena.sandbox.remote_programs import SentPrograms
from astra_arena.sandbox.remote_protocol import BEAT_S, LARGEST_FRAME
from astra_arena.sandbox.remote_session import RemoteSession
from astra_arena.sandbox.tiers import covers, require_tier_name

_FRAME_SLACK = 1 << 20
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0

_T = TypeVar("_T")


class RemoteSandbox:
    """Runs each session at one of several workers.

    ```python
    async with RemoteSandbox(["unix:/run/arena/worker.sock"], token=token) as sandbox:
        session = await sandbox.open_session(program, seed=1)
    ```
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        token: str,
        min_tier: str | None = None,
        patience_s: float = 10.0,
        beat_s: float = BEAT_S,
    ) -> None:
        """Build a sandbox; `connect` or the first session connects it.

        Args:
            addresses: Of the workers, `unix:PATH` or `tcp:HOST:PORT`.
            token: What the workers ask for, and must know themselves.
            min_tier: The tier that a worker must have at least.
            patience_s: How long to look for a worker when none can be reached. Once that was in
                vain, who asks next is told at once, until there is a worker again.
            beat_s: How often a worker hears that this side is there.

        Raises:
            SettingsError: if there is no address, one cannot be read or there is no such tier.
        """
        if not addresses:
            raise SettingsError("expected the address of a sandbox worker, got none")
        self._addresses = tuple(parse_address(text) for text in addresses)
        self._token = token
        self._min_tier = None if min_tier is None else require_tier_name(min_tier)
        self._patience_s = patience_s
        self._beat_s = beat_s
        self._connections: list[Connection | None] = [None] * len(self._addresses)
        self._locks = [asyncio.Lock() for _ in self._addresses]
        self._sent = SentPrograms()
        self._tier: str | None = None
        self._closed = False
        self._gone = False
        """Whether workers were looked for in vain and none was met since."""

    @property
    def tier(self) -> str:
        """What confines tool code at the workers, all alike; `unknown` before the first is met."""
        return self._tier or "unknown"

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Find out whether there is a worker, and what confines tool code there.

        Raises:
            SandboxUnavailableError: if no worker can be reached; names why for each.
        """

        async def met(connection: Connection) -> None:
            """Ask for nothing."""

        await self._at_a_worker(met)

    async def open_session(self, program: Program, *, seed: int) -> RemoteSession:
        """Start a session at the worker that has the fewest; see `Sandbox.open_session`."""
        if program.limits.reply_bytes > LARGEST_FRAME - _FRAME_SLACK:
            raise SettingsError(
                f"expected replies of at most {LARGEST_FRAME - _FRAME_SLACK} bytes, got a limit of "
                f"{program.limits.reply_bytes}: a worker cannot send more"
            )
        sent = self._sent.prepared(program)

        async def opened(connection: Connection) -> RemoteSession:
            number = await connection.open_session(sent.program, sent.blobs, seed=seed)
            return RemoteSession(program, connection, number)

        return await self._at_a_worker(opened)

    async def close(self) -> None:
        """End all connections; the workers then end the sessions. Closing twice is harmless."""
        self._closed = True
        for connection in self._connections:
            if connection is not None:
                connection.close()

    async def _at_a_worker(self, work: Callable[[Connection], Awaitable[_T]]) -> _T:
        loop = asyncio.get_running_loop()
        last = loop.time() + self._patience_s
        pause = _FIRST_PAUSE_S
        while True:
            reasons: list[str] = []
            for place in self._by_load():
                try:
                    return await work(await self._connection(place))
                except LostError as error:
                    reasons.append(error.message)
            if self._gone or loop.time() + pause > last:
                # Sessions are opened twice before they are given up: one wait is enough.
                self._gone = not any(held and not held.ended for held in self._connections)
                raise SandboxUnavailableError("no sandbox worker: " + "; ".join(reasons))
            # A worker that is being started again takes a moment.
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _by_load(self) -> list[int]:
        """Return the places of the workers: those with the fewest sessions first."""

        def load(place: int) -> int:
            connection = self._connections[place]
            return 0 if connection is None or connection.ended else connection.session_count

        return sorted(range(len(self._addresses)), key=load)

    async def _connection(self, place: int) -> Connection:
        async with self._locks[place]:
            if self._closed:
                raise SandboxUnavailableError("the sandbox is closed")
            held = self._connections[place]
            if held is not None and not held.ended:
                return held
            address = self._addresses[place]
            connection = await connect(address, self._token, beat_s=self._beat_s)
            try:
                self._require_right(connection)
            except LostError:
                connection.close()
                raise
            self._connections[place] = connection
            self._gone = False
            return connection

    def _require_right(self, connection: Connection) -> None:
        if self._closed:
            raise LostError("the sandbox is closed")
        tier, minimum = connection.tier, self._min_tier
        if minimum is not None and not covers(tier, minimum):
            raise LostError(
                f"{connection.address} has tier {tier!r}, expected at least {minimum!r}"
            )
        if self._tier is None:
            self._tier = tier
        elif tier != self._tier:
            raise LostError(
                f"{connection.address} has tier {tier!r}, the first worker {self._tier!r}: "
                "rollouts record one tier"
            )
