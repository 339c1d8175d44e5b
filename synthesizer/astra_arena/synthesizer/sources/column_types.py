"""Which type a column of text fields has, and the values that its fields stand for.

A type is given only where every field that is not missing spells a value of it *and* the value
keeps what the field says: codes with leading zeros, integers too big for SQLite, and a mixture of
fractions with integers too big for a float stay text. Words for yes and no, localised numbers
(`1,5`) and dates in other orders than ISO 8601 stay text too: reading them would be guessing.
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeAlias

from astra_arena.synthesizer.sources.table_info import LogicalType

SqlValue: TypeAlias = str | int | float | None

MISSING_FIELDS = frozenset({"", "NA"})
"""Fields that stand for NULL: nothing at all, and R's mark for a missing value."""

SQL_TYPES: dict[LogicalType, str] = {
    "boolean": "INTEGER",
    "integer": "INTEGER",
    "real": "REAL",
    "date": "TEXT",
    "datetime": "TEXT",
    "text": "TEXT",
}
"""The type in CREATE TABLE of each logical type that a column of text fields can have."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
# Product codes such as 1E5 are common. Programs that write numbers with a capital E always put a
# point before it or a sign after it; some write 1000 as 1e3.
_REAL = re.compile(
    r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+|E[+-][0-9]+)?"
    r"|-?(?:0|[1-9][0-9]*)\.[0-9]+E[0-9]+"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}$")
_MAX_SQLITE_INTEGER = 2**63 - 1
_MAX_INTEGER_LENGTH = len(str(-_MAX_SQLITE_INTEGER))
_MAX_EXACT_FLOAT = 2**53
_REMEMBERED_FIELDS = 4096


def is_boolean(field: str) -> bool:
    """Tell whether a field is `true` or `false`, in any case."""
    return field.lower() in {"true", "false"}


def is_integer(field: str) -> bool:
    """Tell whether a field is an integer that SQLite can hold, written without leading zeros."""
    return _is_integer_up_to(_MAX_SQLITE_INTEGER, field)


def is_real(field: str) -> bool:
    """Tell whether a field is a number that a float holds."""
    if _REAL.fullmatch(field) is None:
        return False
    if _INTEGER.fullmatch(field) is not None:
        return _is_integer_up_to(_MAX_EXACT_FLOAT, field)
    return math.isfinite(float(field))


def notation(field: str) -> str:
    """Return how a date and time is written, its offset included.

    Moments in one notation are in the order of their texts; in several they are not.

    >>> notation("2013-01-04T10:00:00+09:00")
    '9999-99-99T99:99:99+09:00'
    """
    main = _OFFSET.sub("", field)
    return re.sub("[0-9]", "9", main) + field[len(main) :]


def is_date(field: str) -> bool:
    """Tell whether a field is a day of the calendar as YYYY-MM-DD."""
    return _DATE.fullmatch(field) is not None and _reads(date.fromisoformat, field)


def is_datetime(field: str) -> bool:
    """Tell whether a field is a date and time of ISO 8601, with `T` or a space between them."""
    return _DATETIME.fullmatch(field) is not None and _reads(datetime.fromisoformat, field)


def _is_integer_up_to(limit: int, field: str) -> bool:
    # The length comes first: `int` refuses texts of thousands of digits.
    return (
        len(field) <= _MAX_INTEGER_LENGTH
        and _INTEGER.fullmatch(field) is not None
        and abs(int(field)) <= limit
    )


def _reads(parse: Callable[[str], object], field: str) -> bool:
    try:
        parse(field)
    except ValueError:
        return False
    return True


_CHECKS: tuple[tuple[LogicalType, Callable[[str], bool]], ...] = (
    ("boolean", is_boolean),
    ("integer", is_integer),
    ("real", is_real),
    ("date", is_date),
    ("datetime", is_datetime),
)


class TypeGuess:
    """What the fields of one column seen so far leave open; the narrowest type left is the guess.

    >>> guess = TypeGuess()
    >>> for field in ("7", "", "3.5"):
    ...     guess.see(field)
    >>> guess.logical_type, guess.missing
    ('real', 1)
    """

    def __init__(self) -> None:
        self.missing = 0
        """How many fields stood for NULL."""
        self.missing_marks = 0
        """How many of these were not empty."""
        self._open = _CHECKS
        self._seen: set[str] = set()
        self._notation: str | None = None

    def see(self, field: str) -> None:
        """Take one field into account."""
        if field in MISSING_FIELDS:
            self.missing += 1
            self.missing_marks += field != ""
        elif self._open and field not in self._seen:
            self._open = tuple(entry for entry in self._open if entry[1](field))
            if self._open == _CHECKS[-1:] and not self._in_same_notation(field):
                self._open = ()
            if len(self._seen) < _REMEMBERED_FIELDS:
                self._seen.add(field)

    def _in_same_notation(self, field: str) -> bool:
        self._notation = self._notation or notation(field)
        return notation(field) == self._notation

    @property
    def logical_type(self) -> LogicalType:
        """The narrowest type that all fields seen are of; `text` when no field had a value."""
        return self._open[0][0] if self._open and self._seen else "text"


def converter(logical_type: LogicalType) -> Callable[[str], SqlValue]:
    """Return what turns a field of a column of this type into the value that SQLite stores."""
    match logical_type:
        case "boolean":
            return lambda field: None if field in MISSING_FIELDS else field.lower() == "true"
        case "integer":
            return lambda field: None if field in MISSING_FIELDS else int(field)
        case "real":
            return lambda field: None if field in MISSING_FIELDS else float(field)
        case _:
            return lambda field: None if field in MISSING_FIELDS else field
