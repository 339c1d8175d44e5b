"""Landlock: a ruleset that handles every access there is and grants none.

Covered: opening and changing files, TCP, signals to and abstract sockets of other processes, each
as far as the kernel's version of Landlock knows it. Not covered: `stat` and its like.
"""

import ctypes
import os
import struct

# The numbers are the same on every architecture.
_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_GET_VERSION = 1

_FILE_ACCESSES = ((1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (5, 0xFFFF))
_NET_VERSION, _ALL_NET = 4, 0x3
_SCOPE_VERSION, _ALL_SCOPES = 6, 0x3


def version() -> int:
    """Return the kernel's version of Landlock; 0 where there is none."""
    return max(0, _called(_CREATE_RULESET, None, ctypes.c_size_t(0), _GET_VERSION))


def deny_all_ruleset() -> int:
    """Return a descriptor of a ruleset that grants nothing.

    Raises:
        OSError: if the kernel has no Landlock.
    """
    known = version()
    files = max((bits for since, bits in _FILE_ACCESSES if known >= since), default=0)
    attributes = struct.pack("=Q", files)
    if known >= _NET_VERSION:
        attributes += struct.pack("=Q", _ALL_NET)
    if known >= _SCOPE_VERSION:
        attributes += struct.pack("=Q", _ALL_SCOPES)
    size = ctypes.c_size_t(len(attributes))
    fd = _called(_CREATE_RULESET, attributes, size, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset was refused")
    os.set_inheritable(fd, False)
    return fd


def restrict_self(ruleset: int) -> None:
    """Confine this thread, which must have no_new_privs, for good.

    Raises:
        OSError: if the kernel refuses.
    """
    if _called(_RESTRICT_SELF, ctypes.c_int(ruleset), 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock_restrict_self was refused")


def _called(number: int, *arguments: object) -> int:
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    return syscall(ctypes.c_long(number), *arguments)
