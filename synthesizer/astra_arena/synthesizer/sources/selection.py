"""What a user leaves out of a world: patterns of table and column names, checked against the data.

A pattern names a table (`logs`) or a column (`customers.email`); `*`, `?` and `[…]` stand for parts
of a name, and capitals do not count.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from astra_arena.core.errors import SettingsError

_NEAR = 3


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern fits a name, capitals aside.

    >>> matches("*.EMAIL", "customers.email")
    True
    """
    return fnmatchcase(name.casefold(), pattern.casefold())


def require_matches(
    option: str, what: str, patterns: Iterable[str], used: set[str], names: Sequence[str]
) -> None:
    """Refuse patterns that fit nothing: a misspelt name would leave in what must stay out.

    Raises:
        SettingsError: naming the pattern and names like it.
    """
    for pattern in patterns:
        if pattern in used:
            continue
        folded = {name.casefold(): name for name in names}
        close = get_close_matches(pattern.casefold(), sorted(folded), n=_NEAR, cutoff=0.5)
        near = ", ".join(repr(folded[name]) for name in close)
        hint = f"Did you mean {near}?" if near else f"There is {_some(names)}"
        raise SettingsError(f"{option} {pattern!r} fits no {what}. {hint}")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, sorted(names)[:8]))
    return f"{shown}, …" if len(names) > 8 else shown or "none"


class Selection:
    """Which tables and columns are read; remembers what it was asked about.

    >>> selection = Selection(["*.email", "logs"])
    >>> selection.wants("logs"), selection.wanted("customers", ["id", "email"])
    (False, ['id'])
    >>> selection.excluded
    ['customers.email', 'logs']
    """

    def __init__(self, exclude: Sequence[str] = ()) -> None:
        self._patterns = tuple(exclude)
        self._used: set[str] = set()
        self._seen: set[str] = set()
        self._excluded: set[str] = set()

    def wants(self, table: str) -> bool:
        """Tell whether a table is read at all."""
        return self._keeps(table)

    def wanted(self, table: str, columns: Sequence[str]) -> list[str]:
        """Return the columns of a table that are read, in their order."""
        return [column for column in columns if self._keeps(f"{table}.{column}")]

    def _keeps(self, name: str) -> bool:
        self._seen.add(name)
        found = [pattern for pattern in self._patterns if matches(pattern, name)]
        self._used.update(found)
        if found:
            self._excluded.add(name)
        return not found

    @property
    def excluded(self) -> list[str]:
        """What was left out so far, sorted: `table` or `table.column`."""
        return sorted(self._excluded)

    def require_known(self) -> None:
        """Refuse patterns that left nothing out.

        Raises:
            SettingsError: naming the pattern and names like it.
        """
        names = sorted(self._seen)
        require_matches("--exclude", "table or column", self._patterns, self._used, names)
