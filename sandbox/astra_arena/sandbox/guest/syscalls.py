"""What a session may ask the kernel for: system calls by name, their arguments, their numbers.

Covered: no call takes a path, makes a process, a thread, a socket or another descriptor, maps
executable or shared memory, signals another process or arms a timer that runs between calls.
Not covered: what the calls that are left do inside the kernel, and the clock, which native code
reads without a system call.
"""

from dataclasses import dataclass
from typing import TypeAlias

_PROT_EXEC = 4
_MAP_SHARED = 1
_MAP_ANONYMOUS = 0x20
_F_GETFD, _F_SETFD, _F_GETFL = 1, 2, 3
_MADV_DONTNEED, _MADV_FREE = 4, 8
_ITIMER_PROF = 2

OWN_PID = -1
"""Stands for the process id of the confined process, which is known at the last moment."""


@dataclass(frozen=True)
class Masked:
    """Argument `index`, masked, must be `value`."""

    index: int
    mask: int
    value: int


@dataclass(frozen=True)
class OneOf:
    """The lower half of argument `index` must be one of `values`."""

    index: int
    values: tuple[int, ...]


@dataclass(frozen=True)
class Zero:
    """All of argument `index` must be zero."""

    index: int


@dataclass(frozen=True)
class Equal:
    """All of argument `index` must be `value`, which has 32 bits."""

    index: int
    value: int


Check: TypeAlias = Masked | OneOf | Zero | Equal


def _values(checks: tuple[Check, ...]) -> set[int]:
    return {value for check in checks if isinstance(check, OneOf) for value in check.values}


ALLOWED: dict[str, tuple[Check, ...]] = {
    # the channel
    "read": (),
    "write": (),
    "close": (),
    "recvfrom": (Zero(4),),
    "sendto": (Zero(4),),
    "fcntl": (OneOf(1, (_F_GETFD, _F_SETFD, _F_GETFL)),),
    # memory
    "brk": (),
    "mmap": (Masked(2, _PROT_EXEC, 0), Masked(3, _MAP_SHARED | _MAP_ANONYMOUS, _MAP_ANONYMOUS)),
    "mprotect": (Masked(2, _PROT_EXEC, 0),),
    "munmap": (),
    # SQLite grows a database in memory by it.
    "mremap": (),
    "madvise": (OneOf(2, (_MADV_DONTNEED, _MADV_FREE)),),
    # signals and the timer that ends a call
    "rt_sigaction": (),
    "rt_sigprocmask": (),
    "rt_sigreturn": (),
    "restart_syscall": (),
    "getitimer": (),
    # Only CPU time: a timer of the wall clock would run tool code between calls.
    "setitimer": (OneOf(0, (_ITIMER_PROF,)),),
    "kill": (OneOf(0, (OWN_PID,)),),
    "tgkill": (OneOf(0, (OWN_PID,)),),
    # locks of the interpreter
    "futex": (),
    "sched_yield": (),
    # what it is
    "clock_gettime": (),
    "getcwd": (),
    "getpid": (),
    "gettid": (),
    "getuid": (),
    "geteuid": (),
    "getgid": (),
    "getegid": (),
    "getrlimit": (),
    "prlimit64": (OneOf(0, (0,)), Zero(2)),
    # the end
    "exit": (),
    "exit_group": (),
}
"""Allowed calls with what their arguments must satisfy; every other one fails with EPERM."""

FORK_FLAGS = 0x8000 | 17
"""CLONE_PARENT, with SIGCHLD at the end: a fork whose child is its server's, like the session."""

BRANCHING: dict[str, tuple[Check, ...]] = {
    **{name: checks for name, checks in ALLOWED.items() if OWN_PID not in _values(checks)},
    # Each is asked of the environment server: see `branching.py`.
    "clone": (Equal(0, FORK_FLAGS), Zero(1)),
    "getppid": (),
}
"""What a session may ask for that can branch. A branch has another process id than the filter
knows, so none may be signalled."""

ASKED_OF_SERVER = ("clone", "getppid")
"""Calls that the environment server decides on, if the filter allows them."""

MISSING = ("clone3",)
"""Calls that fail with ENOSYS, so that the C library tries the older call, which is refused."""

X86_64 = "x86_64"
AARCH64 = "aarch64"

AUDIT_ARCHITECTURES = {X86_64: 0xC000003E, AARCH64: 0xC00000B7}

NUMBERS: dict[str, tuple[int, int]] = {
    "brk": (12, 214),
    "clock_gettime": (228, 113),
    "clone3": (435, 435),
    "clone": (56, 220),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fcntl": (72, 25),
    "futex": (202, 98),
    "getcwd": (79, 17),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getitimer": (36, 102),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "getrlimit": (97, 163),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "kill": (62, 129),
    "madvise": (28, 233),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "prlimit64": (302, 261),
    "read": (0, 63),
    "recvfrom": (45, 207),
    "restart_syscall": (219, 128),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "seccomp": (317, 277),
    "sendto": (44, 206),
    "setitimer": (38, 103),
    "tgkill": (234, 131),
    "write": (1, 64),
}
"""Numbers on x86_64 and aarch64."""


def number_of(name: str, machine: str) -> int:
    """Return the number of a system call on `machine`."""
    return NUMBERS[name][0 if machine == X86_64 else 1]
