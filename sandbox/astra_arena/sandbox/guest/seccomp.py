"""Assembles the system call filter as classic BPF and installs it.

The program checks the architecture, finds the call's number by bisection and checks arguments.
Numbers beyond the table, x32's among them, are refused like any call that is not allowed.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Mapping, Sequence

from astra_arena.sandbox.guest.syscalls import (
    ALLOWED,
    ASKED_OF_SERVER,
    AUDIT_ARCHITECTURES,
    MISSING,
    OWN_PID,
    Check,
    Equal,
    Masked,
    OneOf,
    Zero,
    number_of,
)

_LOAD = 0x20
_AND = 0x54
_JUMP = 0x05
_JUMP_EQUAL = 0x15
_JUMP_AT_LEAST = 0x35
_RETURN = 0x06

_RET_KILL_PROCESS = 0x8000_0000
_RET_ERRNO = 0x0005_0000
_RET_USER_NOTIF = 0x7FC0_0000
_RET_ALLOW = 0x7FFF_0000

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_LONGEST_JUMP = 255

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_SET_MODE_FILTER = 1
_NEW_LISTENER = 8

# No argument is compared with it but where the process id belongs.
_PLACEHOLDER = 0x7FFF_FFF1

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


def assembled(
    machine: str, allowed: Mapping[str, tuple[Check, ...]] = ALLOWED
) -> list[Instruction]:
    """Return the filter for `machine`, with a placeholder for the process id.

    Args:
        machine: As `os.uname` names it.
        allowed: Calls that pass, with what their arguments must satisfy.

    Raises:
        OSError: if there is no table for this machine.
    """
    if machine not in AUDIT_ARCHITECTURES:
        known = ", ".join(AUDIT_ARCHITECTURES)
        raise OSError(errno.ENOSYS, f"no system call table for {machine!r}, only for {known}")
    blocks = {number_of(name, machine): _checked(checks) for name, checks in allowed.items()}
    blocks |= {number_of(name, machine): [_errno(errno.ENOSYS)] for name in MISSING}
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, AUDIT_ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _RET_KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        *_bisected(_ranges(blocks)),
    ]


def asking(machine: str) -> list[Instruction]:
    """Return a second filter, which has the server decide; what the first refuses stays refused."""
    numbers = tuple(number_of(name, machine) for name in ASKED_OF_SERVER)
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 0, 1 + len(numbers), AUDIT_ARCHITECTURES[machine]),
        (_LOAD, 0, 0, _NUMBER),
        *((_JUMP_EQUAL, len(numbers) - place, 0, n) for place, n in enumerate(numbers)),
        (_RETURN, 0, 0, _RET_ALLOW),
        (_RETURN, 0, 0, _RET_USER_NOTIF),
    ]


class Filter:
    """An assembled filter of this machine, ready to be installed by a child.

    Args:
        program: The filter; the one of `ALLOWED` if not given.
    """

    def __init__(self, program: list[Instruction] | None = None) -> None:
        if program is None:
            program = assembled(os.uname().machine)
        self._own_pid = [8 * n + 4 for n, line in enumerate(program) if line[3] == _PLACEHOLDER]
        self._code = ctypes.create_string_buffer(
            b"".join(struct.pack("=HBBI", *line) for line in program)
        )
        library = ctypes.CDLL(None, use_errno=True)
        self._syscall = library.syscall
        self._prctl = library.prctl
        self._prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
        self._header = ctypes.create_string_buffer(
            struct.pack("@HP", len(program), ctypes.addressof(self._code))
        )

    def install(self) -> None:
        """Confine this thread, which must have no_new_privs, for good.

        Raises:
            OSError: if the kernel refuses.
        """
        for offset in self._own_pid:
            struct.pack_into("=I", self._code, offset, os.getpid())
        address = ctypes.addressof(self._header)
        if self._prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the seccomp filter was refused")

    def install_asking(self) -> int | None:
        """Confine this thread for good; returns the descriptor by which its server is asked.

        `None` when the kernel, or whoever confined this process before, has no such thing.
        """
        number = ctypes.c_long(number_of("seccomp", os.uname().machine))
        header = ctypes.c_void_p(ctypes.addressof(self._header))
        operation, flags = ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_NEW_LISTENER)
        listener = self._syscall(number, operation, flags, header)
        return None if listener < 0 else int(listener)


def _errno(number: int) -> Instruction:
    return (_RETURN, 0, 0, _RET_ERRNO | number)


_REFUSE = _errno(errno.EPERM)


def _checked(checks: Sequence[Check]) -> list[Instruction]:
    code: list[Instruction] = []
    for check in checks:
        code += _check(check)
    return [*code, (_RETURN, 0, 0, _RET_ALLOW)]


def _check(check: Check) -> list[Instruction]:
    low = _ARGUMENTS + 8 * check.index
    match check:
        case Masked(mask=mask, value=value):
            return [(_LOAD, 0, 0, low), (_AND, 0, 0, mask), *_one_of((value,))]
        case OneOf(values=values):
            return [(_LOAD, 0, 0, low), *_one_of(values)]
        case Zero():
            return _check(Equal(check.index, 0))
        case Equal(value=value):
            return [(_LOAD, 0, 0, low), *_one_of((value,)), (_LOAD, 0, 0, low + 4), *_one_of((0,))]


def _one_of(values: tuple[int, ...]) -> list[Instruction]:
    compared = [
        (_JUMP_EQUAL, len(values) - place, 0, _PLACEHOLDER if value == OWN_PID else value)
        for place, value in enumerate(values)
    ]
    return [*compared, _REFUSE]


def _ranges(blocks: dict[int, list[Instruction]]) -> list[tuple[int, list[Instruction]]]:
    """Cut the numbers into ranges, each with its first number and what is done in it."""
    ranges: list[tuple[int, list[Instruction]]] = [(0, [_REFUSE])]
    for number, code in sorted(blocks.items()):
        following = (number + 1, [_REFUSE])
        if ranges[-1][0] == number:
            ranges.pop()
        if ranges and ranges[-1][1] == code:
            ranges.append(following)
        else:
            ranges += [(number, code), following]
    return ranges


def _bisected(ranges: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _bisected(ranges[:middle]), _bisected(ranges[middle:])
    first = ranges[middle][0]
    if len(below) <= _LONGEST_JUMP:
        return [(_JUMP_AT_LEAST, len(below), 0, first), *below, *above]
    return [(_JUMP_AT_LEAST, 0, 1, first), (_JUMP, 0, 0, len(below)), *below, *above]
