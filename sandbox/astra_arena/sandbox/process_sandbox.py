"""The sandbox of confined local processes: one per session, forked from a server per program.

Covered: see `guest/confinement.py` and `jail.py`. Not covered: the kernel that it shares with them.
"""

import asyncio
import logging
from types import TracebackType
from typing import Literal, Self

from astra_arena.core.errors import PolicyError, SandboxUnavailableError
from astra_arena.sandbox.contract import Program
from astra_arena.sandbox.guest_servers import (
    BaseServer,
    Confinement,
    EnvironmentServer,
    start_base_server,
)
from astra_arena.sandbox.process_session import ProcessSession, stream_key
from astra_arena.sandbox.runnable import runnable_world
from astra_arena.sandbox.tiers import UNSAFE, base_interpreter, chosen_tier

_log = logging.getLogger("arena.sandbox")


class ProcessSandbox:
    """Runs each session in a confined process of this machine.

    ```python
    async with ProcessSandbox() as sandbox:
        session = await sandbox.open_session(program, seed=1)
        execution = await session.call("find_book", {"title": "Emma"})
    ```
    """

    def __init__(
        self,
        *,
        python: str | None = None,
        idle_environments: int = 32,
        idle_seconds: float = 600.0,
        tier: str | None = None,
        min_tier: str | None = None,
        import_policy: Literal["listed", "any"] = "listed",
        live_branches: bool = False,
    ) -> None:
        """Build a sandbox; processes start with the first session.

        Args:
            python: Interpreter for tool code; this one if not given.
            idle_environments: How many environment servers without a session are kept.
            idle_seconds: An environment server without a session ends when the last one was opened
                so long ago; the next session starts it again.
            tier: The tier to run at; the strongest that this machine has if not given. `unsafe`
                leaves tool code free to do what this user may do: for code that the user wrote.
            min_tier: The tier below which nothing runs.
            import_policy: `any` lets tool code import whatever its process has loaded, `ctypes`
                included. What the kernel refuses stays refused; the attack suite needs it.
            live_branches: Branch sessions by forking them, where the kernel lets their server
                approve of each fork; by replay otherwise, and always if not asked for.
        """
        self._python = python or base_interpreter()
        self._wanted_tier = tier
        self._min_tier = min_tier
        self._tier: str | None = None
        self._any_import = import_policy == "any"
        self._live_branches = live_branches
        self._idle_environments = idle_environments
        self._idle_seconds = idle_seconds
        self._last_used: dict[Program, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._base: BaseServer | None = None
        self._base_lock = asyncio.Lock()
        self._servers: dict[Program, EnvironmentServer] = {}
        self._server_locks: dict[Program, asyncio.Lock] = {}
        self._closed = False

    @property
    def tier(self) -> str:
        """What confines tool code.

        Raises:
            SandboxUnavailableError: if the tier asked for, or any at all, cannot be had.
            SettingsError: if there is no tier of such a name.
        """
        if self._tier is None:
            self._tier = chosen_tier(
                self._python, minimum=self._min_tier, exactly=self._wanted_tier
            )
            if self._tier == UNSAFE:
                _log.warning("tool code runs UNCONFINED: it may do whatever this user may do")
        return self._tier

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
        runnable_world(program)
        confinement = Confinement(self.tier, self._any_import, self._live_branches)
        if program.requires:
            raise PolicyError(
                "expected tool code that needs the standard library only, got requires="
                f"{list(program.requires)}: this sandbox installs no packages",
                findings=tuple(f"requires {package!r}" for package in program.requires),
            )
        load_key = stream_key(str(seed).encode("ascii"), b"load")
        server = await self._environment_server(program, confinement)
        try:
            channel, forked = await server.fork_session(load_key=load_key)
        except SandboxUnavailableError:
            if not server.ended:
                raise
            # It ended unnoticed, perhaps long ago; that alone is no reason to fail.
            server = await self._environment_server(program, confinement)
            channel, forked = await server.fork_session(load_key=load_key)
        return ProcessSession(program, server, channel, forked, seed=seed)

    async def close(self) -> None:
        """End every process; closing twice is harmless."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for server in self._servers.values():
            server.stop()
        self._servers.clear()
        async with self._base_lock:
            if self._base is not None:
                await self._base.stop()
                self._base = None

    async def _environment_server(
        self, program: Program, confinement: Confinement
    ) -> EnvironmentServer:
        lock = self._server_locks.setdefault(program, asyncio.Lock())
        async with lock:
            server = self._servers.pop(program, None)
            if server is None or server.ended:
                base = await self._base_server(confinement.tier)
                server = await base.fork_environment(program, confinement)
            # The most recently used comes last.
            self._servers[program] = server
            self._last_used[program] = asyncio.get_running_loop().time()
        self._drop_idle()
        self._watch_idle()
        return server

    async def _base_server(self, tier: str) -> BaseServer:
        async with self._base_lock:
            if self._closed:
                raise SandboxUnavailableError("the sandbox is closed")
            if self._base is None or self._base.ended:
                if self._base is not None:
                    await self._base.stop()
                self._base = await start_base_server(self._python, tier)
            return self._base

    def _drop_idle(self) -> None:
        idle = [program for program, server in self._servers.items() if server.idle]
        # The last one is about to get a session.
        for program in idle[: max(0, len(idle) - 1 - self._idle_environments)]:
            self._drop(program)

    def _drop(self, program: Program) -> None:
        self._servers.pop(program).stop()
        self._last_used.pop(program, None)
        if not self._server_locks[program].locked():
            del self._server_locks[program]

    def _watch_idle(self) -> None:
        if self._timer is None and not self._closed:
            wait = max(0.05, self._idle_seconds / 4)
            self._timer = asyncio.get_running_loop().call_later(wait, self._drop_unused)

    def _drop_unused(self) -> None:
        self._timer = None
        deadline = asyncio.get_running_loop().time() - self._idle_seconds
        for program, server in tuple(self._servers.items()):
            if server.idle and self._last_used.get(program, 0.0) < deadline:
                self._drop(program)
        if self._servers:
            self._watch_idle()
