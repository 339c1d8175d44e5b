"""What a world holds, read from its file: first rows of tables, or scalars of a JSON world."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from astra_arena.core.canonical import Json
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.sources.table_info import quote_identifier

MOST_ROWS = 32
"""Rows that are read of each table, and items of each list."""


def stored_values(bundle: Bundle) -> Iterator[tuple[str, Json]]:
    """Give columns or field names with values that stand in them."""
    world = bundle.environment.world
    path = bundle.path / world.file
    if world.kind == "json":
        yield from _scalars("", json.loads(path.read_bytes()))
    if world.kind == "sqlite":
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            yield from _cells(connection)


def _cells(connection: sqlite3.Connection) -> Iterator[tuple[str, Json]]:
    query = (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\' ORDER BY name"
    )
    for (table,) in connection.execute(query).fetchall():
        # The name comes from the database itself.
        rows = connection.execute(f"SELECT * FROM {quote_identifier(table)} LIMIT {MOST_ROWS}")
        names = [column[0] for column in rows.description]
        for row in rows:
            for name, value in zip(names, row, strict=True):
                if isinstance(value, str | int | float):
                    yield name, value


def _scalars(name: str, value: Json) -> Iterator[tuple[str, Json]]:
    match value:
        case dict():
            for field, inner in list(value.items())[:MOST_ROWS]:
                # Records are often kept by their key.
                if isinstance(inner, dict):
                    # Records that are kept by their key.
                    yield name, field
                yield from _scalars(field, inner)
        case list():
            for inner in value[:MOST_ROWS]:
                yield from _scalars(name, inner)
        case None:
            return
        case _:
            yield name, value
