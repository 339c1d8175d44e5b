"""Which values are members of an enum, declared or in all but name: they say too little to leak."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from astra_arena.core.canonical import Json
from astra_arena.servers.bundle import Bundle
from astra_arena.synthesizer.tables.profile import MOST_CATEGORIES, is_category

_Column = tuple[str, frozenset[Json], int]
"""Name, values and rows that hold one; only columns of few values are kept."""


class Categories:
    """Knows which values belong to an enum.

    A declared one counts if it has few members and names all that some column holds: a choice of
    some values among many would tell which of them matter.

    Args:
        bundle: The environment.
    """

    def __init__(self, bundle: Bundle) -> None:
        columns = list(_columns_of_few_values(bundle))
        self._by_field: dict[str, set[Json]] = {}
        for name, values, rows in columns:
            if is_category(len(values), rows):
                self._by_field.setdefault(name, set()).update(values)
        self._declared: set[Json] = set()
        for enum in _declared_enums(bundle):
            if any(enum >= values for _, values, _ in columns):
                self._declared |= enum

    def hold(self, field: str, value: Json) -> bool:
        """Tell whether a value that replies hold as `field` is a member of a category."""
        if not isinstance(value, str):
            return False
        return value in self._by_field.get(field, ()) or value in self._declared


def _declared_enums(bundle: Bundle) -> Iterator[frozenset[Json]]:
    for tool in bundle.environment.tools:
        for enum in _enums_in(tool.input_schema):
            members = frozenset(one for one in enum if isinstance(one, str))
            if 1 < len(members) <= MOST_CATEGORIES:
                yield members


def _enums_in(schema: Json) -> Iterator[list[Json]]:
    match schema:
        case dict():
            for key, inner in schema.items():
                if key == "enum" and isinstance(inner, list):
                    yield inner
                else:
                    yield from _enums_in(inner)
        case list():
            for inner in schema:
                yield from _enums_in(inner)
        case _:
            return


def _columns_of_few_values(bundle: Bundle) -> Iterator[_Column]:
    world = bundle.environment.world
    if world.kind != "sqlite":
        return
    address = f"{(bundle.path / world.file).resolve().as_uri()}?mode=ro&immutable=1"
    query = (
        "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c "
        "WHERE m.type = 'table' ORDER BY 1, 2"
    )
    with closing(sqlite3.connect(address, uri=True)) as connection:
        for table, column in connection.execute(query).fetchall():
            values, rows = _values(connection, table, column)
            if 1 < len(values) <= MOST_CATEGORIES:
                yield column, values, rows


def _values(connection: sqlite3.Connection, table: str, column: str) -> tuple[frozenset[Json], int]:
    spelled, of = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (column, table))
    # Names come from the database itself and are quoted. It stops at the first value too many.
    found = connection.execute(
        f"SELECT DISTINCT {spelled} FROM {of} WHERE {spelled} IS NOT NULL "
        f"LIMIT {MOST_CATEGORIES + 1}"
    ).fetchall()
    (rows,) = connection.execute(f"SELECT count({spelled}) FROM {of}").fetchone()
    return frozenset(value for (value,) in found), int(rows)
