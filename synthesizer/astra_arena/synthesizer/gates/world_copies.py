"""Makes other worlds of one: as a session left it, and with its rows stored the other way round."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import World
from astra_arena.synthesizer.sources.table_info import quote_identifier


def dumped_world(source: Path, world: World, difference: JsonObject, target: Path) -> str | None:
    """Write to `target` what a world has become.

    Args:
        source: The world at the start.
        world: How it is described.
        difference: What a session says that differs; see `Session.state_difference`.
        target: A file that is not there yet.

    Returns:
        Why it cannot be written, or `None` when it was.
    """
    if difference.get("truncated"):
        return "the session changed more than a difference may hold"
    if world.kind == "sqlite":
        return _dumped_database(source, difference, target)
    if world.kind == "json":
        return _dumped_values(source, difference, target)
    return "a world of Python objects is written by its own code alone"


def reversed_world(source: Path, target: Path) -> str | None:
    """Write a database with the rows of each table stored in the opposite order.

    What queries state is the same in both; what they leave to the database is not. Tables whose
    rows are kept in the order of their key stay as they are.

    Returns:
        Why nothing could be reversed, or `None` when `target` was written.
    """
    shutil.copyfile(source, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as db:
        if _has_triggers(db):
            return "the world has triggers, which would run"
        tables = [table for table in _plain_tables(db) if _is_in_order_of_arrival(db, table)]
        db.execute("BEGIN")
        for table in tables:
            columns = ", ".join(quote_identifier(name) for name in _columns(db, table))
            name = quote_identifier(table)
            # Names come from the database itself and are quoted.
            db.execute(f"CREATE TEMP TABLE turned AS SELECT {columns} FROM {name}")
            db.execute(f"DELETE FROM {name}")
            db.execute(
                f"INSERT INTO {name} ({columns}) "
                f"SELECT {columns} FROM turned ORDER BY turned.rowid DESC"
            )
            db.execute("DROP TABLE turned")
        db.execute("COMMIT")
    return None if tables else "every table keeps its rows in the order of its key"


def _dumped_database(source: Path, difference: JsonObject, target: Path) -> str | None:
    tables = difference.get("tables")
    shutil.copyfile(source, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as db:
        if _has_triggers(db):
            return "the world has triggers, which would run"
        db.execute("BEGIN")
        changed = [
            (table, cast("JsonObject", entry))
            for table, entries in (tables if isinstance(tables, dict) else {}).items()
            for entry in (entries if isinstance(entries, dict) else {}).values()
        ]
        if any(_has_bytes(entry) for _, entry in changed):
            return "the session changed values that JSON cannot spell"
        numbered = _plain_tables(db)
        # A row may have been given a key that another row had before.
        for table, entry in changed:
            _delete(db, table, entry.get("before"), numbered=table in numbered)
        for table, entry in changed:
            _insert(db, table, entry.get("after"))
        db.execute("COMMIT")
    return None


def _has_bytes(entry: JsonObject) -> bool:
    rows = (entry.get("before"), entry.get("after"))
    return any(
        isinstance(value, dict) for row in rows if isinstance(row, dict) for value in row.values()
    )


def _delete(db: sqlite3.Connection, table: str, row: Json, *, numbered: bool) -> None:
    if not isinstance(row, dict):
        return
    name = quote_identifier(table)
    known = " AND ".join(f"{quote_identifier(column)} IS ?" for column in row)
    if numbered:
        # Of equal rows one was changed; without row numbers there are none.
        known = f"rowid IN (SELECT rowid FROM {name} WHERE {known} LIMIT 1)"
    db.execute(f"DELETE FROM {name} WHERE {known}", [*row.values()])


def _insert(db: sqlite3.Connection, table: str, row: Json) -> None:
    if isinstance(row, dict):
        columns = ", ".join(quote_identifier(column) for column in row)
        places = ", ".join("?" * len(row))
        db.execute(
            f"INSERT INTO {quote_identifier(table)} ({columns}) VALUES ({places})", [*row.values()]
        )


def _dumped_values(source: Path, difference: JsonObject, target: Path) -> str | None:
    state: Json = json.loads(source.read_bytes())
    values = difference.get("values")
    for pointer, entry in (values if isinstance(values, dict) else {}).items():
        if not isinstance(entry, dict):
            return "the session's difference cannot be read"
        if pointer == "":
            state = entry.get("after")
        elif not _put(state, pointer, entry):
            return f"nothing at {pointer!r} to change"
    target.write_text(json.dumps(state), encoding="utf-8")
    return None


def _put(state: Json, pointer: str, entry: JsonObject) -> bool:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]
    here = state
    for part in way:
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return False
    if isinstance(here, list) and last.isdecimal() and int(last) < len(here):
        here[int(last)] = entry.get("after")
    elif isinstance(here, dict):
        if "after" in entry:
            here[last] = entry["after"]
        else:
            here.pop(last, None)
    else:
        return False
    return True


def _has_triggers(db: sqlite3.Connection) -> bool:
    query = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"
    return bool(db.execute(query).fetchone()[0])


def _plain_tables(db: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT wr ORDER BY name"
    return [
        str(name) for (name,) in db.execute(query).fetchall() if not str(name).startswith("sqlite_")
    ]


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    query = "SELECT name FROM pragma_table_info(?) ORDER BY cid"
    return [str(name) for (name,) in db.execute(query, (table,)).fetchall()]


def _is_in_order_of_arrival(db: sqlite3.Connection, table: str) -> bool:
    """Tell whether a table's rows are kept as they came: no column of it is the row's number."""
    query = "SELECT upper(type) FROM pragma_table_info(?) WHERE pk > 0"
    key = [str(kind) for (kind,) in db.execute(query, (table,)).fetchall()]
    return key != ["INTEGER"]
