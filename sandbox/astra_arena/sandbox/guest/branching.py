"""Live branches: a session forks itself, once for each time that its server was asked for it.

The filter lets a session make one kind of fork, and the kernel asks the environment server about
each. It says yes when the host has asked for a branch of that session, once, and no otherwise. The
child is a sibling, not a child, of the session: its server reaps it. Its first act is to ask the
kernel for its parent, which is asked of the server, too: that puts the branch's own channel in the
place of the inherited one before it answers. So no two sessions ever share a descriptor beyond
0, 1 and 2, whatever tool code has made of the process.
"""

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import select
import signal
import socket
import struct
from dataclasses import dataclass
from typing import Any, cast

from astra_arena.sandbox.guest.confinement import CHANNEL
from astra_arena.sandbox.guest.forking import ForkServer, Spawn, pidfds, send_message
from astra_arena.sandbox.guest.syscalls import FORK_FLAGS, number_of

_NOTICE = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_DESCRIPTOR = struct.Struct("=QIIII")
_RECEIVE, _SEND, _IS_VALID, _ADD_DESCRIPTOR = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
_CONTINUE = 1
_REPLACE = 1
_YES = 1
# Rarely needed: only a branch that never shows up is looked for again.
_SWEEPS = 5
_SWEEP_MS = 100


class Forker:
    """Forks the session that it is in, when its server has been asked to let it."""

    def __init__(self) -> None:
        python = ctypes.PyDLL(None, use_errno=True)
        self._before = python.PyOS_BeforeFork
        self._in_parent = python.PyOS_AfterFork_Parent
        self._in_child = python.PyOS_AfterFork_Child
        for function in (self._before, self._in_parent, self._in_child):
            function.restype = None
        self._syscall = python.syscall
        self._syscall.argtypes = [ctypes.c_long] * 6
        self._syscall.restype = ctypes.c_long
        self._number = number_of("clone", os.uname().machine)

    def fork(self) -> bool | None:
        """Fork; returns whether this is the child, `None` if there is no child.

        The child's channel is its own then, under the old descriptor.
        """
        # Not `os.fork`: the child is to be the server's, not the session's.
        self._before()
        pid = self._syscall(self._number, FORK_FLAGS, 0, 0, 0, 0)
        if pid != 0:
            self._in_parent()
            return False if pid > 0 else None
        self._in_child()
        if os.getppid() != _YES:
            # It would speak on the channel of the session that it was forked from.
            os._exit(1)
        return True


@dataclass
class _Asked:
    """A branch that the host has asked for."""

    id: int
    session: int
    channel: int
    forked: bool = False


@dataclass(frozen=True)
class _Notice:
    id: int
    pid: int
    number: int


class BranchingServer(ForkServer):
    """A fork server whose children may fork themselves when it is asked to let them.

    A request `{"id": n, "branch": pid}` with a channel is answered like one for a fork, when that
    child has forked; `{"revoke": n}` takes it back.
    """

    # A branch is in the group of the session that it was forked from, and may outlive it.
    ends_groups = False

    def __init__(self, control: socket.socket, spawn: Spawn) -> None:
        super().__init__(control, spawn)
        machine = os.uname().machine
        self._clone = number_of("clone", machine)
        self._asked: _Asked | None = None
        self._listeners: dict[int, int] = {}
        """By child; a session and all its branches have one."""
        self._arriving: dict[int, socket.socket] = {}
        self._branches: set[int] = set()
        self._sweeps = 0

    def fork(self, request: dict[str, Any], fds: list[int]) -> int:
        """Fork a session, which sends the descriptor that tells of its forks."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            pid = super().fork(request, [*fds, theirs.fileno()])
        self._arriving[pid] = ours
        self.watch(ours.fileno(), lambda: self._listener_came(pid))
        return pid

    def _listener_came(self, pid: int) -> bool:
        handoff = self._arriving.pop(pid)
        self.unwatch(handoff.fileno())
        with handoff, contextlib.suppress(OSError):
            _, fds, _, _ = socket.recv_fds(handoff, 1, 1, socket.MSG_CMSG_CLOEXEC)
            # None comes from a kernel that does not tell of forks, and from a child that died.
            for listener in fds:
                self._listeners[pid] = listener
                self.watch(listener, functools.partial(self._notified, listener))
        return True

    def serve_other(self, request: dict[str, Any], fds: list[int]) -> None:
        """Take notice that a session is to branch, or no longer."""
        if "revoke" in request:
            if self._asked is not None and self._asked.id == request["revoke"]:
                self._give_up("revoked")
            return
        if request["branch"] in self._arriving:
            # It was sent before the session said that it is ready.
            self._listener_came(request["branch"])
        if request["branch"] not in self._listeners or self._asked is not None:
            self._refuse(request["id"], "it cannot branch")
            return
        self._asked = _Asked(request["id"], request["branch"], os.dup(fds[0]))

    def child_ended(self, pid: int) -> None:
        """Forget a child; the listener goes with the last of its kind."""
        self._branches.discard(pid)
        if self._asked is not None and self._asked.session == pid:
            self._give_up("it ended")
        listener = self._listeners.pop(pid, None)
        if listener is not None and listener not in self._listeners.values():
            self.unwatch(listener)
            os.close(listener)

    def may_sweep(self) -> bool:
        """Tell whether every child is known."""
        return self._asked is None or not self._asked.forked

    def patience_ms(self) -> int | None:
        """Return after what time to sweep again."""
        return _SWEEP_MS if self._sweeps else None

    def waited(self) -> None:
        """Look for a branch that never showed up."""
        self._sweeps -= 1
        self.sweep()

    def _notified(self, listener: int) -> bool:
        # What the host asks for before it asks the session is here by now.
        if not self.serve_waiting():
            return False
        notice = _received(listener)
        if notice is None:
            return True
        asked = self._asked
        if notice.number != self._clone:
            self._answer_child(listener, notice)
        elif asked is not None and asked.session == notice.pid and not asked.forked:
            asked.forked = _answered(listener, notice, flags=_CONTINUE)
        else:
            _answered(listener, notice, error=errno.EPERM)
        return True

    def _answer_child(self, listener: int, notice: _Notice) -> None:
        asked = self._asked
        if notice.pid in self._branches:
            # A signal may have made it ask again.
            _answered(listener, notice, value=_YES)
        elif notice.pid in self.children:
            _answered(listener, notice, error=errno.EPERM)
        elif asked is not None and asked.forked and self._listeners[asked.session] == listener:
            self._take_branch(asked, listener, notice)
        else:
            # Nobody reaps it but us, so the number is its own.
            os.kill(notice.pid, signal.SIGKILL)

    def _take_branch(self, asked: _Asked, listener: int, notice: _Notice) -> None:
        self._asked = None
        self.children.add(notice.pid)
        self._branches.add(notice.pid)
        self._listeners[notice.pid] = listener
        handles: tuple[int, ...] = ()
        try:
            handles = pidfds(notice.pid)
            place = _DESCRIPTOR.pack(notice.id, _REPLACE, asked.channel, CHANNEL, os.O_CLOEXEC)
            _persistently(listener, _ADD_DESCRIPTOR, place)
            _answered(listener, notice, value=_YES)
            send_message(self.control, {"id": asked.id, "pid": notice.pid}, handles)
        except OSError as error:
            os.kill(notice.pid, signal.SIGKILL)
            self._refuse(asked.id, f"branch: {error}")
        finally:
            os.close(asked.channel)
            for handle in handles:
                os.close(handle)

    def _give_up(self, why: str) -> None:
        asked = cast("_Asked", self._asked)
        self._asked = None
        os.close(asked.channel)
        self._refuse(asked.id, why)
        if asked.forked:
            # It may not have shown up, and may not want to.
            self._sweeps = _SWEEPS
            self.sweep()

    def _refuse(self, number: int, why: str) -> None:
        send_message(self.control, {"id": number, "error": why})


def can_supervise() -> bool:
    """Tell whether children that do not show up can be found."""
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _received(listener: int) -> _Notice | None:
    """Return what a session asks; `None` if it was killed or interrupted meanwhile."""
    ready = select.poll()
    ready.register(listener, select.POLLIN)
    # Without the flag it is the end of all that could ask, and there is nothing to receive.
    if not any(happened & select.POLLIN for _, happened in ready.poll(0)):
        return None
    notice = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
    except OSError:
        return None
    number, pid, _, call, *_ = _NOTICE.unpack(notice)
    return _Notice(number, pid, call)


def _persistently(listener: int, command: int, argument: bytes) -> None:
    # Not repeated by Python, which the end of another child interrupts; twice is as good as once.
    while True:
        try:
            fcntl.ioctl(listener, command, argument)
        except InterruptedError:
            continue
        return


def _answered(
    listener: int, notice: _Notice, *, value: int = 0, error: int = 0, flags: int = 0
) -> bool:
    """Answer; tells whether the session was still waiting."""
    try:
        _persistently(listener, _SEND, _ANSWER.pack(notice.id, value, -error, flags))
    except OSError:
        return False
    return True
