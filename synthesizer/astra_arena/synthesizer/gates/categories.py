"""Which values are members of an enum, declared or in all but name: they say too little to leak."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import chain

from astra_arena.core.canonical import Json, canonical_bytes
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.seen_values import scalars_in
from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.profile import MOST_CATEGORIES, is_category

_Column = tuple[frozenset[Json], int]
"""Values, and rows that hold one; only columns of few values are kept."""


class Categories:
    """Knows which values belong to an enum.

    Under whatever name a reply holds a value: what groups are called by is no column's name. A
    declared enum counts if it has few members and names all that some column holds: a choice of
    some values among many would tell which of them matter.

    Args:
        bundle: The environment.
    """

    def __init__(self, bundle: Bundle) -> None:
        columns = list(_columns_of_few_values(bundle))
        self._members: set[Json] = set()
        for values, rows in columns:
            if is_category(len(values), rows):
                self._members |= values
        for enum in _declared_enums(bundle):
            if any(enum >= values for values, _ in columns):
                self._members |= enum

    def hold(self, value: Json) -> bool:
        """Tell whether a value is a member of a category."""
        return isinstance(value, str | int) and value in self._members


def familiar_values(bundle: Bundle) -> dict[str, tuple[Json, ...]]:
    """Return the values of each column, by its name, that are so few that everybody knows them.

    Whoever has met such a column in earlier episodes can name all that it holds.
    """
    columns = chain(_named_columns(bundle), _fields_of_few_values(bundle))
    found: dict[str, set[Json]] = {}
    for name, (values, rows) in columns:
        if is_category(len(values), rows):
            found.setdefault(name, set()).update(values)
    return {name: tuple(sorted(found[name], key=canonical_bytes)) for name in sorted(found)}


def _fields_of_few_values(bundle: Bundle) -> Iterator[tuple[str, _Column]]:
    world = bundle.environment.world
    if world.kind == "sqlite":
        return
    held: dict[str, Counter[Json]] = {}
    for name, value in scalars_in(json.loads((bundle.path / world.file).read_bytes())):
        counts = held.setdefault(name, Counter())
        if value in counts or len(counts) <= MOST_CATEGORIES:
            counts[value] += 1
    for name, counts in held.items():
        if 1 < len(counts) <= MOST_CATEGORIES:
            yield name, (frozenset(counts), counts.total())


def _declared_enums(bundle: Bundle) -> Iterator[frozenset[Json]]:
    for tool in bundle.environment.tools:
        for enum in _enums_in(tool.input_schema):
            members = frozenset(one for one in enum if isinstance(one, str | int))
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
    return (column for _, column in _named_columns(bundle))


def _named_columns(bundle: Bundle) -> Iterator[tuple[str, _Column]]:
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
                yield column, (values, rows)


def _values(connection: sqlite3.Connection, table: str, column: str) -> tuple[frozenset[Json], int]:
    spelled, of = quote_identifier(column), quote_identifier(table)
    # Names come from the database itself and are quoted. It stops at the first value too many.
    found = connection.execute(
        f"SELECT DISTINCT {spelled} FROM {of} WHERE {spelled} IS NOT NULL "
        f"LIMIT {MOST_CATEGORIES + 1}"
    ).fetchall()
    (rows,) = connection.execute(f"SELECT count({spelled}) FROM {of}").fetchone()
    return frozenset(value for (value,) in found), int(rows)
