"""A process that forks a child per request, reaps its children and outlives nobody it answers to.

Requests and replies are JSON messages on a SOCK_SEQPACKET socket. A request `{"id": n, ...}` with
descriptors is answered by `{"id": n, "pid": p}` with a pidfd if the kernel has such, or by
`{"id": n, "error": text}`. A request `{"kill": pid}` ends a child and is not answered. The
end of a child is told unasked by `{"exit": pid, "status": code}`. `branching.py` adds to these.
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

    ends_groups = True
    """Whether a child's process group ends with it."""

    def __init__(self, control: socket.socket, spawn: Spawn) -> None:
        self.control = control
        self.children: set[int] = set()
        """Those that were forked on purpose and not reaped yet."""
        self._spawn = spawn
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], bool]] = {}
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        # In this order, when several are ready.
        self.watch(self._wake.fileno(), self._woken)
        self.watch(control.fileno(), self._serve_one)
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

    def watch(self, fd: int, handler: Callable[[], bool]) -> None:
        """Have `handler` called when `fd` is ready; the server ends when it returns `False`."""
        self._handlers[fd] = handler
        self._poll.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        """Look at `fd` no more."""
        del self._handlers[fd]
        self._poll.unregister(fd)

    def fork(self, request: dict[str, Any], fds: list[int]) -> int:
        """Fork one child; returns its process id."""
        pid = os.fork()
        if pid == 0:
            self._become_child(request, fds)
        self.children.add(pid)
        return pid

    def serve_other(self, request: dict[str, Any], fds: list[int]) -> None:
        """Serve a request of a kind that this server does not know: by ignoring it."""

    def child_ended(self, pid: int) -> None:
        """Take notice that a child was reaped."""

    def may_sweep(self) -> bool:
        """Tell whether every child that is not in `children` is an orphan."""
        return True

    def patience_ms(self) -> int | None:
        """Return how long to wait for something to happen; `None` for as long as it takes."""
        return None

    def waited(self) -> None:
        """Take notice that nothing happened for so long."""

    def serve_waiting(self) -> bool:
        """Serve the requests that are here already; tells whether to go on."""
        waiting = select.poll()
        waiting.register(self.control, select.POLLIN)
        while waiting.poll(0):
            if not self._serve_one():
                return False
        return True

    def sweep(self) -> None:
        """End what ended sessions left behind: it became our child when they ended."""
        for orphan in _all_children() - self.children:
            _kill(orphan)

    def _turn(self) -> bool:
        ready = {fd for fd, _ in self._poll.poll(self.patience_ms())}
        if not ready:
            self.waited()
        waiting = [(fd, handler) for fd, handler in self._handlers.items() if fd in ready]
        # By its turn, one may be gone and its number another's, which is not ready.
        return all(handler() for fd, handler in waiting if self._handlers.get(fd) is handler)

    def _woken(self) -> bool:
        woken = self._wake.recv(4096)
        if signal.SIGTERM in woken:
            return False
        self._reap()
        return True

    def _serve_one(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(
                self.control, _LARGEST_MESSAGE, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except OSError:
            return False
        if not data:
            return False
        request = cast("dict[str, Any]", json.loads(data))
        try:
            if "kill" in request:
                # Not yet reaped, so that nobody else has its number.
                if request["kill"] in self.children:
                    _kill(request["kill"])
            elif "branch" in request or "revoke" in request:
                self.serve_other(request, fds)
            else:
                self._reply(request, fds)
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def _reply(self, request: dict[str, Any], fds: list[int]) -> None:
        try:
            pid = self.fork(request, fds)
            handles = pidfds(pid)
        except OSError as error:
            send_message(self.control, {"id": request["id"], "error": f"fork: {error}"})
            return
        try:
            send_message(self.control, {"id": request["id"], "pid": pid}, handles)
        finally:
            for handle in handles:
                os.close(handle)

    def _become_child(self, request: dict[str, Any], fds: list[int]) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for inherited in (self.control, self._wake, self._waker):
                os.close(inherited.detach())
            self._spawn(request, fds)
        finally:
            os._exit(1)

    def _reap(self) -> None:
        ended = False
        while (pid := _exited_child()) != 0:
            if self.ends_groups:
                # Before it is reaped nobody else can have its number.
                with contextlib.suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            if pid in self.children:
                self.children.discard(pid)
                ended = True
                self._tell(pid, os.waitstatus_to_exitcode(status))
                self.child_ended(pid)
        if ended and self.may_sweep():
            self.sweep()

    def _tell(self, pid: int, status: int) -> None:
        note = json.dumps({"exit": pid, "status": status}).encode("ascii")
        # The host may have stopped reading; it must not stop us.
        with contextlib.suppress(OSError):
            self.control.send(note, socket.MSG_DONTWAIT)

    def _end_all(self) -> None:
        while True:
            for pid in self.children | _all_children():
                _kill(pid)
            try:
                pid, _ = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            self.children.discard(pid)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wake-up descriptor has told the loop."""


def pidfds(pid: int) -> tuple[int, ...]:
    """Return a handle on a child, where the kernel has such."""
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
