"""Functions that generated tools share to write; a `tools.py` gets copies of those that it calls.

This module is read as text and runs nowhere but in the sandbox; it stands here as code so that
it is checked and formatted like any other.
"""
# pyright: reportUnusedFunction=false
# pyright: reportPrivateUsage=false

import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from astra_arena.synthesizer.tables.shared_reading import Row, Table, Value, _existing, _where


def _execute(world: sqlite3.Connection, sql: str, values: list[Value]) -> None:
    """Write rows; what the tables declare of keys and values is held."""
    try:
        world.execute(sql, values)
    except sqlite3.IntegrityError as error:
        raise ValueError(f"this cannot be written: {error}") from None


def _insert(world: sqlite3.Connection, table: Table, row: Row) -> Row:
    """Add a row and return it as it stands in the table."""
    listed = ", ".join(table.columns[field] for field in row)
    places = ", ".join("?" for _ in row)
    _execute(world, f"INSERT INTO {table.sql} ({listed}) VALUES ({places})", list(row.values()))
    return _existing(world, table, *(row[field] for field in table.key))


def _change(world: sqlite3.Connection, table: Table, row: Row, given: Row) -> Row:
    """Write those of the given values that differ, and return the row as it became."""
    changes = {f: value for f, value in given.items() if value is not None and value != row[f]}
    if not changes:
        raise ValueError(f"nothing would change: the {table.noun} is like that already")
    key = [row[field] for field in table.key]
    assigned = ", ".join(f"{table.columns[field]} = ?" for field in changes)
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    _execute(world, f"UPDATE {table.sql} SET {assigned} WHERE {where}", [*changes.values(), *key])
    return _existing(world, table, *key)


def _delete(world: sqlite3.Connection, table: Table, row: Row) -> Row:
    """Delete a row and return it as it was."""
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    _execute(world, f"DELETE FROM {table.sql} WHERE {where}", [row[f] for f in table.key])
    return row


def _next_number(world: sqlite3.Connection, table: Table, field: str, within: Row) -> int:
    """Return the number after the largest one in the rows with these values."""
    where, values = _where([(f"{table.columns[name]} = ?", within[name]) for name in within])
    query = f"SELECT max({table.columns[field]}) FROM {table.sql}{where}"
    largest: int | None = world.execute(query, values).fetchone()[0]
    return 1 if largest is None else largest + 1


def _next_code(
    world: sqlite3.Connection, table: Table, field: str, prefix: str, digits: int
) -> str:
    """Return the code after the one with the largest number."""
    number = f"CAST(substr({table.columns[field]}, {len(prefix) + 1}) AS INTEGER)"
    query = f"SELECT max({number}) FROM {table.sql}"
    largest: int | None = world.execute(query).fetchone()[0]
    return f"{prefix}{(largest or 0) + 1:0{digits}d}"


def _require_free(world: sqlite3.Connection, table: Table, *key: Value) -> None:
    """Refuse a key that a row has."""
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    if world.execute(f"SELECT 1 FROM {table.sql} WHERE {where}", key).fetchone() is not None:
        came = ", ".join(f"{field} {value!r}" for field, value in zip(table.key, key, strict=True))
        raise ValueError(f"there is a {table.noun} with {came} already")


def _require_text(name: str, value: str | None) -> None:
    """Refuse text that says nothing."""
    if value is not None and not value.strip():
        raise ValueError(f"{name} is empty")


def _require_at_least_zero(name: str, value: float | None) -> None:
    """Refuse numbers below 0."""
    if value is not None and value < 0:
        raise ValueError(f"{name} is 0 or more, not {value}")


def _require_one_of(name: str, value: Value, allowed: Sequence[Value]) -> None:
    """Refuse what is none of the values that there are."""
    if value is not None and value not in allowed:
        raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}, not {value!r}")


def _require_moment(name: str, value: str | None, pattern: str) -> None:
    """Refuse what is no date and time, or is written in another way than the others."""
    if value is None:
        return
    try:
        datetime.fromisoformat(value)
        well_formed = re.sub("[0-9]", "9", value) == pattern
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValueError(f"{name} is a date and time written like {pattern}, not {value!r}")


def _require_step(
    table: Table, steps: dict[str, tuple[str, ...]], row: Row, field: str, wanted: str
) -> None:
    """Refuse a status that may not follow the one that a row has."""
    following = steps.get(str(row[field]), ())
    if wanted not in following:
        told = f"can become {' or '.join(following)}" if following else "stays so"
        raise ValueError(f"this {table.noun} is {row[field]} and {told}, not {wanted}")


def _require_open(table: Table, row: Row, field: str, final: Sequence[str]) -> None:
    """Refuse rows whose status is final."""
    if row[field] in final:
        raise ValueError(f"this {table.noun} is {row[field]} and stays as it is")


def _move_amount(
    world: sqlite3.Connection,
    table: Table,
    source: Row,
    destination: Row,
    field: str,
    amount: float,
    digits: int,
) -> dict[str, object]:
    """Move a part of a value from one row to another: the sum stays, and nothing is below 0."""
    held, had = source[field], destination[field]
    if not isinstance(held, int | float) or not isinstance(had, int | float):
        raise ValueError(f"one of the two has no {field}")
    if all(source[name] == destination[name] for name in table.key):
        raise ValueError(f"a {table.noun} cannot give to itself")
    if amount <= 0 or round(amount, digits) != amount:
        raise ValueError(f"amount is above 0, with {digits} digits after the point at most")
    if amount > held:
        raise ValueError(f"there is only {held}, less than {amount}")
    given = _change(world, table, source, {field: round(held - amount, digits)})
    taken = _change(world, table, destination, {field: round(had + amount, digits)})
    return {"from": given, "to": taken}
