"""Masks columns of a world, and with them every column that refers to the same things."""

import sqlite3
from collections.abc import Iterable, Sequence

from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.sources.selection import matches, require_matches
from astra_arena.synthesizer.sources.table_info import Column, Table, quote_identifier
from astra_arena.synthesizer.tables.masking import Pseudonyms, SqlValue
from astra_arena.synthesizer.tables.references import Reference, linked_columns
from astra_arena.synthesizer.tables.row_rewriting import replace_rows, stored_columns

_MASKABLE = frozenset({"text", "integer", "real", "date", "datetime", "mixed"})

Place = tuple[str, str]
"""A table and a column of it."""


def masked_columns(
    tables: Sequence[Table], references: tuple[Reference, ...], patterns: Sequence[str]
) -> tuple[tuple[Place, ...], ...]:
    """Return what the patterns fit, in groups of columns that name the same things.

    Raises:
        SettingsError: if a pattern fits nothing, or a column whose values cannot be masked.
    """
    columns = {(t.name, c.name): c for t in tables for c in t.columns}
    named = {f"{table}.{column}": (table, column) for table, column in columns}
    fitting = {pattern: {n for n in named if matches(pattern, n)} for pattern in patterns}
    used = {pattern for pattern, found in fitting.items() if found}
    require_matches("--mask", "column (TABLE.COLUMN)", patterns, used, sorted(named))
    chosen = {named[name] for found in fitting.values() for name in found}
    groups = [set(group) for group in linked_columns(references)]
    spread: list[set[Place]] = []
    for place in sorted(chosen):
        group = next((group for group in groups if place in group), {place})
        if group not in spread:
            spread.append(group)
    for group in spread:
        for table, column in group:
            _require_maskable(table, columns[table, column])
    return tuple(tuple(sorted(group)) for group in spread)


def _require_maskable(table: str, column: Column) -> None:
    if column.logical_type not in _MASKABLE:
        raise SettingsError(
            f"--mask {f'{table}.{column.name}'!r}: values of the type {column.logical_type} cannot "
            f"be masked. Leave the column out: --exclude {f'{table}.{column.name}'!r}"
        )


def mask_columns(
    connection: sqlite3.Connection,
    tables: Sequence[Table],
    groups: Sequence[Sequence[Place]],
    key: bytes,
) -> None:
    """Replace the values of these columns by pseudonyms.

    Raises:
        SettingsError: if a column is computed from others, or a declared rule forbids pseudonyms.
    """
    pseudonyms = Pseudonyms(key)
    types = {(t.name, c.name): c.logical_type for t in tables for c in t.columns}
    mapped: dict[Place, str] = {}
    for number, group in enumerate(groups):
        # A reference from dates to texts would shift the one and rename the other.
        kinds = {types[place] for place in group}
        kind = next(iter(kinds)) if len(kinds) == 1 else "text"
        mapping = pseudonyms.of(_values(connection, group), kind)
        name = f'temp."pseudonyms {number}"'
        _store(connection, name, mapping.items())
        mapped |= dict.fromkeys(group, name)
    for table in sorted({table for table, _ in mapped}):
        _rewrite(connection, table, {c: name for (t, c), name in mapped.items() if t == table})
    for name in sorted(set(mapped.values())):
        connection.execute(f"DROP TABLE {name}")
    connection.commit()


def _values(connection: sqlite3.Connection, group: Iterable[Place]) -> set[SqlValue]:
    found: set[SqlValue] = set()
    for table, column in group:
        name = quote_identifier(column)
        query = f"SELECT DISTINCT {name} FROM {quote_identifier(table)} WHERE {name} NOT NULL"
        found |= {value for (value,) in connection.execute(query)}
    return found


def _store(
    connection: sqlite3.Connection, name: str, pairs: Iterable[tuple[SqlValue, SqlValue]]
) -> None:
    plain = name.removeprefix("temp.")
    connection.execute(f"CREATE TEMP TABLE {plain} (old PRIMARY KEY, new) WITHOUT ROWID")
    connection.executemany(f"INSERT OR IGNORE INTO {name} VALUES (?, ?)", pairs)


def _rewrite(connection: sqlite3.Connection, table: str, mappings: dict[str, str]) -> None:
    stored = stored_columns(connection, table)
    computed = sorted(set(mappings) - set(stored))
    if computed:
        raise SettingsError(
            f"--mask {f'{table}.{computed[0]}'!r}: the column is computed from others. Mask those, "
            "or leave it out with --exclude"
        )
    selected = ", ".join(
        f"(SELECT new FROM {mappings[column]} WHERE old = t.{quote_identifier(column)})"
        if column in mappings
        else f"t.{quote_identifier(column)}"
        for column in stored
    )
    try:
        # In the order of the pseudonyms: the old order could tell what was first or largest.
        replace_rows(
            connection,
            table,
            f"SELECT {selected} FROM main.{quote_identifier(table)} AS t "
            f"ORDER BY {', '.join(str(1 + stored.index(column)) for column in sorted(mappings))}",
        )
    except sqlite3.IntegrityError as error:
        names = ", ".join(f"{table}.{column}" for column in sorted(mappings))
        raise SettingsError(
            f"--mask {names}: the database forbids other values there ({error}). Leave the column "
            "out with --exclude"
        ) from error
