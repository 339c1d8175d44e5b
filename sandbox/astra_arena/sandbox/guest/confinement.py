"""What a process gives up before it touches anything untrusted.

Every tier covers: other processes' descriptors, the environment, privileges gained by exec, core
dumps, file writes, memory, CPU time, survival after the parent. Tier `seccomp` and those above it
cover what `syscalls.py` says, and root's privileges. Tier `unsafe` leaves all of that open. Not
covered by any: the real clock through native code.
"""

import contextlib
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
from dataclasses import dataclass

from astra_arena.sandbox.guest import landlock, library
from astra_arena.sandbox.guest.seccomp import Filter, asking, assembled
from astra_arena.sandbox.guest.syscalls import BRANCHING

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

CHANNEL = 3
"""The descriptor of a session's channel."""
_HANDOFF = 4
_OPEN_FILES = 64
_MIB = 1 << 20

_prctl = ctypes.CDLL(None, use_errno=True).prctl
_prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_prctl.restype = ctypes.c_int


@dataclass(frozen=True)
class Layers:
    """What the kernel does for a session; prepared by its server, put in force by itself."""

    seccomp: Filter | None
    ruleset: int | None
    keeps_ctypes: bool
    branching: "tuple[Filter, Filter] | None"
    """The filter of a session that may branch, and the one that has its server asked."""

    @classmethod
    def prepared(cls, tier: str, *, keeps_ctypes: bool, branching: bool) -> "Layers":
        """Prepare the layers that `tier` names, and what live branches take if they are wanted.

        Raises:
            OSError: if this kernel or machine does not have one.
        """
        names = tier.split("+")
        filters = None
        if branching and "seccomp" in names:
            machine = os.uname().machine
            filters = (Filter(assembled(machine, BRANCHING)), Filter(asking(machine)))
        return cls(
            seccomp=Filter() if "seccomp" in names else None,
            branching=filters,
            ruleset=landlock.deny_all_ruleset() if "landlock" in names else None,
            keeps_ctypes=keeps_ctypes,
        )


def confine_server(*, parent: int) -> None:
    """Confine a server that forks but runs no tool code; its children inherit most of it.

    Args:
        parent: Process id of the parent that must be alive for this process to go on.

    Raises:
        OSError: if the kernel refuses; nothing untrusted may be read then.
    """
    _require_prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _require_prctl(_PR_SET_DUMPABLE, 0)
    # Adopts what a session's own children leave behind, so that it can be ended.
    _try_prctl(_PR_SET_CHILD_SUBREAPER, 1)
    # A server wants to end its descendants first, hence no SIGKILL.
    _end_with_parent(signal.SIGTERM, parent)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)


def confine_session(
    channel: socket.socket,
    *,
    parent: int,
    address_space: int,
    layers: Layers,
    handoff: int | None = None,
) -> socket.socket:
    """Confine a process that is about to run tool code.

    Args:
        channel: The only descriptor that stays open beside 0, 1 and 2.
        parent: Process id of the environment server.
        address_space: Largest size of the process in bytes.
        layers: What the kernel is to refuse from here on.
        handoff: Descriptor of the socket on which the server waits for the descriptor by which it
            is asked for forks; `None` for a session that cannot branch.

    Returns:
        The channel under its new descriptor.

    Raises:
        OSError: if the kernel refuses; tool code must not run then.
    """
    os.setsid()
    os.umask(0o077)
    os.chdir("/")
    _end_with_parent(signal.SIGKILL, parent)
    _prefer_as_victim()
    # Before the descriptors are put in order: the ruleset is one of them.
    if layers.ruleset is not None:
        landlock.restrict_self(layers.ruleset)
    # Out of the way: both places may be taken, or be the first that is free.
    spare = None if handoff is None else _duplicate_above(_HANDOFF, handoff)
    os.dup2(channel.fileno(), CHANNEL, inheritable=False)
    channel.detach()
    kept = socket.socket(_FAMILY, _KIND, 0, fileno=CHANNEL)
    first = CHANNEL + 1
    if spare is not None:
        os.dup2(spare, _HANDOFF, inheritable=False)
        first = _HANDOFF + 1
    os.closerange(first, max(_OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _lower(resource.RLIMIT_AS, address_space)
    _forget_environment()
    if layers.seccomp is not None:
        library.close()
        _install(layers.seccomp, layers.branching if spare is not None else None)
    if not layers.keeps_ctypes:
        _forget_ctypes()
    return kept


def _duplicate_above(lowest: int, fd: int) -> int:
    copy = os.dup(fd)
    return copy if copy > lowest else _duplicate_above(lowest, copy)


def _install(plain: Filter, branching: tuple[Filter, Filter] | None) -> None:
    if branching is None:
        plain.install()
        return
    branching_filter, asking_filter = branching
    with socket.socket(_FAMILY, _KIND, 0, fileno=_HANDOFF) as handoff:
        listener = asking_filter.install_asking()
        if listener is None:
            plain.install()
            return
        socket.send_fds(handoff, [b"."], [listener])
        os.close(listener)
    branching_filter.install()


# Named, or Python would ask the kernel.
_FAMILY = socket.AF_UNIX
_KIND = socket.SOCK_STREAM


def raise_open_files() -> None:
    """Let a server that keeps a descriptor for each session have as many as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def address_space_bytes() -> int:
    """Return the size of this process's address space."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def session_address_space(*, base: int, world: int, memory_mib: int) -> int:
    """Return a session's limit: what it starts with, its world once more, its allowance."""
    return base + world + memory_mib * _MIB


def renew_cpu_time(seconds: float) -> None:
    """Give this process `seconds` of CPU time from now; the kernel ends it when they are used up.

    A timer, because RLIMIT_CPU counts from the start of the process: each call would raise it.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)


def freeze_memory() -> None:
    """Move all objects out of the collector's sight, so that children share their pages."""
    gc.collect()
    gc.freeze()


def _end_with_parent(number: signal.Signals, parent: int) -> None:
    _require_prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        # It ended before the request took hold.
        os._exit(1)


def _prefer_as_victim() -> None:
    # A process that cannot be dumped does not own its entries in /proc.
    _require_prctl(_PR_SET_DUMPABLE, 1)
    with contextlib.suppress(OSError):
        target = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        try:
            os.write(target, b"1000")
        finally:
            os.close(target)
    _require_prctl(_PR_SET_DUMPABLE, 0)


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(limit, (value, value))


def _forget_environment() -> None:
    # Only Python's copy: the C library needs TZ, and the servers were started with constants alone.
    data: dict[bytes, bytes] = vars(os.environ)["_data"]
    data.clear()


def _forget_ctypes() -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in ("ctypes", "_ctypes"):
            del sys.modules[name]
        elif name.startswith("astra_arena."):
            for held in ("ctypes", "_libc", "_prctl"):
                vars(sys.modules[name]).pop(held, None)


def _require_prctl(option: int, value: int) -> None:
    if _prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) was refused")


def _try_prctl(option: int, value: int) -> None:
    _prctl(option, value, 0, 0, 0)
