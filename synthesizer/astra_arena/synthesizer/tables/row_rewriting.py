"""Replaces the rows of a table by those of a query, past all constraints on the way there.

Unlike UPDATE and DELETE it never meets a key half changed, and it costs as much as what stays.
"""

import sqlite3
from collections.abc import Sequence

from astra_arena.synthesizer.sources.table_info import quote_identifier

_STAGED = 'temp."rows that stay"'
_ROWIDS = ("rowid", "_rowid_", "oid")


def stored_columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of a table that are not computed from others."""
    info = connection.execute(f"PRAGMA table_xinfo({quote_identifier(table)})")
    return [row[1] for row in info if row[6] == 0]


def row_identity(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """Return what names a row for SQLite itself: the hidden number or the declared key."""
    info = connection.execute(f"PRAGMA table_xinfo({quote_identifier(table)})").fetchall()
    taken = {row[1].casefold() for row in info}
    for name in _ROWIDS:
        if name not in taken:
            try:
                connection.execute(f"SELECT {name} FROM {quote_identifier(table)} LIMIT 0")
            except sqlite3.OperationalError:
                break
            return (name,)
    numbered = sorted((row[5], row[1]) for row in info if row[5])
    return tuple(name for _, name in numbered) or tuple(row[1] for row in info)


def replace_rows(
    connection: sqlite3.Connection, table: str, query: str, arguments: Sequence[object] = ()
) -> int:
    """Replace all rows of a table by what `query` selects for its stored columns, in their order.

    Returns:
        How many rows there are now.

    Raises:
        sqlite3.IntegrityError: if the new rows break a constraint of the table.
    """
    name = quote_identifier(table)
    columns = stored_columns(connection, table)
    listed = ", ".join(map(quote_identifier, columns))
    # Without a declared type: the values come back as they were.
    connection.execute(f"CREATE TEMP TABLE {_STAGED.removeprefix('temp.')} ({listed})")
    connection.execute(f"INSERT INTO {_STAGED} {query}", tuple(arguments))  # pyright: ignore
    connection.execute(f"DELETE FROM main.{name}")
    connection.execute(
        f"INSERT INTO main.{name} ({listed}) SELECT {listed} FROM {_STAGED} ORDER BY rowid"
    )
    connection.execute(f"DROP TABLE {_STAGED}")
    return int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])
