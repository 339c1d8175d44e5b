"""Functions that generated tools share to read; a `tools.py` gets copies of those that it calls.

This module is read as text and runs nowhere but in the sandbox; it stands here as code so that
it is checked and formatted like any other.
"""
# pyright: reportUnusedFunction=false

import math
import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias

_MOST_ROWS = 50
_DIGITS = 4
"""Digits after the point of figures; more would depend on the order of the rows."""

Value: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Value]
Condition: TypeAlias = tuple[str, Value | Sequence[Value]]
"""SQL and the values for its places; `None` when the condition is not in use."""
Conditions: TypeAlias = list[Condition]


class Table(NamedTuple):
    """A table, and the words to speak of it."""

    sql: str
    columns: dict[str, str]
    """SQL of each column by its name in arguments and replies."""
    key: tuple[str, ...]
    noun: str
    search: str
    """The tool that searches it."""


def _where(conditions: Conditions) -> tuple[str, list[Value]]:
    """Return the WHERE clause of the conditions in use, and its values in order."""
    used = [(sql, value) for sql, value in conditions if value is not None]
    clause = " AND ".join(sql for sql, _ in used)
    values: list[Value] = []
    for _, value in used:
        values += [value] if isinstance(value, str | int | float) else value
    return f" WHERE {clause}" if clause else "", values


def _one_of(column: str, values: Sequence[Value] | None) -> Condition:
    """Return the condition that a column holds one of some values."""
    return f"{column} IN ({', '.join('?' for _ in values or ())})", values


def _existing(world: sqlite3.Connection, table: Table, *key: Value) -> Row:
    """Return the row with this key."""
    listed = ", ".join(table.columns.values())
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    found = world.execute(f"SELECT {listed} FROM {table.sql} WHERE {where}", key).fetchone()
    if found is None:
        came = ", ".join(f"{field} {value!r}" for field, value in zip(table.key, key, strict=True))
        raise LookupError(f"there is no {table.noun} with {came}; {table.search} searches")
    return dict(zip(table.columns, found, strict=True))


def _count(world: sqlite3.Connection, table: Table, conditions: Conditions) -> int:
    where, values = _where(conditions)
    total: int = world.execute(f"SELECT count(*) FROM {table.sql}{where}", values).fetchone()[0]
    return total


def _require_page(limit: int, offset: int) -> None:
    if not 1 <= limit <= _MOST_ROWS:
        raise ValueError(f"limit is 1 to {_MOST_ROWS}, not {limit}")
    if offset < 0:
        raise ValueError(f"offset is 0 or more, not {offset}")


def _page(
    world: sqlite3.Connection,
    table: Table,
    conditions: Conditions,
    *,
    sort_by: str | None = None,
    order: str = "ascending",
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of the rows that satisfy the conditions; rows without a value come last."""
    _require_page(limit, offset)
    where, values = _where(conditions)
    listed = ", ".join(table.columns.values())
    order_by = ", ".join(table.columns[field] for field in table.key)
    if sort_by is not None:
        by = table.columns[sort_by]
        direction = "DESC" if order == "descending" else "ASC"
        order_by = f"{by} IS NULL, {by} {direction}, {order_by}"
    found = world.execute(
        f"SELECT {listed} FROM {table.sql}{where} ORDER BY {order_by} LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    rows: list[Row] = [dict(zip(table.columns, row, strict=True)) for row in found]
    total = _count(world, table, conditions)
    return {"total": total, "rows": rows, "truncated": offset + len(rows) < total}


def _figures(sql: str) -> str:
    """Return what SQL selects to summarise a column: least, most, mean and sum."""
    return (
        f"min({sql}), max({sql}), round(avg({sql}), {_DIGITS}), "
        f"CASE WHEN count({sql}) THEN round(total({sql}), {_DIGITS}) END"
    )


def _summary(
    world: sqlite3.Connection, table: Table, column: str, conditions: Conditions
) -> dict[str, object]:
    """Return minimum, maximum, mean and sum of a column; null when no row has a value."""
    where, values = _where(conditions)
    query = f"SELECT {_figures(table.columns[column])} FROM {table.sql}{where}"
    least, most, mean, total = world.execute(query, values).fetchone()
    return {"column": column, "minimum": least, "maximum": most, "mean": mean, "sum": total}


def _groups(
    world: sqlite3.Connection,
    table: Table,
    by: str,
    column: str | None,
    conditions: Conditions,
    *,
    sort_by: str,
    order: str,
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of groups with their figures; null for those of a column not asked for."""
    _require_page(limit, offset)
    if column is None and sort_by != "count":
        raise ValueError(f"sort_by {sort_by!r} needs a column to summarise")
    where, values = _where(conditions)
    figures = "NULL, NULL, NULL, NULL" if column is None else _figures(table.columns[column])
    names = ("value", "count", "minimum", "maximum", "mean", "sum")
    direction = "ASC" if order == "ascending" else "DESC"
    grouped = f"SELECT {table.columns[by]}, count(*), {figures} FROM {table.sql}{where} GROUP BY 1"
    found = world.execute(
        f"WITH grouped ({', '.join(names)}) AS ({grouped}) SELECT * FROM grouped "
        f"ORDER BY {sort_by} IS NULL, {sort_by} {direction}, value LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    groups = [dict(zip(names, row, strict=True)) for row in found]
    total = world.execute(f"SELECT count(*) FROM ({grouped})", values).fetchone()[0]
    return {"total": total, "groups": groups, "truncated": offset + len(groups) < total}


def _counts(
    world: sqlite3.Connection,
    table: Table,
    by: str,
    conditions: Conditions,
    *,
    order: str,
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of groups with how many rows each holds."""
    _require_page(limit, offset)
    where, values = _where(conditions)
    direction = "ASC" if order == "ascending" else "DESC"
    grouped = f"SELECT {table.columns[by]}, count(*) FROM {table.sql}{where} GROUP BY 1"
    found = world.execute(
        f"{grouped} ORDER BY 2 {direction}, 1 LIMIT ? OFFSET ?", [*values, limit, offset]
    )
    groups = [{"value": value, "count": count} for value, count in found]
    total = world.execute(f"SELECT count(*) FROM ({grouped})", values).fetchone()[0]
    return {"total": total, "groups": groups, "truncated": offset + len(groups) < total}


def _days_between(start: str, end: str) -> int:
    """Return the days from one date to another by the calendar, whatever hour they have."""
    return (date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days


def _compared(first: Row, second: Row, fields: Sequence[str]) -> dict[str, object]:
    """Return both values of each field, and how they differ."""
    return {field: _difference(first[field], second[field]) for field in fields}


def _difference(first: Value, second: Value) -> dict[str, object]:
    """Return the second value minus the first, of dates in days, and which is larger."""
    difference: float | None = None
    larger: str | None = None
    if isinstance(first, str) and isinstance(second, str):
        difference = _days_between(first, second)
    elif isinstance(first, int | float) and isinstance(second, int | float):
        difference = round(second - first, _DIGITS)
    if difference is not None:
        larger = "neither" if first == second else "second" if difference > 0 else "first"
    return {"first": first, "second": second, "difference": difference, "larger": larger}


def _period(row: Row, start: str, end: str) -> dict[str, object]:
    """Return two dates of a row and the days between them; null when one is missing."""
    first, last = row[start], row[end]
    days = None
    if isinstance(first, str) and isinstance(last, str):
        days = _days_between(first, last)
    return {"start": first, "end": last, "days": days}


def _around(column: str, day: str, days: int) -> Conditions:
    """Return the conditions on a column for a date at most so many days from another."""
    _require_day("day", day)
    if days < 0:
        raise ValueError(f"days is 0 or more, not {days}")
    middle = date.fromisoformat(day)
    try:
        first, after = middle - timedelta(days), middle + timedelta(days + 1)
    except OverflowError:
        raise ValueError(f"{days} days from {day} are beyond the calendar") from None
    return [(f"{column} >= ?", first.isoformat()), (f"{column} < ?", after.isoformat())]


def _require_day(name: str, value: str | None) -> None:
    """Refuse what is no day of the calendar written as YYYY-MM-DD."""
    if value is None:
        return
    try:
        well_formed = date.fromisoformat(value).isoformat() == value
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValueError(f"{name} is a day as YYYY-MM-DD, not {value!r}")


def _place(table: Table, row: Row, latitude: str, longitude: str) -> tuple[float, float]:
    """Return a row's coordinates in degrees."""
    place = (row[latitude], row[longitude])
    if not isinstance(place[0], int | float) or not isinstance(place[1], int | float):
        raise ValueError(f"this {table.noun} has no coordinates")
    return place[0], place[1]


def _kilometres(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the great-circle distance of two places, rounded to one digit (haversine)."""
    north, south = math.radians(first[0]), math.radians(second[0])
    half_east = math.radians(second[1] - first[1]) / 2
    chord = (
        math.sin((south - north) / 2) ** 2
        + math.cos(north) * math.cos(south) * math.sin(half_east) ** 2
    )
    return round(2 * 6371.0088 * math.asin(min(1.0, math.sqrt(chord))), 1)


def _nearest(
    world: sqlite3.Connection,
    table: Table,
    row: Row,
    latitude: str,
    longitude: str,
    *,
    within_km: float | None,
    limit: int,
) -> dict[str, object]:
    """Return the other rows by their distance from one row, then by their key."""
    _require_page(limit, 0)
    here = _place(table, row, latitude, longitude)
    key = [table.columns[field] for field in table.key]
    places = [table.columns[latitude], table.columns[longitude]]
    others = world.execute(
        f"SELECT {', '.join([*places, *key])} FROM {table.sql} "
        f"WHERE {places[0]} IS NOT NULL AND {places[1]} IS NOT NULL ORDER BY {', '.join(key)}"
    ).fetchall()
    own = tuple(row[field] for field in table.key)
    measured = [
        (_kilometres(here, (north, east)), other)
        for north, east, *other in others
        if tuple(other) != own
    ]
    kept = [one for one in measured if within_km is None or one[0] <= within_km]
    kept.sort(key=lambda one: one[0])
    return {
        "total": len(kept),
        "places": [
            {"kilometres": kilometres, "row": _existing(world, table, *other)}
            for kilometres, other in kept[:limit]
        ],
        "truncated": len(kept) > limit,
    }
