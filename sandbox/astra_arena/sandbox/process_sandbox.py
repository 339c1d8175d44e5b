"""The sandbox of confined local processes: one per session, forked from a server per program.

Covered: see `guest/confinement.py`. Not covered: files that the user may read, the network,
starting and signalling processes; run code of unknown origin in a container.
"""

import asyncio
import sys
from types import TracebackType
from typing import Self

from astra_arena.core.errors import PolicyError, SandboxUnavailableError
from astra_arena.sandbox.contract import Program
from astra_arena.sandbox.guest_servers import (
    BaseServer,
    EnvironmentServer,
    require_platform,
    start_base_server,
)
from astra_arena.sandbox.process_session import ProcessSession, stream_key


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
        load_key = stream_key(str(seed).encode("ascii"), b"load")
        server = await self._environment_server(program)
        try:
            channel, forked = await server.fork_session(load_key=load_key)
        except SandboxUnavailableError:
            if not server.ended:
                raise
            # It ended unnoticed, perhaps long ago; that alone is no reason to fail.
            server = await self._environment_server(program)
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
        idle = [program for program, server in self._servers.items() if server.idle]
        # The last one is about to get a session.
        for program in idle[: max(0, len(idle) - 1 - self._idle_environments)]:
            self._servers.pop(program).stop()
            if not self._server_locks[program].locked():
                del self._server_locks[program]
