"""What tool code may not contain: rules over its syntax tree.

No boundary, and no proof: the sandbox confines what runs, and the isolation gate sees what differs.
The rules tell an author, with a line, of what makes replies depend on more than world, arguments
and seed.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from astra_arena.sandbox.guest.library import ALLOWED


@dataclass(frozen=True, slots=True)
class Flaw:
    """A place in the code that breaks a rule."""

    line: int
    kind: str
    problem: str


DYNAMIC = frozenset(
    {
        "__import__",
        "breakpoint",
        "compile",
        "delattr",
        "eval",
        "exec",
        "globals",
        "input",
        "locals",
        "open",
        "setattr",
        "vars",
    }
)
"""Built-in functions by which code becomes something that cannot be read here."""

ADDRESSES = frozenset({"hash", "id"})
"""Built-in functions whose values differ from process to process."""

STOPWATCHES = frozenset(
    {
        "clock_gettime",
        "clock_gettime_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "process_time",
        "process_time_ns",
        "sleep",
        "thread_time",
        "thread_time_ns",
    }
)
"""Of `time`: they measure or wait. `time.time` and `datetime.now` read the world's clock."""

UNSEEDED = frozenset({"SystemRandom", "getrandom", "urandom", "uuid1", "uuid4"})
"""Random sources that ignore the seed wherever code does not run in the sandbox."""

PLAIN_DUNDERS = frozenset({"__doc__", "__init__", "__name__", "__post_init__", "__qualname__"})


def flaws(tree: ast.Module, *, requires: tuple[str, ...] = ()) -> Iterator[Flaw]:
    """Give what breaks the rules about imports, clocks, randomness and hidden ways.

    Args:
        tree: The tool code.
        requires: Packages that it may import beside the standard library.
    """
    installed = {one.partition("=")[0].partition("<")[0].partition(">")[0] for one in requires}
    packages = {name.strip().replace("-", "_") for name in installed}
    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom():
                yield from _imports(node, packages)
            case ast.Name(id=name):
                yield from _names(node, name)
            case ast.Attribute():
                yield from _attributes(node)
            case ast.Global(names=names):
                problem = f"'global {', '.join(names)}': a call may leave nothing but the world"
                yield Flaw(node.lineno, "mutable module state", problem)
            case ast.Call():
                yield from _calls(node)
            case _:
                pass


def _imports(node: ast.Import | ast.ImportFrom, packages: set[str]) -> Iterator[Flaw]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        module = "." * node.level + (node.module or "")
        members = [f"{module}.{alias.name}" for alias in node.names]
        names = [] if set(members) <= ALLOWED else [module]
        for alias in node.names:
            if alias.name in UNSEEDED or (module == "time" and alias.name in STOPWATCHES):
                yield _source(node.lineno, f"{module}.{alias.name}")
    for name in names:
        if name == "secrets":
            yield _source(node.lineno, name)
        elif name not in ALLOWED and name.partition(".")[0] not in packages:
            problem = f"imports {name!r}, which is not among the modules of the sandbox"
            yield Flaw(node.lineno, "import that is not allowed", problem)


def _source(line: int, what: str) -> Flaw:
    problem = f"uses {what}: the only clock is the world's and the only randomness the seeded one"
    return Flaw(line, "clock or randomness of its own", problem)


def _names(node: ast.Name, name: str) -> Iterator[Flaw]:
    if name in DYNAMIC:
        yield Flaw(node.lineno, "dynamic code", f"uses {name!r}, which hides what the code does")
    elif name in ADDRESSES:
        problem = f"uses {name!r}, whose value differs from process to process"
        yield Flaw(node.lineno, "address of an object", problem)
    elif name == "__builtins__":
        yield Flaw(node.lineno, "dunder access", "uses '__builtins__'")


def _attributes(node: ast.Attribute) -> Iterator[Flaw]:
    attribute = node.attr
    if is_dunder(attribute) and attribute not in PLAIN_DUNDERS:
        yield Flaw(node.lineno, "dunder access", f"reaches for {attribute!r}")
    if not isinstance(node.value, ast.Name):
        return
    module = node.value.id
    if attribute in UNSEEDED or (module == "time" and attribute in STOPWATCHES):
        yield _source(node.lineno, f"{module}.{attribute}")


def _calls(node: ast.Call) -> Iterator[Flaw]:
    match node:
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
            if is_dunder(name):
                yield Flaw(node.lineno, "dunder access", f"reaches for {name!r} by getattr")
        case ast.Call(func=ast.Name(id="getattr")):
            problem = "uses 'getattr' with a name that is not written out"
            yield Flaw(node.lineno, "dynamic code", problem)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr="seed" | "Random")):
            if not node.args and not node.keywords:
                yield _source(node.lineno, "a generator without a seed")
        case _:
            pass


def is_dunder(name: str) -> bool:
    """Tell whether a name is one of Python's own."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")
