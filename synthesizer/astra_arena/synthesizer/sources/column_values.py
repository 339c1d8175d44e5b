"""Values of typed sources become values of SQLite, with what could not be kept noted by column.

Moments are written in ISO 8601, those with a zone in UTC; lists and objects as JSON text; exact
decimals as numbers. Bytes are not kept: no tool could show them.
"""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from astra_arena.synthesizer.sources.column_types import SqlValue

Kind: TypeAlias = Literal["boolean", "integer", "real", "moment", "text", "bytes"]

_MAX_INTEGER = 2**63 - 1
_EXACT_DIGITS = 15
"""Decimal numbers of so many digits are told apart by every float."""


class ColumnValues:
    """Converts the values of one column and remembers what it met.

    >>> column = ColumnValues()
    >>> [column.convert(value) for value in (Decimal("2.50"), 7, None)]
    [2.5, 7, None]
    >>> sorted(column.kinds)
    ['integer', 'real']
    """

    def __init__(self) -> None:
        self.kinds: set[Kind] = set()
        self.whole_seconds = True
        """Whether no moment had a fraction of a second."""
        self._remarks: dict[str, int] = {}

    @property
    def remarks(self) -> tuple[tuple[str, int], ...]:
        """What was read differently from what the source says, with how often."""
        return tuple(sorted(self._remarks.items()))

    def convert(self, value: object) -> SqlValue:
        """Return what SQLite stores for a value; None for bytes, whose column is to be dropped."""
        if value is None:
            return None
        convert = _CONVERTERS.get(type(value))
        return _other(self, value) if convert is None else convert(self, value)

    def remark(self, text: str) -> None:
        """Count something that could not be kept as it was."""
        self._remarks[text] = self._remarks.get(text, 0) + 1


def _boolean(column: ColumnValues, value: object) -> SqlValue:
    column.kinds.add("boolean")
    return int(value is True)


def _integer(column: ColumnValues, value: object) -> SqlValue:
    assert isinstance(value, int)
    if -_MAX_INTEGER <= value <= _MAX_INTEGER:
        column.kinds.add("integer")
        return value
    column.kinds.add("text")
    column.remark("integers too big for SQLite were read as text")
    return str(value)


def _real(column: ColumnValues, value: object) -> SqlValue:
    assert isinstance(value, float)
    if math.isnan(value):
        column.remark("values that are no number (NaN) were read as NULL")
        return None
    column.kinds.add("real")
    return value


def _decimal(column: ColumnValues, value: object) -> SqlValue:
    assert isinstance(value, Decimal)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        return _real(column, float(value))
    if exponent >= 0:
        return _integer(column, int(value))
    if len(value.normalize().as_tuple().digits) > _EXACT_DIGITS:
        column.remark(f"decimals of more than {_EXACT_DIGITS} digits were rounded")
    return _real(column, float(value))


def _datetime(column: ColumnValues, value: object) -> SqlValue:
    assert isinstance(value, datetime)
    column.kinds.add("moment")
    column.whole_seconds = column.whole_seconds and value.microsecond == 0
    if value.tzinfo is None:
        return value.isoformat(timespec="microseconds")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _date(column: ColumnValues, value: object) -> SqlValue:
    assert isinstance(value, date)
    column.kinds.add("text")
    return value.isoformat()


def _text(column: ColumnValues, value: object) -> SqlValue:
    assert isinstance(value, str)
    column.kinds.add("text")
    return value


def _nested(column: ColumnValues, value: object) -> SqlValue:
    column.kinds.add("text")
    column.remark("lists and objects were read as JSON text")
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _bytes(column: ColumnValues, value: object) -> SqlValue:
    del value
    column.kinds.add("bytes")
    return None


def _other(column: ColumnValues, value: object) -> SqlValue:
    column.kinds.add("text")
    return str(value)


_CONVERTERS: dict[type, Callable[[ColumnValues, object], SqlValue]] = {
    bool: _boolean,
    int: _integer,
    float: _real,
    Decimal: _decimal,
    datetime: _datetime,
    date: _date,
    str: _text,
    list: _nested,
    tuple: _nested,
    dict: _nested,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
}
