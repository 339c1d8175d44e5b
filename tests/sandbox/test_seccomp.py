"""The system call filter: the numbers are the kernel's, the program says what the table says."""

import ctypes
import ctypes.util
import errno

import pytest

from astra_arena.sandbox.guest.seccomp import Instruction, asking, assembled
from astra_arena.sandbox.guest.syscalls import (
    AARCH64,
    ALLOWED,
    ASKED_OF_SERVER,
    AUDIT_ARCHITECTURES,
    BRANCHING,
    FORK_FLAGS,
    MISSING,
    NUMBERS,
    X86_64,
    number_of,
)
from tests.support.requirement import requirement

MACHINES = (X86_64, AARCH64)
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, ABSENT = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
ASK = 0x7FC00000
OWN_PID = 0x7FFFFFF1


def run(
    program: list[Instruction], number: int, *arguments: int, architecture: int
) -> tuple[int, int]:
    """Interpret the program; returns its verdict and how many instructions it took."""
    words = {0: number, 4: architecture}
    for place in range(6):
        value = arguments[place] if place < len(arguments) else 0
        words[16 + 8 * place] = value & 0xFFFFFFFF
        words[20 + 8 * place] = value >> 32
    accumulator = position = steps = 0
    while True:
        code, if_true, if_false, operand = program[position]
        position += 1
        steps += 1
        match code:
            case 0x20:
                accumulator = words[operand]
            case 0x54:
                accumulator &= operand
            case 0x05:
                position += operand
            case 0x15:
                position += if_true if accumulator == operand else if_false
            case 0x35:
                position += if_true if accumulator >= operand else if_false
            case 0x06:
                return operand, steps
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


def verdict(machine: str, name_or_number: str | int, *arguments: int) -> int:
    number = (
        name_or_number if isinstance(name_or_number, int) else number_of(name_or_number, machine)
    )
    architecture = AUDIT_ARCHITECTURES[machine]
    return run(assembled(machine), number, *arguments, architecture=architecture)[0]


@requirement("sandbox:tiers:enforced")
@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_that_is_not_named_is_refused(machine: str) -> None:
    named = {number_of(name, machine) for name in (*ALLOWED, *MISSING)}
    others = [*range(1100), 0x40000000, 0x40000000 + 59, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    allowed = {n for n in others if n not in named and verdict(machine, n) != REFUSE}
    assert allowed == set()


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_without_checks_are_allowed_and_others_by_their_arguments(machine: str) -> None:
    for name, checks in ALLOWED.items():
        if not checks:
            assert verdict(machine, name, *[2**64 - 1] * 6) == ALLOW, name
    for name in MISSING:
        assert verdict(machine, name) == ABSENT


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("mmap", (0, 4096, 3, 0x22), True),
        ("mmap", (0, 4096, 7, 0x22), False),
        ("mmap", (0, 4096, 4, 0x22), False),
        ("mmap", (0, 4096, 3, 0x21), False),
        ("mmap", (0, 4096, 3, 0x23), False),
        ("mmap", (0, 4096, 3, 0x02), False),
        ("mprotect", (0, 4096, 3), True),
        ("mprotect", (0, 4096, 5), False),
        ("mprotect", (0, 4096, 0x01000004), False),
        ("madvise", (0, 4096, 4), True),
        ("madvise", (0, 4096, 12), False),
        ("fcntl", (3, 1), True),
        ("fcntl", (3, 8, 1), False),
        ("fcntl", (3, 4, 0x2000), False),
        ("setitimer", (2,), True),
        ("setitimer", (0,), False),
        ("kill", (OWN_PID, 9), True),
        ("kill", (1, 9), False),
        ("kill", (0, 9), False),
        ("kill", (0xFFFFFFFF, 9), False),
        ("tgkill", (OWN_PID, 5, 9), True),
        ("tgkill", (5, OWN_PID, 9), False),
        ("prlimit64", (0, 7, 0, 1), True),
        ("prlimit64", (0, 7, 1 << 32, 1), False),
        ("prlimit64", (0, 7, 4096, 1), False),
        ("prlimit64", (1, 7, 0, 1), False),
        ("sendto", (3, 1, 1, 0, 0, 0), True),
        ("sendto", (3, 1, 1, 0, 1 << 40, 16), False),
        ("recvfrom", (3, 1, 1, 0, 4096, 16), False),
    ],
)
def test_arguments_decide(
    machine: str, name: str, arguments: tuple[int, ...], allowed: bool
) -> None:
    assert verdict(machine, name, *arguments) == (ALLOW if allowed else REFUSE)


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_ends_the_process(machine: str) -> None:
    (other,) = set(AUDIT_ARCHITECTURES.values()) - {AUDIT_ARCHITECTURES[machine]}
    for architecture in (other, 0x40000003, 0):
        assert run(assembled(machine), 0, architecture=architecture)[0] == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_few_instructions_decide_a_call(machine: str) -> None:
    architecture = AUDIT_ARCHITECTURES[machine]
    program = assembled(machine)
    assert len(program) < 400
    longest = max(run(program, n, architecture=architecture)[1] for n in range(500))
    assert longest <= 20


def test_a_machine_without_a_table_is_refused() -> None:
    with pytest.raises(OSError, match="riscv64"):
        assembled("riscv64")


def test_the_numbers_are_those_of_libseccomp() -> None:
    found = ctypes.util.find_library("seccomp")
    if found is None:
        pytest.skip("libseccomp is not installed")
    resolve = ctypes.CDLL(found).seccomp_syscall_resolve_name_arch
    for place, machine in enumerate(MACHINES):
        for name, numbers in NUMBERS.items():
            architecture = ctypes.c_uint32(AUDIT_ARCHITECTURES[machine])
            assert resolve(architecture, name.encode("ascii")) == numbers[place], (machine, name)
    assert set(NUMBERS) == {*ALLOWED, *BRANCHING, *MISSING, "seccomp"}


@requirement("sandbox:branches:no-other-forks")
@pytest.mark.parametrize("machine", MACHINES)
def test_sessions_that_branch_may_ask_for_one_kind_of_fork(machine: str) -> None:
    architecture = AUDIT_ARCHITECTURES[machine]
    first, second = assembled(machine, BRANCHING), asking(machine)
    for number in range(1100):
        verdicts = [run(one, number, architecture=architecture)[0] for one in (first, second)]
        asked = number in {number_of(name, machine) for name in ASKED_OF_SERVER}
        assert verdicts[1] == (ASK if asked else ALLOW)
        # Without flags it is no fork of that kind.
        assert (verdicts[0] == ALLOW) <= (number != number_of("clone", machine))
    clone = number_of("clone", machine)
    for flags, stack in (
        (17, 0),
        (0x01200011, 0),
        (FORK_FLAGS | 0x100, 0),
        (FORK_FLAGS | 1 << 32, 0),
        (FORK_FLAGS, 4096),
        (FORK_FLAGS, 1 << 32),
    ):
        assert run(first, clone, flags, stack, architecture=architecture)[0] == REFUSE
    assert run(first, clone, FORK_FLAGS, 0, architecture=architecture)[0] == ALLOW
    for name in ("kill", "tgkill"):
        for pid in (OWN_PID, 0, 1):
            number = number_of(name, machine)
            assert run(first, number, pid, 9, architecture=architecture)[0] == REFUSE
    # The first filter ends those; the second must not make them a question.
    assert run(second, clone, FORK_FLAGS, architecture=0x40000003)[0] == ALLOW
