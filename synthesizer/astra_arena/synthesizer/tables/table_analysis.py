"""Analyses the tables of a source: profiles, keys, references, and the catalogue made of them.

Also gives the world the indexes that its tools need.
"""

import sqlite3
from dataclasses import dataclass

from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.sources.table_info import Table, quote_identifier
from astra_arena.synthesizer.tables.catalogue import Catalogue, build_catalogue
from astra_arena.synthesizer.tables.descriptions import Descriptions
from astra_arena.synthesizer.tables.keys import PrimaryKey, find_keys, require_keys
from astra_arena.synthesizer.tables.profile import TableProfile, profile_tables
from astra_arena.synthesizer.tables.references import Reference, find_references
from astra_arena.synthesizer.tables.row_numbers import number_rows
from astra_arena.synthesizer.tables.table_rules import read_rules

CACHE_KIB = 1 << 18


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a source."""

    profiles: tuple[TableProfile, ...]
    keys: dict[str, PrimaryKey]
    references: tuple[Reference, ...]
    catalogue: Catalogue
    notices: tuple[str, ...]
    """What was left out, for the user."""

    def to_json(self) -> JsonObject:
        """Return keys and references with their evidence."""
        return {
            "keys": {name: key.to_json() for name, key in sorted(self.keys.items())},
            "references": [reference.to_json() for reference in self.references],
        }

    def profiles_json(self) -> JsonObject:
        """Return the profiles by table and column."""
        return {
            profile.name: {
                "rows": profile.rows,
                "columns": {column.name: column.to_json() for column in profile.columns},
            }
            for profile in self.profiles
        }


@dataclass(frozen=True, slots=True)
class Structure:
    """How the rows of tables are told apart and refer to each other."""

    profiles: tuple[TableProfile, ...]
    keys: dict[str, PrimaryKey]
    references: tuple[Reference, ...]
    notices: tuple[str, ...]


def analyse(
    connection: sqlite3.Connection, tables: tuple[Table, ...], descriptions: Descriptions
) -> Analysis:
    """Analyse tables and index their keys and references.

    A table whose rows cannot be told apart gets a column with a number for each row.

    Raises:
        SourceError: if no table has a usable key.
    """
    structure = find_structure(connection, tables)
    numbered, notices = number_rows(connection, tables, structure.keys)
    if notices:
        structure = find_structure(connection, numbered)
    require_keys(structure.profiles, structure.keys)
    rules = read_rules(connection, numbered, structure.profiles)
    catalogue = build_catalogue(
        structure.profiles, structure.keys, structure.references, descriptions, rules
    )
    return Analysis(
        structure.profiles,
        structure.keys,
        structure.references,
        catalogue,
        (*notices, *structure.notices),
    )


def find_structure(connection: sqlite3.Connection, tables: tuple[Table, ...]) -> Structure:
    """Profile tables, find their keys and references, and index these."""
    # The scratch database is read many times over; SQLite's own cache is 2 MB.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    # A table without rows would get tools that never find anything.
    filled = tuple(table for table in tables if table.rows)
    profiles, unusable = profile_tables(connection, filled)
    keys, keyless = find_keys(connection, profiles)
    for key in keys.values():
        if key.evidence != "declared":
            index_columns(connection, key.table, key.columns, unique=True)
    references = find_references(connection, profiles, keys)
    for reference in references:
        if not _is_covered(reference, references, keys):
            index_columns(connection, reference.table, reference.columns, unique=False)
    connection.commit()
    return Structure(profiles, keys, references, (*unusable, *keyless))


def _is_covered(
    reference: Reference, references: tuple[Reference, ...], keys: dict[str, PrimaryKey]
) -> bool:
    """Tell whether an index on more columns begins with those of the reference."""
    wider = [keys[reference.table].columns]
    wider += [other.columns for other in references if other.table == reference.table]
    columns = reference.columns
    return any(
        len(other) > len(columns) and other[: len(columns)] == columns for other in wider
    ) or (columns == keys[reference.table].columns)


def index_columns(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...], *, unique: bool
) -> None:
    """Give a table of the world an index on these columns; a second time it does nothing."""
    name = quote_identifier("by_" + "_".join((table, *columns)))
    listed = ", ".join(quote_identifier(column) for column in columns)
    kind = "UNIQUE INDEX" if unique else "INDEX"
    connection.execute(
        f"CREATE {kind} IF NOT EXISTS {name} ON {quote_identifier(table)} ({listed})"
    )
