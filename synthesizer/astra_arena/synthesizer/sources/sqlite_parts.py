"""Leaves tables and columns out of an SQLite database, and brings several databases together."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from astra_arena.synthesizer.sources.selection import Selection
from astra_arena.synthesizer.sources.table_info import quote_identifier

_STATISTICS = ("sqlite_stat1", "sqlite_stat3", "sqlite_stat4")
"""Tables in which SQLite keeps samples of indexed values, also of columns that are left out."""


def leave_out(connection: sqlite3.Connection, selection: Selection) -> list[str]:
    """Take out of a copied database what is not selected.

    Returns:
        Notices: what had to go along with it.
    """
    notices: list[str] = []
    for name in _STATISTICS:
        with suppress(sqlite3.OperationalError):
            connection.execute(f"DROP TABLE {name}")
    # Else renaming a table rewrites the references of others.
    connection.execute("PRAGMA legacy_alter_table = ON")
    for table in table_names(connection):
        columns = _columns(connection, table)
        wanted = selection.wanted(table, columns) if selection.wants(table) else []
        if not wanted:
            connection.execute(f"DROP TABLE {quote_identifier(table)}")
            continue
        gone = [column for column in columns if column not in wanted]
        if gone and not _drop_columns(connection, table, gone):
            notices += _rebuild(connection, table, wanted)
    connection.commit()
    connection.execute("PRAGMA legacy_alter_table = OFF")
    return notices


def merge_database(connection: sqlite3.Connection, other: Path) -> None:
    """Copy the tables and indexes of another database, whose names must be free here."""
    connection.execute("ATTACH ? AS other", (str(other),))
    names = [name for (name,) in connection.execute(_TABLES.format("other."))]
    for kind in ("table", "index"):
        query = "SELECT sql FROM other.sqlite_schema WHERE type = ? AND sql NOT NULL ORDER BY rowid"
        statements = [sql for (sql,) in connection.execute(query, (kind,))]
        for statement in statements:
            if not statement.upper().startswith("CREATE TABLE SQLITE_"):
                connection.execute(statement)
        for name in names if kind == "table" else ():
            stored = _columns(connection, name, generated=False)
            listed = ", ".join(map(quote_identifier, stored))
            table = quote_identifier(name)
            connection.execute(
                f"INSERT INTO main.{table} ({listed}) SELECT {listed} FROM other.{table}"
            )
    connection.commit()
    connection.execute("DETACH other")


_TABLES = (
    "SELECT name FROM {}sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
    "ESCAPE '\\' ORDER BY rowid"
)


def table_names(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the tables of a database, in the order of their creation."""
    return [name for (name,) in connection.execute(_TABLES.format(""))]


def _columns(connection: sqlite3.Connection, table: str, *, generated: bool = True) -> list[str]:
    info = connection.execute(f"PRAGMA table_xinfo({quote_identifier(table)})")
    return [row[1] for row in info if generated or row[6] == 0]


def _drop_columns(connection: sqlite3.Connection, table: str, gone: list[str]) -> bool:
    """Drop columns and the indexes on them; False where something else depends on one."""
    query = f"PRAGMA index_list({quote_identifier(table)})"
    indexes: list[str] = [row[1] for row in connection.execute(query) if row[3] == "c"]
    for index in indexes:
        # An index on an expression, or with a condition, may name a column without listing it.
        info = connection.execute(f"PRAGMA index_info({quote_identifier(index)})").fetchall()
        sql = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?"
        text: str = connection.execute(sql, (index,)).fetchone()[0]
        if any(row[2] in gone or row[2] is None for row in info) or "WHERE" in text.upper():
            connection.execute(f"DROP INDEX {quote_identifier(index)}")
    try:
        for column in gone:
            connection.execute(
                f"ALTER TABLE {quote_identifier(table)} DROP COLUMN {quote_identifier(column)}"
            )
    except sqlite3.OperationalError:
        return False
    return True


def _rebuild(connection: sqlite3.Connection, table: str, wanted: list[str]) -> list[str]:
    """Write a table anew with some of its columns: for keys and columns of checks and references.

    Computed columns go too: what they are computed from may be what is to be left out.
    """
    info = connection.execute(f"PRAGMA table_xinfo({quote_identifier(table)})").fetchall()
    kept = [row for row in info if row[1] in wanted and row[6] == 0]
    names = [row[1] for row in kept]
    lines = [
        f"{quote_identifier(row[1])} {row[2]}" + (" NOT NULL" if row[3] else "") for row in kept
    ]
    key = [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
    if key and set(names).issuperset(key):
        lines.append(f"PRIMARY KEY ({_listed(key)})")
    lines += _references(connection, table, names)
    old = quote_identifier(f"{table} as it was")
    connection.execute(f"ALTER TABLE {quote_identifier(table)} RENAME TO {old}")
    connection.execute(f"CREATE TABLE {quote_identifier(table)} ({', '.join(lines)})")
    connection.execute(
        f"INSERT INTO {quote_identifier(table)} SELECT {_listed(names)} FROM {old} ORDER BY rowid"
    )
    connection.execute(f"DROP TABLE {old}")
    return [
        f"column {row[1]!r} of table {table!r} was left out: it is computed, and may tell of what "
        "is excluded"
        for row in info
        if row[1] in wanted and row[6]
    ]


def _references(connection: sqlite3.Connection, table: str, names: list[str]) -> list[str]:
    by_number: dict[int, list[tuple[str, str, str | None]]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({quote_identifier(table)})").fetchall():
        by_number.setdefault(row[0], []).append((row[2], row[3], row[4]))
    lines: list[str] = []
    for _, parts in sorted(by_number.items()):
        if not set(names).issuperset(part[1] for part in parts):
            continue
        named = [part[2] for part in parts if part[2] is not None]
        target = f" ({_listed(named)})" if named else ""
        own = _listed([part[1] for part in parts])
        lines.append(f"FOREIGN KEY ({own}) REFERENCES {quote_identifier(parts[0][0])}{target}")
    return lines


def _listed(names: list[str]) -> str:
    return ", ".join(quote_identifier(name) for name in names)
