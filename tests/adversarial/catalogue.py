"""All attacks by category, with what they share."""

from dataclasses import dataclass, field
from types import ModuleType

from astra_arena.sandbox.guest.syscalls import ALLOWED, MISSING, NUMBERS
from tests.adversarial import (
    exhaustion_attacks,
    file_attacks,
    kernel_attacks,
    process_attacks,
    reply_attacks,
    secret_attacks,
    system_calls,
)

MARK = "gold-of-another"
"""What no session may ever see."""

_SHARED = r'''
import ctypes, gc, json, os, resource, signal, socket, sqlite3, struct, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)

def tried(function, *arguments):
    """What it returned, as text; nothing if it was refused."""
    try:
        return repr(function(*arguments))[:200]
    except (OSError, RuntimeError, ImportError, sqlite3.Error, AttributeError, ValueError):
        return ""

def refused(function, *arguments):
    """What the kernel said; nothing if it refused before it looked at the arguments."""
    ctypes.set_errno(0)
    function.restype = ctypes.c_long
    held = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = function(*held)
    number = ctypes.get_errno()
    # Some return 32 bits.
    failed = result in (-1, 2 ** 32 - 1)
    return "" if failed and number in (1, 38) else f"{result}, errno {number}"

def native(name, *arguments):
    """A function of the C library; nothing if it was refused."""
    try:
        function = getattr(libc, name)
    except AttributeError:
        return ""
    return refused(function, *arguments)

def raw(name, *arguments):
    """A system call by number; nothing if it was refused or this machine has none."""
    number = CALLS[name][0 if MACHINE == "x86_64" else 1]
    return "" if number < 0 else refused(libc.syscall, number, *arguments)

def mapped(protection, flags, size=4096, keep=False):
    """The address of new memory; nothing if it was refused."""
    libc.mmap.restype = ctypes.c_void_p
    place = libc.mmap(None, ctypes.c_size_t(size), protection, flags, -1, ctypes.c_long(0))
    if place in (None, 2 ** 64 - 1):
        return ""
    if not keep:
        libc.munmap(ctypes.c_void_p(place), ctypes.c_size_t(size))
    return hex(place)

def child_of(fork):
    """The child's process id, which has ended then; nothing if there is none."""
    try:
        pid = fork()
    except OSError:
        return ""
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return pid > 0 and pid

def count(db):
    return {"count": db.execute("SELECT count(*) FROM thing").fetchone()[0]}
'''


@dataclass(frozen=True, slots=True)
class Category:
    """Attacks of one kind."""

    code: str
    names: tuple[str, ...]
    endings: dict[str, str] = field(default_factory=dict[str, str])
    bites: tuple[str, ...] = ()
    """Those that succeed where nothing confines them: it is the sandbox that holds them."""

    def endings_of(self, name: str) -> tuple[str, ...]:
        """Return what may become of an attack: `held`, the session `dies`, or it `lies`."""
        ending = self.endings.get(name, "held")
        return ("held", "dies") if ending == "either" else (ending,)


def _category(module: ModuleType) -> Category:
    code: str = module.CODE
    lines = (line for line in code.splitlines() if line.startswith("def ") and "(db)" in line)
    names = tuple(line[4 : line.index("(")] for line in lines)
    return Category(code, names, module.ENDINGS, module.BITES)


CATEGORIES: dict[str, Category] = {
    "exhaustion": _category(exhaustion_attacks),
    "files": _category(file_attacks),
    "kernel": _category(kernel_attacks),
    "processes": _category(process_attacks),
    "replies": _category(reply_attacks),
    "secrets": _category(secret_attacks),
}


def tool_code(category: Category, machine: str) -> str:
    """Return a category's attacks as one `tools.py`."""
    place = 0 if machine == "x86_64" else 1
    allowed = sorted(NUMBERS[name][place] for name in (*ALLOWED, *MISSING))
    facts = {
        "MACHINE": machine,
        "CALLS": {**NUMBERS, **system_calls.NUMBERS},
        "ALLOWED_NUMBERS": allowed,
    }
    constants = "\n".join(f"{name} = {value!r}" for name, value in facts.items())
    return f"{constants}\n{_SHARED}\n{category.code}"
