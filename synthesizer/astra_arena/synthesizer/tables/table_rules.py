"""What a table's declaration and values ask of rows that tools write to it.

The sandbox holds declared keys and checks, too; here is what tools must know beforehand.
"""

import re
import sqlite3
from dataclasses import dataclass, field

from astra_arena.core.canonical import Json
from astra_arena.synthesizer.sources.table_info import Table, quote_identifier
from astra_arena.synthesizer.tables.profile import ColumnProfile, TableProfile

MOST_LISTED_VALUES = 12
LONGEST_LISTED_VALUE = 40
CENTS = 2
"""Digits after the point of money."""


@dataclass(frozen=True, slots=True)
class TableRules:
    """Facts about one table."""

    takes_rows: bool = True
    """Whether a row can be added with the columns that tools show."""
    computed: frozenset[str] = frozenset()
    """Columns whose values the database computes."""
    declared_references: tuple[tuple[str, ...], ...] = ()
    """Columns of declared foreign keys."""
    referred_to: bool = False
    """Whether a declared foreign key of any table names this one."""
    values: dict[str, tuple[Json, ...]] = field(default_factory=dict[str, tuple[Json, ...]])
    """All values of text columns that hold few different ones, sorted."""
    in_cents: frozenset[str] = frozenset()
    """Columns of fractions of which none has more than two digits after the point."""
    numbered_keys: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    """Text columns whose values all are one prefix and as many digits: both of them."""


def read_rules(
    connection: sqlite3.Connection, tables: tuple[Table, ...], profiles: tuple[TableProfile, ...]
) -> dict[str, TableRules]:
    """Read the rules of every profiled table."""
    referred_to = {
        row[2].casefold()
        for table in tables
        for row in connection.execute(f"PRAGMA foreign_key_list({quote_identifier(table.name)})")
    }
    return {
        profile.name: _rules(connection, profile, profile.name.casefold() in referred_to)
        for profile in profiles
    }


def _rules(connection: sqlite3.Connection, profile: TableProfile, referred_to: bool) -> TableRules:
    shown = {column.name for column in profile.columns}
    computed: set[str] = set()
    takes_rows = True
    for row in connection.execute(f"PRAGMA table_xinfo({quote_identifier(profile.name)})"):
        name, required, default, hidden = row[1], row[3], row[4], row[6]
        if hidden:
            computed.add(name)
        elif required and default is None and name not in shown:
            takes_rows = False
    return TableRules(
        takes_rows=takes_rows,
        computed=frozenset(computed),
        declared_references=_declared(connection, profile.name),
        referred_to=referred_to,
        values={
            column.name: _values(connection, profile.name, column.name)
            for column in profile.columns
            if column.logical_type == "text"
            and 0 < column.distinct <= MOST_LISTED_VALUES
            and column.longest <= LONGEST_LISTED_VALUE
        },
        in_cents=frozenset(
            column.name
            for column in profile.columns
            if column.logical_type == "real" and _in_cents(connection, profile.name, column.name)
        ),
        numbered_keys={
            column.name: pattern
            for column in profile.columns
            if (pattern := _numbered(connection, profile.name, column)) is not None
        },
    )


def _declared(connection: sqlite3.Connection, table: str) -> tuple[tuple[str, ...], ...]:
    keys: dict[int, list[str]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({quote_identifier(table)})"):
        keys.setdefault(row[0], []).append(row[3])
    return tuple(tuple(columns) for _, columns in sorted(keys.items()))


def _values(connection: sqlite3.Connection, table: str, column: str) -> tuple[Json, ...]:
    name = quote_identifier(column)
    query = f"SELECT DISTINCT {name} FROM {quote_identifier(table)} WHERE {name} IS NOT NULL"
    return tuple(sorted((row[0] for row in connection.execute(query)), key=str))


def _in_cents(connection: sqlite3.Connection, table: str, column: str) -> bool:
    name = quote_identifier(column)
    query = f"""
        SELECT NOT EXISTS (
            SELECT 1 FROM {quote_identifier(table)} WHERE round({name}, {CENTS}) <> {name})
    """
    return bool(connection.execute(query).fetchone()[0])


def _numbered(
    connection: sqlite3.Connection, table: str, column: ColumnProfile
) -> tuple[str, int] | None:
    if column.logical_type != "text" or not column.is_unique:
        return None
    first = re.fullmatch(r"([A-Za-z]+[-_/.]?)([0-9]{1,9})", str(column.minimum))
    if first is None:
        return None
    prefix, digits = first[1], len(first[2])
    pattern = prefix + "[0-9]" * digits
    name = quote_identifier(column.name)
    query = f"""
        SELECT NOT EXISTS (
            SELECT 1 FROM {quote_identifier(table)} WHERE {name} NOT GLOB ?)
    """
    return (prefix, digits) if connection.execute(query, (pattern,)).fetchone()[0] else None
