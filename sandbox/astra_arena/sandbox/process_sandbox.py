"""The sandbox of confined local processes: one per session, forked from a server per program.

Covered: see `guest/confinement.py`. Not covered: files that the user may read, the network, starting and
signalling processes; run code of unknown origin in a container.
"""

import asyncio
import signal
import sys
from types import TracebackType
from typing import Any, Self

import msgspec

from astra_arena.core.canonical import DIGEST_PREFIX, JsonObject, canonical_bytes, digest_of_bytes
from astra_arena.core.errors import PolicyError, SandboxUnavailableError, SpecError
from astra_arena.sandbox.contract import (
    Broke,
    BrokeKind,
    Execution,
    Failed,
    Program,
    Succeeded,
)
from astra_arena.sandbox.guest_servers import (
    BaseServer,
    EnvironmentServer,
    require_platform,
    start_base_server,
)
from astra_arena.sandbox.wire import Forked, FrameChannel, WireError

_EXIT_STATUS_S = 2.0


class _Reply(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    ok: dict[str, Any] | None = None
    failed: str | None = None
    broke: tuple[BrokeKind, str] | None = None
    lost: bool = False


_REPLY = msgspec.json.Decoder(_Reply)


class ProcessSession:
    """One confined process with one live world."""

    def __init__(
        self,
        program: Program,
        server: EnvironmentServer,
        channel: FrameChannel,
        forked: Forked,
        *,
        seed: int,
    ) -> None:
        self._program = program
        self._server = server
        self._channel = channel
        self._forked = forked
        self._seed = str(seed).encode("ascii")
        self._last_id = 0
        self._closed = False
        server.live_sessions += 1

    @property
    def pid(self) -> int:
        """The session's process id."""
        return self._forked.pid

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Run one tool; see `Session.call`."""
        if self._closed:
            raise SandboxUnavailableError("the session is closed")
        if tool not in self._program.tool_names:
            raise SpecError(f"expected one of the program's tools, got {tool!r}")
        if self._channel.failure is not None and self._server.ended:
            self._end()
            raise SandboxUnavailableError("the session's environment server ended")
        self._last_id += 1
        frame = _request(self._last_id, self._seed, tool, canonical_bytes(arguments), attempt)
        try:
            body = await self._channel.exchange(frame, timeout_s=self._program.limits.call_seconds)
        except WireError as error:
            return await self._broken(error)
        except asyncio.CancelledError:
            self._end()
            raise
        return self._execution(body)

    async def close(self) -> None:
        """End the process; closing twice is harmless."""
        self._end()

    def _execution(self, body: bytes) -> Execution:
        try:
            reply = _REPLY.decode(body)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            self._end()
            return Broke("crashed", f"a reply that cannot be read: {error}", session_lost=True)
        if reply.id == self._last_id and not reply.lost:
            if reply.ok is not None:
                return Succeeded(reply.ok)
            if reply.failed is not None:
                return Failed(reply.failed)
        if reply.id == self._last_id and reply.broke is not None:
            if reply.lost:
                self._end()
            return Broke(reply.broke[0], reply.broke[1], session_lost=reply.lost)
        self._end()
        return Broke("crashed", "a reply to no call of ours", session_lost=True)

    async def _broken(self, error: WireError) -> Broke:
        if error.late:
            self._end()
            seconds = self._program.limits.call_seconds
            return Broke("timeout", f"no reply within {seconds:g} s", session_lost=True)
        # Whatever ends a session's process in the middle of a call is laid to its tool code: were it
        # laid to us, tool code that ends its server could void every episode it is about to lose.
        how = await self._how_it_ended()
        self._end()
        return Broke("crashed", f"{error}{how}", session_lost=True)

    async def _how_it_ended(self) -> str:
        self._forked.kill()
        try:
            status = await asyncio.wait_for(asyncio.shield(self._forked.exited), _EXIT_STATUS_S)
        except TimeoutError:
            return ""
        if status is None:
            return "; its server ended with it"
        if status >= 0:
            return f"; exit status {status}"
        return f"; killed by {signal.Signals(-status).name}"

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._server.live_sessions -= 1
        self._channel.close()
        self._forked.kill()


class ProcessSandbox:
    """Runs each session in a confined process of this machine.

    ```python
    async with ProcessSandbox() as sandbox:
        session = await sandbox.open_session(program, seed=1)
        execution = await session.call("find_book", {"title": "Emma"})
    ```
    """

    def __init__(self, *, python: str | None = None, idle_environments: int = 32) -> None:
        """Build a sandbox; processes start with the first session.

        Args:
            python: Interpreter for tool code; this one if not given.
            idle_environments: How many environment servers without a session are kept.
        """
        self._python = python or getattr(sys, "_base_executable", "") or sys.executable
        self._idle_environments = idle_environments
        self._base: BaseServer | None = None
        self._base_lock = asyncio.Lock()
        self._servers: dict[Program, EnvironmentServer] = {}
        self._server_locks: dict[Program, asyncio.Lock] = {}
        self._closed = False

    @property
    def tier(self) -> str:
        """What confines tool code."""
        return "process"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open_session(self, program: Program, *, seed: int) -> ProcessSession:
        """Start a session; see `Sandbox.open_session`."""
        require_platform()
        if program.requires:
            raise PolicyError(
                "expected tool code that needs the standard library only, got requires="
                f"{list(program.requires)}: this sandbox installs no packages",
                findings=tuple(f"requires {package!r}" for package in program.requires),
            )
        server = await self._environment_server(program)
        load_key = _key(str(seed).encode("ascii"), b"load")
        channel, forked = await server.fork_session(load_key=load_key)
        return ProcessSession(program, server, channel, forked, seed=seed)

    async def close(self) -> None:
        """End every process; closing twice is harmless."""
        self._closed = True
        for server in self._servers.values():
            server.stop()
        self._servers.clear()
        async with self._base_lock:
            if self._base is not None:
                await self._base.stop()
                self._base = None

    async def _environment_server(self, program: Program) -> EnvironmentServer:
        lock = self._server_locks.setdefault(program, asyncio.Lock())
        async with lock:
            server = self._servers.pop(program, None)
            if server is None or server.ended:
                base = await self._base_server()
                server = await base.fork_environment(program)
            # The most recently used comes last.
            self._servers[program] = server
        self._drop_idle()
        return server

    async def _base_server(self) -> BaseServer:
        async with self._base_lock:
            if self._closed:
                raise SandboxUnavailableError("the sandbox is closed")
            if self._base is None or self._base.ended:
                if self._base is not None:
                    await self._base.stop()
                self._base = await start_base_server(self._python)
            return self._base

    def _drop_idle(self) -> None:
        idle = [p for p, server in self._servers.items() if server.live_sessions == 0]
        for program in idle[: max(0, len(idle) - 1 - self._idle_environments)]:
            self._servers.pop(program).stop()


def _request(number: int, seed: bytes, tool: str, arguments: bytes, attempt: int) -> bytes:
    key = _key(seed, tool.encode("utf-8"), arguments, str(attempt).encode("ascii"))
    return b'{"id":%d,"tool":"%b","key":"%b","arguments":%b}' % (
        number,
        tool.encode("utf-8"),
        key.encode("ascii"),
        arguments,
    )


def _key(*parts: bytes) -> str:
    return digest_of_bytes(*parts).removeprefix(DIGEST_PREFIX)
