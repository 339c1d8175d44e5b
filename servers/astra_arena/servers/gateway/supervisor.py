"""Run one command so that nothing of it outlives whoever asked for it. Standard library only.

Used as `python -I -S supervisor.py PARENT COMMAND…`, with the command's standard streams. When the
parent goes, however it goes, the command and all that it started is killed; so it is when the
command ends or this process is told to end. Programs that servers are started by (npx, uvx, shells)
leave children behind otherwise: the kernel ends only a direct child with its parent.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CANNOT_RUN = 127
_ENDED_BY = 128

_prctl = ctypes.CDLL(None, use_errno=True).prctl
_ENDINGS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_WATCHED = _ENDINGS | {signal.SIGCHLD}


def main() -> int:
    """Run the command that the arguments name and return the exit code."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != parent:
        return 0
    child = os.fork()
    if child == 0:
        _become(command)
    # The command's ends of the pipes are its own: held here, they would hide its end.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(null, stream)
    return _supervise(child)


def _become(command: list[str]) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"cannot run {command[0]!r}: {error.strerror}\n".encode())
    os._exit(_CANNOT_RUN)


def _supervise(child: int) -> int:
    while True:
        came = signal.sigwait(_WATCHED)
        code = _reap(child)
        if came in _ENDINGS:
            code = _ENDED_BY + came
        if code is not None:
            _kill_all()
            return code


def _reap(child: int) -> int | None:
    """Wait for all that has ended and return the command's exit code, if it was among them."""
    code = None
    with suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == 0:
                return code
            if ended == child:
                code = abs(os.waitstatus_to_exitcode(status))
    return code


def _kill_all() -> None:
    """Kill everything below this process; what is orphaned by that becomes its child in turn."""
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    me, found = os.getpid(), list[int]()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                stat = (entry / "stat").read_bytes()
                if int(stat.rpartition(b")")[2].split()[1]) == me:
                    found.append(int(entry.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
