"""Functions that the tools of an API share; a `tools.py` gets copies of those that it calls.

This module is read as text and runs nowhere but in the sandbox; it stands here as code so that
it is checked and formatted like any other.
"""
# pyright: reportUnusedFunction=false

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
Reply: TypeAlias = dict[str, Json]
Stored: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Stored]
Condition: TypeAlias = tuple[str, Sequence[Stored]]
"""SQL and the values for its places."""


class Table(NamedTuple):
    """A table, and the words to speak of it."""

    sql: str
    key: str
    """The column that names a row."""
    noun: str
    kinds: dict[str, str]
    """Columns that hold booleans or JSON."""
    referred: tuple[tuple[str, str, str], ...]
    """Columns elsewhere that name rows of this table: noun, table and column."""


class Shown(NamedTuple):
    """A column as replies show it."""

    column: str
    optional: bool = False
    """Whether it is left out where the row has no value."""
    table: Table | None = None
    """Where to find the row that is shown in place of the value."""
    by: str = ""
    """That table's column that holds the value."""
    view: "Mapping[str, Shown] | None" = None
    """How that row is shown."""


class Page(NamedTuple):
    """Rows of a list, and where they stand in it."""

    rows: list[Json]
    total: int
    size: int
    offset: int


def _name(column: str) -> str:
    """Return a column's name as SQL."""
    return '"' + column.replace('"', '""') + '"'


def _is(column: str, value: Stored) -> Condition:
    return f"{_name(column)} = ?", [value]


def _at_least(column: str, value: Stored) -> Condition:
    return f"{_name(column)} >= ?", [value]


def _at_most(column: str, value: Stored) -> Condition:
    return f"{_name(column)} <= ?", [value]


def _contains(column: str, value: str) -> Condition:
    return f"instr(lower({_name(column)}), lower(?)) > 0", [value]


def _search(columns: Sequence[str], value: str) -> Condition:
    """Return the condition that some of the columns contain a text."""
    told = " OR ".join(_contains(column, value)[0] for column in columns)
    return f"({told})", [value for _ in columns]


def _one_of(column: str, values: Sequence[Json]) -> Condition:
    """Return the condition that a column holds one of some values."""
    places = ", ".join("?" for _ in values) or "NULL"
    return f"{_name(column)} IN ({places})", [_kept(value) for value in values]


def _any_of(
    world: sqlite3.Connection, table: Table, column: str, values: Sequence[Json]
) -> Condition:
    """Return the condition that a list in a column has one of some values, or one so named."""
    found = world.execute(
        f"SELECT {_name(table.key)}, {_name(column)} FROM {table.sql} ORDER BY {_name(table.key)}"
    ).fetchall()
    keys = [key for key, held in found if held is not None and _has(json.loads(held), values)]
    return f"{_name(table.key)} IN ({', '.join('?' for _ in keys) or 'NULL'})", keys


def _has(items: Sequence[Json], values: Sequence[Json]) -> bool:
    """Tell whether a list has one of some values, or an object of that name."""
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    return any(name in values for name in names if name is not None)


def _kept(value: Json) -> Stored:
    """Return a value as a column holds it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return value


def _where(conditions: Sequence[Condition]) -> tuple[str, list[Stored]]:
    """Return the WHERE clause of some conditions, and its values in order."""
    clause = " AND ".join(sql for sql, _ in conditions)
    values = [value for _, given in conditions for value in given]
    return f" WHERE {clause}" if clause else "", values


def _fetch(
    world: sqlite3.Connection,
    table: Table,
    conditions: Sequence[Condition],
    size: int = -1,
    offset: int = 0,
) -> list[Row]:
    """Return rows in the order of their keys."""
    where, values = _where(conditions)
    found = world.execute(
        f"SELECT * FROM {table.sql}{where} ORDER BY {_name(table.key)} LIMIT ? OFFSET ?",
        [*values, size, offset],
    )
    names = [str(column[0]) for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _existing(
    world: sqlite3.Connection, table: Table, conditions: Sequence[Condition], said: str
) -> Row:
    """Return the one row that is named."""
    found = _fetch(world, table, conditions, 1)
    if not found:
        raise LookupError(f"there is no {table.noun} with {said}")
    return found[0]


def _plain(table: Table, column: str, value: Stored) -> Json:
    """Return a column's value as JSON."""
    kind = table.kinds.get(column)
    if value is None or kind is None:
        return value
    if kind == "boolean":
        return bool(value)
    loaded: Json = json.loads(str(value))
    return loaded


def _shown(
    world: sqlite3.Connection, table: Table, view: Mapping[str, Shown], row: Row
) -> dict[str, Json]:
    """Return a row as a reply shows it."""
    reply: dict[str, Json] = {}
    for name, shown in view.items():
        value = _plain(table, shown.column, row[shown.column])
        if value is None and shown.optional:
            continue
        if value is not None and shown.table is not None and shown.view is not None:
            inner = _fetch(world, shown.table, [_is(shown.by, row[shown.column])], 1)
            value = _shown(world, shown.table, shown.view, inner[0]) if inner else None
        reply[name] = value
    return reply


def _page(
    world: sqlite3.Connection,
    table: Table,
    view: Mapping[str, Shown],
    conditions: Sequence[Condition],
    *,
    size: int | None = None,
    most: int = -1,
    offset: int = 0,
) -> Page:
    """Return one page of the rows that satisfy the conditions."""
    if size is not None and not 1 <= size <= most:
        raise ValueError(f"a page has 1 to {most} rows, not {size}")
    if offset < 0:
        raise ValueError("this page is before the first one")
    where, values = _where(conditions)
    total: int = world.execute(f"SELECT count(*) FROM {table.sql}{where}", values).fetchone()[0]
    rows = _fetch(world, table, conditions, -1 if size is None else size, offset)
    shown: list[Json] = [_shown(world, table, view, row) for row in rows]
    return Page(shown, total, total if size is None else size, offset)


def _refuse(**given: Json) -> None:
    """Refuse arguments that this environment gives no meaning to."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name!r} is not offered here; leave it out")


def _require(world: sqlite3.Connection, table: Table, column: str, value: Stored) -> None:
    """Refuse a value that names no row."""
    if value is not None and not _fetch(world, table, [_is(column, value)], 1):
        raise LookupError(f"there is no {table.noun} with {column} {value!r}")


def _require_known(world: sqlite3.Connection, table: Table, column: str, value: Stored) -> None:
    """Refuse a parent that no row has."""
    if not _fetch(world, table, [_is(column, value)], 1):
        raise LookupError(f"there is nothing below {value!r}")


def _require_one_of(name: str, value: Json, members: Sequence[Json]) -> None:
    """Refuse what is none of the values that there are."""
    if value is not None and value not in members:
        raise ValueError(f"{name} is one of {', '.join(map(str, members))}, not {value!r}")


def _require_free(world: sqlite3.Connection, table: Table, column: str, value: Stored) -> None:
    """Refuse a value that names a row already."""
    if value is not None and _fetch(world, table, [_is(column, value)], 1):
        raise ValueError(f"there is a {table.noun} with {column} {value!r} already")


def _execute(world: sqlite3.Connection, sql: str, values: Sequence[Stored]) -> None:
    """Write rows; what the tables declare is held."""
    try:
        world.execute(sql, values)
    except sqlite3.IntegrityError as error:
        raise ValueError(f"this cannot be written: {error}") from None


def _next_number(world: sqlite3.Connection, table: Table, column: str) -> int:
    """Return the number after the largest one."""
    query = f"SELECT max({_name(column)}) FROM {table.sql}"
    largest: int | None = world.execute(query).fetchone()[0]
    return 1 if largest is None else largest + 1


def _next_code(world: sqlite3.Connection, table: Table, column: str) -> str:
    """Return a code that no row has."""
    total: int = world.execute(f"SELECT count(*) FROM {table.sql}").fetchone()[0]
    number = total + 1
    while _fetch(world, table, [_is(column, f"{table.noun.replace(' ', '-')}-{number}")], 1):
        number += 1
    return f"{table.noun.replace(' ', '-')}-{number}"


def _next_uuid(world: sqlite3.Connection, table: Table, column: str) -> str:
    """Return a UUID that no row has."""
    number: int = world.execute(f"SELECT count(*) FROM {table.sql}").fetchone()[0] + 1
    made = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{table.noun} {number}"))
    while _fetch(world, table, [_is(column, made)], 1):
        number += 1
        made = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{table.noun} {number}"))
    return made


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _insert(world: sqlite3.Connection, table: Table, values: Mapping[str, Json]) -> Row:
    """Add a row and return it."""
    row = {column: _kept(value) for column, value in values.items() if value is not None}
    columns = ", ".join(_name(column) for column in row)
    places = ", ".join("?" for _ in row)
    sql = f"INSERT INTO {table.sql} ({columns}) VALUES ({places})"
    _execute(world, sql, list(row.values()))
    return _existing(world, table, [_is(table.key, row[table.key])], "this key")


def _change(world: sqlite3.Connection, table: Table, row: Row, values: Mapping[str, Json]) -> Row:
    """Write those of some values that differ, and return the row as it became."""
    changes = {column: _kept(value) for column, value in values.items()}
    changes = {column: value for column, value in changes.items() if value != row[column]}
    if not changes:
        raise ValueError(f"nothing would change: the {table.noun} is like that already")
    assigned = ", ".join(f"{_name(column)} = ?" for column in changes)
    sql = f"UPDATE {table.sql} SET {assigned} WHERE {_name(table.key)} = ?"
    _execute(world, sql, [*changes.values(), row[table.key]])
    return _existing(world, table, [_is(table.key, row[table.key])], "this key")


def _delete(world: sqlite3.Connection, table: Table, row: Row) -> None:
    """Delete a row that nothing refers to."""
    for noun, sql, column in table.referred:
        query = f"SELECT count(*) FROM {sql} WHERE {_name(column)} = ?"
        count: int = world.execute(query, [row[table.key]]).fetchone()[0]
        if count:
            raise ValueError(f"this {table.noun} cannot be deleted: {count} {noun} refer to it")
    _execute(world, f"DELETE FROM {table.sql} WHERE {_name(table.key)} = ?", [row[table.key]])
