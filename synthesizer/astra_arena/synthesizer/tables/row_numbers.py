"""Numbers the rows of tables that have no key, so that their rows can be told apart.

Only where most rows differ: where they do not, "row 17" names nothing that anyone would ask for.
"""

import sqlite3
from collections.abc import Container

from astra_arena.synthesizer.sources.sqlite_tables import describe_table
from astra_arena.synthesizer.sources.table_info import Table, quote_identifier
from astra_arena.synthesizer.tables.row_rewriting import row_identity

COLUMN = "row_number"
FEWEST_DISTINCT = 0.5
"""The share of rows that must differ from all others before them."""


def number_rows(
    connection: sqlite3.Connection, tables: tuple[Table, ...], keyed: Container[str]
) -> tuple[tuple[Table, ...], tuple[str, ...]]:
    """Give a number to each row of tables without a key whose rows mostly differ.

    Returns:
        The tables as they are now, and notices: which were numbered.
    """
    made: list[Table] = []
    notices: list[str] = []
    for table in tables:
        if table.name in keyed or not table.rows or not _worth_it(connection, table):
            made.append(table)
            continue
        column = _free_name(table)
        _number(connection, table.name, column)
        made.append(describe_table(connection, table.name))
        notices.append(
            f"table {table.name!r} has no key: its rows were numbered in a new column {column!r}"
        )
    connection.commit()
    return tuple(made), tuple(notices)


def _worth_it(connection: sqlite3.Connection, table: Table) -> bool:
    name = quote_identifier(table.name)
    query = f"SELECT count(*) FROM (SELECT DISTINCT * FROM {name})"
    distinct: int = connection.execute(query).fetchone()[0]
    # A table without hidden numbers has a declared key that cannot be shown.
    (identity, *_) = row_identity(connection, table.name)
    plain = identity not in {column.name for column in table.columns}
    return plain and distinct > 1 and distinct >= FEWEST_DISTINCT * table.rows


def _free_name(table: Table) -> str:
    taken = {column.name.casefold() for column in table.columns}
    names = (COLUMN, *(f"{COLUMN}_{n}" for n in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _number(connection: sqlite3.Connection, table: str, column: str) -> None:
    name, number = quote_identifier(table), quote_identifier(column)
    (hidden,) = row_identity(connection, table)
    connection.execute(f"ALTER TABLE {name} ADD COLUMN {number} INTEGER")
    connection.execute(
        f"WITH numbered AS (SELECT {hidden} AS hidden, row_number() OVER (ORDER BY {hidden}) AS n "
        f"FROM {name}) UPDATE {name} SET {number} = n FROM numbered "
        f"WHERE {name}.{hidden} = numbered.hidden"
    )
