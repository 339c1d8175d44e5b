"""A process that forks a child per request, reaps its children and outlives nobody it answers to.

Requests and replies are JSON messages on a SOCK_SEQPACKET socket. A request `{"id": n, ...}` with
descriptors is answered by `{"id": n, "pid": p}` with a pidfd if the kernel has such, or by
`{"id": n, "error": text}`. A request `{"kill": pid}` ends a child and is not answered. The
end of a child is told unasked by `{"exit": pid, "status": code}`.
"""

import contextlib
import errno
import json
import os
import select
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn, TypeAlias, cast

_LARGEST_MESSAGE = 65536
_MOST_DESCRIPTORS = 4

Spawn: TypeAlias = Callable[[dict[str, Any], list[int]], NoReturn]
"""What a forked child does with the request and its descriptors."""


def send_message(
    control: socket.socket, message: dict[str, Any], fds: tuple[int, ...] = ()
) -> None:
    """Send one message with descriptors."""
    socket.send_fds(control, [json.dumps(message).encode("ascii")], fds)


class ForkServer:
    """Forks a child per request until the control socket ends or SIGTERM comes."""

    def __init__(self, control: socket.socket, spawn: Spawn) -> None:
        self._control = control
        self._spawn = spawn
        self._children: set[int] = set()
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, _ignore)

    def run(self) -> NoReturn:
        """Serve; ends this process and all its descendants."""
        try:
            while self._turn():
                pass
        finally:
            self._end_all()
            os._exit(0)

    def fork(self, request: dict[str, Any], fds: list[int]) -> int:
        """Fork one child; returns its process id."""
        pid = os.fork()
        if pid == 0:
            self._become_child(request, fds)
        self._children.add(pid)
        return pid

    def _turn(self) -> bool:
        ready, _, _ = select.select([self._control, self._wake], [], [])
        if self._wake in ready:
            woken = self._wake.recv(4096)
            if signal.SIGTERM in woken:
                return False
            self._reap()
        return self._control not in ready or self._serve_one()

    def _serve_one(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(
                self._control, _LARGEST_MESSAGE, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except OSError:
            return False
        if not data:
            return False
        request = cast("dict[str, Any]", json.loads(data))
        if "kill" in request:
            # Not yet reaped, so that nobody else has its number.
            if request["kill"] in self._children:
                _kill(request["kill"])
            return True
        try:
            self._reply(request, fds)
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def _reply(self, request: dict[str, Any], fds: list[int]) -> None:
        try:
            pid = self.fork(request, fds)
            handles = _pidfds(pid)
        except OSError as error:
            send_message(self._control, {"id": request["id"], "error": f"fork: {error}"})
            return
        try:
            send_message(self._control, {"id": request["id"], "pid": pid}, handles)
        finally:
            for handle in handles:
                os.close(handle)

    def _become_child(self, request: dict[str, Any], fds: list[int]) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for inherited in (self._control, self._wake, self._waker):
                os.close(inherited.detach())
            self._spawn(request, fds)
        finally:
            os._exit(1)

    def _reap(self) -> None:
        ended = False
        while (pid := _exited_child()) != 0:
            # Before it is reaped nobody else can have its number.
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            if pid in self._children:
                self._children.discard(pid)
                ended = True
                self._tell(pid, os.waitstatus_to_exitcode(status))
        if ended:
            # What a session leaves behind becomes our child when the session ends.
            for orphan in _all_children() - self._children:
                _kill(orphan)

    def _tell(self, pid: int, status: int) -> None:
        note = json.dumps({"exit": pid, "status": status}).encode("ascii")
        # The host may have stopped reading; it must not stop us.
        with contextlib.suppress(OSError):
            self._control.send(note, socket.MSG_DONTWAIT)

    def _end_all(self) -> None:
        while True:
            for pid in self._children | _all_children():
                _kill(pid)
            try:
                pid, _ = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            self._children.discard(pid)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wake-up descriptor has told the loop."""


def _pidfds(pid: int) -> tuple[int, ...]:
    try:
        return (os.pidfd_open(pid),)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return ()


def _exited_child() -> int:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return 0 if found is None else found.si_pid


def _all_children() -> set[int]:
    # Absent from kernels without CONFIG_PROC_CHILDREN; then orphans end with their session's group.
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as children:
            return {int(pid) for pid in children.read().split()}
    except OSError:
        return set()


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
