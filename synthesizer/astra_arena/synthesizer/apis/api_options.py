"""What a user may choose when a document of an API becomes an environment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.apis.document import Document
from astra_arena.synthesizer.apis.operation import Operation
from astra_arena.synthesizer.tables.naming import safe_identifier

DEFAULT_TASKS = 60
DEFAULT_ROWS = 120
DEFAULT_TOOLS = 60
DEFAULT_CHANGES = 0.25
MOST_TASKS = 10_000
FEWEST_ROWS, MOST_ROWS = 20, 5_000


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What a user may choose."""

    tasks: int = DEFAULT_TASKS
    seed: int = 0
    rows: int = DEFAULT_ROWS
    """Rows of each resource."""
    tools: int = DEFAULT_TOOLS
    """How many operations become tools at most."""
    changes: float = DEFAULT_CHANGES
    """The share of the tasks that change the world, where tools can."""
    include: tuple[str, ...] = ()
    """Patterns of operations, paths or tags; others are left out."""
    exclude: tuple[str, ...] = ()
    name: str | None = None
    title: str | None = None
    gates: tuple[str, ...] = ()
    """The release gates to run, by name; all of them for none."""

    def check(self) -> None:
        """Refuse figures that nothing can be made of.

        Raises:
            SettingsError: naming the option.
        """
        if not 1 <= self.tasks <= MOST_TASKS:
            raise SettingsError(f"--tasks is 1 to {MOST_TASKS}; got {self.tasks}")
        if not FEWEST_ROWS <= self.rows <= MOST_ROWS:
            raise SettingsError(f"--rows is {FEWEST_ROWS} to {MOST_ROWS}; got {self.rows}")
        if not 0 <= self.changes <= 1:
            raise SettingsError(f"--changes is a share from 0 to 1; got {self.changes:g}")
        if self.tools < 1:
            raise SettingsError(f"--tools is 1 or more; got {self.tools}")


def environment_name(options: ApiOptions, document: Document) -> str:
    """Return the environment's name: the one chosen, else the API's.

    Raises:
        SettingsError: if the one chosen cannot be a name.
    """
    plain = safe_identifier(document.title, fallback="api").replace("_", "-").strip("-")[:63]
    name = options.name or plain
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", name):
        raise SettingsError(
            f"--name is 1 to 63 of a-z, 0-9 and -, starting with a letter; got {name!r}"
        )
    return name


def chosen_operations(options: ApiOptions, operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations that are wanted.

    Raises:
        SettingsError: if a pattern fits none.
    """
    for option, patterns in (("--include", options.include), ("--exclude", options.exclude)):
        for pattern in patterns:
            if not any(_fits(pattern, one) for one in operations):
                known = ", ".join(one.name for one in operations[:6])
                tags = ", ".join(sorted({tag for one in operations for tag in one.tags})[:6])
                raise SettingsError(
                    f"{option} {pattern!r} fits no operation; give an operation like {known}"
                    + (f", a tag like {tags}" if tags else "")
                    + ", or a path like /pets/*"
                )
    return [
        one
        for one in operations
        if (not options.include or any(_fits(p, one) for p in options.include))
        and not any(_fits(pattern, one) for pattern in options.exclude)
    ]


def _fits(pattern: str, operation: Operation) -> bool:
    wanted = pattern.casefold()
    return (
        fnmatchcase(operation.name, wanted)
        or fnmatchcase(operation.path.casefold(), wanted)
        or any(fnmatchcase(tag.casefold(), wanted) for tag in operation.tags)
    )
