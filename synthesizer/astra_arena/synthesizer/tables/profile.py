"""What the columns of a world hold: distinct values, extremes, frequent values.

One grouped pass per column, inside SQLite; no column is ever read into Python.
"""

import math
import sqlite3
from dataclasses import dataclass
from typing import TypeAlias

from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.sources.table_info import Column, LogicalType, Table, quote_identifier

SqlValue: TypeAlias = str | int | float | None

FREQUENT_VALUES = 5
"""How many of a column's most frequent values a profile keeps."""

MOST_CATEGORIES = 16
"""A column of so few values, each met several times, is an enum in all but name."""
ROWS_PER_CATEGORY = 4
"""Rows for each value of a category, at least."""

EXACT_LIMIT = 2**53
"""From here on not every whole number is a float."""
LARGEST_SUM = 1e300

USABLE_TYPES: frozenset[LogicalType] = frozenset(
    {"integer", "real", "boolean", "date", "datetime", "text"}
)
"""Types whose values are JSON scalars of one kind, so that a tool can return them typed."""


def is_category(distinct: int, rows: int) -> bool:
    """Tell whether `distinct` values that `rows` rows hold are a category."""
    return distinct <= MOST_CATEGORIES and rows >= ROWS_PER_CATEGORY * distinct


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column holds."""

    name: str
    logical_type: LogicalType
    rows: int
    nulls: int
    distinct: int
    """Distinct values other than NULL."""
    minimum: SqlValue
    maximum: SqlValue
    frequent: tuple[tuple[SqlValue, int], ...]
    """The most frequent values with how many rows hold them; ties by value."""
    longest: int
    """Length of the longest value as text."""

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.nulls == 0 and self.distinct == self.rows

    @property
    def is_category(self) -> bool:
        """Whether the values are so few that naming them all tells nothing of any row."""
        return is_category(self.distinct, self.rows - self.nulls)

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers that measure or count something."""
        return self.logical_type in ("integer", "real")

    @property
    def is_temporal(self) -> bool:
        """Whether the values are days or moments."""
        return self.logical_type in ("date", "datetime")

    @property
    def magnitude(self) -> float:
        """The largest absolute value of numbers; 0 for other values."""
        ends = (self.minimum, self.maximum)
        return max((abs(end) for end in ends if isinstance(end, int | float)), default=0.0)

    @property
    def is_exact(self) -> bool:
        """Whether numbers keep their value however JSON spells them: no huge floats."""
        return self.logical_type != "real" or self.magnitude < EXACT_LIMIT

    @property
    def can_be_summed(self) -> bool:
        """Whether the sum of all numbers is finite."""
        return self.magnitude < LARGEST_SUM / max(1, self.rows)

    @property
    def top_share(self) -> float:
        """The share of rows with a value that hold the most frequent one."""
        filled = self.rows - self.nulls
        return self.frequent[0][1] / filled if filled else 0.0

    def to_json(self) -> JsonObject:
        """Return the profile for a report; values themselves stay out of it."""
        return {
            "type": self.logical_type,
            "null_share": round(self.nulls / self.rows, 4) if self.rows else 0.0,
            "distinct": self.distinct,
            "minimum": self.minimum,
            "maximum": self.maximum,
        }


@dataclass(frozen=True, slots=True)
class TableProfile:
    """What one table holds; columns that no tool can return are left out."""

    name: str
    rows: int
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile:
        """Return the column called `name`, which must be there."""
        return next(column for column in self.columns if column.name == name)


def profile_tables(
    connection: sqlite3.Connection, tables: tuple[Table, ...]
) -> tuple[tuple[TableProfile, ...], tuple[str, ...]]:
    """Profile every table that has rows.

    Returns:
        The profiles, and notices: what was left out and why.
    """
    profiles: list[TableProfile] = []
    notices: list[str] = []
    for table in tables:
        if table.rows == 0:
            continue
        columns: list[ColumnProfile] = []
        for column in table.columns:
            reason = _unusable(connection, table, column)
            if reason is None:
                columns.append(_profile(connection, table, column))
            else:
                notices.append(f"column {column.name!r} of table {table.name!r} {reason}")
        profiles.append(TableProfile(table.name, table.rows, tuple(columns)))
    return tuple(profiles), tuple(notices)


def _unusable(connection: sqlite3.Connection, table: Table, column: Column) -> str | None:
    if column.logical_type not in USABLE_TYPES:
        return f"holds {column.logical_type} values and is not shown by any tool"
    if column.logical_type == "real":
        name = quote_identifier(column.name)
        query = f"SELECT max(abs({name})) FROM {quote_identifier(table.name)}"
        largest = connection.execute(query).fetchone()[0]
        # JSON has no spelling for infinity, which SQLite stores without complaint.
        if largest is not None and not math.isfinite(largest):
            return "holds an infinite number, which JSON cannot say, and is not shown by any tool"
    return None


def _profile(connection: sqlite3.Connection, table: Table, column: Column) -> ColumnProfile:
    name = quote_identifier(column.name)
    query = f"""
        WITH grouped AS MATERIALIZED (
            SELECT {name} AS value, count(*) AS held
            FROM {quote_identifier(table.name)} WHERE {name} IS NOT NULL GROUP BY 1
        )
        SELECT count(*), min(value), max(value), max(length(value)) FROM grouped
        UNION ALL
        SELECT * FROM (
            SELECT held, value, NULL, NULL FROM grouped ORDER BY held DESC, value LIMIT ?
        )
    """
    (distinct, low, high, longest), *frequent = connection.execute(query, (FREQUENT_VALUES,))
    return ColumnProfile(
        name=column.name,
        logical_type=column.logical_type,
        rows=table.rows,
        nulls=column.nulls,
        distinct=distinct,
        minimum=low,
        maximum=high,
        frequent=tuple((value, held) for held, value, _, _ in frequent),
        longest=longest or 0,
    )
