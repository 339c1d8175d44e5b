"""The host's side of the servers: executes the first, has the others and the sessions forked."""

import asyncio
import contextlib
import errno
import os
import socket
import stat
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.errors import PolicyError, SandboxUnavailableError
from astra_arena.sandbox.contract import Program
from astra_arena.sandbox.control import ControlChannel, Forked
from astra_arena.sandbox.jail import ENVIRONMENT, GUEST, jailed
from astra_arena.sandbox.wire import FrameChannel, WireError

# Not -I or -E: these ignore PYTHONHASHSEED.
_FLAGS = ("-S", "-s", "-P", "-B")

_BOOT_S = 60.0
_WORLD_S = 120.0
_FORK_S = 30.0
_BRANCH_S = 10.0
_END_S = 5.0
_POLL_S = 0.02

# Room in a frame beside the result.
_FRAME_SLACK = 4096
_SHORTEST_FRAME = 65536


@dataclass(frozen=True, slots=True)
class Confinement:
    """How the sessions of a sandbox are confined."""

    tier: str
    any_import: bool = False
    """Whether `import` statements of tool code may name any module, `ctypes` included."""
    live_branches: bool = False
    """Whether sessions may be branched by a fork, where the kernel lets a server approve it."""


class BaseServer:
    """The one executed process; every other is forked from it."""

    def __init__(self, process: subprocess.Popen[bytes], control: ControlChannel) -> None:
        self._process = process
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._exited = asyncio.Event()
        self._handle = _pidfd(process.pid)
        if self._handle is None:
            self._poll()
        else:
            self._loop.add_reader(self._handle, self._reap)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self._control.ended or self._exited.is_set()

    async def fork_environment(
        self, program: Program, confinement: Confinement
    ) -> "EnvironmentServer":
        """Fork an environment server for `program`.

        Raises:
            PolicyError: if the code does not parse or lacks a tool.
            SandboxUnavailableError: if the world cannot be opened or the processes fail.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control = ControlChannel(ours)
        try:
            with contextlib.ExitStack() as stack:
                stack.enter_context(theirs)
                world = _opened(program.world_path, stack)
                code = _in_memory(program.tools_py, stack)
                fds = (theirs.fileno(), world, code)
                forked = await self._control.fork(
                    _setup(program, confinement), fds, timeout_s=_FORK_S
                )
            try:
                started = await control.started(timeout_s=_WORLD_S)
                _require_no_findings(started.findings)
            except BaseException:
                forked.kill()
                raise
        except WireError as error:
            control.close()
            raise SandboxUnavailableError(
                f"could not start the environment server: {error}"
            ) from error
        except BaseException:
            control.close()
            raise
        return EnvironmentServer(program, control, forked, can_branch=started.branching)

    async def stop(self) -> None:
        """End it and all its descendants; waits until they are gone."""
        self._control.close()
        try:
            await asyncio.wait_for(self._exited.wait(), _END_S)
        except TimeoutError:
            self._process.kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._exited.wait(), _END_S)

    def _poll(self) -> None:
        if self._process.poll() is None:
            self._loop.call_later(_POLL_S, self._poll)
        else:
            self._reap()

    def _reap(self) -> None:
        self._process.wait()
        if self._handle is not None:
            self._loop.remove_reader(self._handle)
            os.close(self._handle)
        self._control.close()
        self._exited.set()


class EnvironmentServer:
    """Holds one program's world and forks its sessions."""

    def __init__(
        self, program: Program, control: ControlChannel, forked: Forked, *, can_branch: bool
    ) -> None:
        self._largest_frame = max(program.limits.reply_bytes, _SHORTEST_FRAME) + _FRAME_SLACK
        self._control = control
        self._forked = forked
        self._live: dict[FrameChannel, Forked] = {}
        self.can_branch = can_branch
        """Whether its sessions may branch."""
        self._branching = asyncio.Lock()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._forked.pid

    @property
    def idle(self) -> bool:
        """Whether it has no session."""
        return not self._live

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self._control.ended

    async def fork_session(self, *, load_key: str) -> tuple[FrameChannel, Forked]:
        """Fork a session and wait until it is confined; its tool code has not run by then.

        Args:
            load_key: Seeds the random streams of the tool code's top level, in hexadecimal.

        Raises:
            SandboxUnavailableError: if that fails.
        """
        return await self._session_from({"key": load_key}, timeout_s=_FORK_S)

    async def branch_session(
        self, origin: Forked, ask: Callable[[], Awaitable[None]]
    ) -> tuple[FrameChannel, Forked]:
        """Let a session fork itself once; the branch is confined as the session is.

        Args:
            origin: The session.
            ask: Asks it to.

        Raises:
            SandboxUnavailableError: if it did not.
        """
        # The server approves of one fork at a time.
        async with self._branching:
            return await self._session_from(
                {"branch": origin.number}, timeout_s=_BRANCH_S, sent=ask
            )

    async def _session_from(
        self,
        request: dict[str, object],
        *,
        timeout_s: float,
        sent: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[FrameChannel, Forked]:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                forked = await self._control.fork(
                    request, (theirs.fileno(),), timeout_s=timeout_s, sent=sent
                )
        except BaseException as error:
            ours.close()
            if isinstance(error, WireError):
                raise SandboxUnavailableError(f"could not fork a session: {error}") from error
            raise
        # Not earlier: what arrives when nobody waits for it ends a channel.
        channel = FrameChannel(ours, largest_frame=self._largest_frame)
        try:
            await channel.receive(timeout_s=_FORK_S)
        except BaseException as error:
            channel.close()
            forked.kill()
            if isinstance(error, WireError):
                raise SandboxUnavailableError(f"could not confine a session: {error}") from error
            raise
        self._live[channel] = forked
        return channel, forked

    def end_session(self, channel: FrameChannel) -> None:
        """End a session; ending it twice is harmless."""
        forked = self._live.pop(channel, None)
        if forked is not None:
            channel.close()
            forked.kill()

    def stop(self) -> None:
        """End it and its sessions."""
        for channel in list(self._live):
            self.end_session(channel)
        self._control.close()
        self._forked.kill()


async def start_base_server(python: str, tier: str) -> BaseServer:
    """Execute the base server, inside the jail if `tier` says so.

    Raises:
        SandboxUnavailableError: if it cannot be executed or does not come up.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    in_jail = "namespaces" in tier.split("+")
    # Nobody outside the jail has a process id in it.
    host = 0 if in_jail else os.getpid()
    command = [python, *_FLAGS, str(GUEST), str(theirs.fileno()), str(host)]
    try:
        # In this thread: the kernel ends the server with the thread that started it.
        process = subprocess.Popen(
            jailed(command) if in_jail else command,
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        ours.close()
        raise SandboxUnavailableError(f"could not execute {python!r}: {error}") from error
    finally:
        theirs.close()
    control = ControlChannel(ours)
    server = BaseServer(process, control)
    try:
        await control.started(timeout_s=_BOOT_S)
    except WireError as error:
        await server.stop()
        raise SandboxUnavailableError(
            f"could not start the base server: {error}\n{_last_words(process)}"
        ) from error
    except BaseException:
        await server.stop()
        raise
    finally:
        if process.stderr is not None:
            process.stderr.close()
    return server


def _pidfd(pid: int) -> int | None:
    """Return a handle that becomes readable when the process ends; `None` if there are none."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return None


def _last_words(process: subprocess.Popen[bytes]) -> str:
    if process.stderr is None:
        return ""
    return process.stderr.read(4000).decode("utf-8", "replace")


def _setup(program: Program, confinement: Confinement) -> dict[str, object]:
    needed = ("open_world", "dump_world") if program.world_kind == "python" else ()
    return {
        "functions": (*program.tool_names, *needed),
        "tier": confinement.tier,
        "any_import": confinement.any_import,
        "live_branches": confinement.live_branches,
        "world_kind": program.world_kind,
        "clock": program.clock,
        "cpu_seconds": program.limits.cpu_seconds,
        "memory_mib": program.limits.memory_mib,
        "reply_bytes": program.limits.reply_bytes,
        "sql_steps": program.limits.sql_steps,
    }


def _require_no_findings(findings: tuple[str, ...]) -> None:
    if findings:
        raise PolicyError(
            "the tool code was refused before it ran: " + "; ".join(findings), findings=findings
        )


def _opened(path: Path, stack: contextlib.ExitStack) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SandboxUnavailableError(f"could not open the world: {error}") from error
    stack.callback(os.close, fd)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise SandboxUnavailableError(f"expected a file as world, got {str(path)!r}, which is none")
    return fd


def _in_memory(content: bytes, stack: contextlib.ExitStack) -> int:
    fd = os.memfd_create("tools", os.MFD_CLOEXEC)
    stack.callback(os.close, fd)
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(content)
    return fd
