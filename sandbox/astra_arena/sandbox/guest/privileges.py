"""Root's privileges: what the base server keeps of them, and how the others give them up."""

import contextlib
import ctypes
import os
import struct

_NOBODY = 65534
_LAST_CAPABILITY = 63
_CAP_KILL, _CAP_SETGID, _CAP_SETUID, _CAP_SETPCAP = 5, 6, 7, 8
_KEPT_BY_SERVERS = (_CAP_KILL, _CAP_SETGID, _CAP_SETUID, _CAP_SETPCAP)
_VERSION_3 = 0x20080522
_PR_CAPBSET_DROP = 24

_libc = ctypes.CDLL(None, use_errno=True)


def keep_server_capabilities() -> None:
    """Keep of all capabilities those by which children change their user and are ended."""
    _limit_capabilities(sum(1 << number for number in _KEPT_BY_SERVERS))


def become_nobody() -> None:
    """Change to an unprivileged user, where this process may, and lose every capability.

    Raises:
        OSError: if a capability is left.
    """
    if os.geteuid() == 0:
        # Root of a container may lack the right to change; without capabilities it owns files,
        # which cannot be opened, and nothing else.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            _empty_bounding_set()
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _limit_capabilities(0)


def _empty_bounding_set() -> None:
    for number in range(_LAST_CAPABILITY + 1):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0) != 0:
            return


def _limit_capabilities(kept: int) -> None:
    header = struct.pack("=Ii", _VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    if _libc.capget(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capget was refused")
    # Two times: effective, permitted, inheritable; each the lower, then the upper 32.
    low, high = kept & 0xFFFF_FFFF, kept >> 32
    effective, permitted, _, more_effective, more_permitted, _ = struct.unpack("=6I", data.raw)
    left = struct.pack(
        "=6I", effective & low, permitted & low, 0, more_effective & high, more_permitted & high, 0
    )
    if _libc.capset(header, left) != 0:
        raise OSError(ctypes.get_errno(), "capset was refused")
