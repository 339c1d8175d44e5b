"""Foreign keys: which columns of a table name a row of another one, declared or found in the data.

Values alone prove little: months are contained in any column of ids. So a reference is taken from
the data only where the names agree, or where the values are texts of more than one letter.
"""

import sqlite3
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.keys import PrimaryKey
from astra_arena.synthesizer.tables.naming import is_identifying, singular_of, words_of
from astra_arena.synthesizer.tables.profile import ColumnProfile, TableProfile

INCLUDED_SHARE = 0.9
"""The share of a column's distinct values that must be keys of the other table."""
SAME_NAME_SHARE = 0.6
"""The same, for text columns that bear the key's own name."""
FEWEST_VALUES = 2

ReferenceEvidence = Literal["declared", "same name", "name of the table", "text values"]
_RANK: dict[ReferenceEvidence, int] = {
    "declared": 0,
    "same name": 1,
    "name of the table": 2,
    "text values": 3,
}
_GENERIC_KEYS = frozenset({"id", "key", "code", "name", "number", "no", "title"})


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of a table that name a row of another one."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    """The key of the target, column by column."""
    evidence: ReferenceEvidence
    share: float
    """Share of the distinct values that are found in the target."""

    def to_json(self) -> JsonObject:
        """Return the reference for a report."""
        return {
            "table": self.table,
            "columns": list[Json](self.columns),
            "target": self.target,
            "target_columns": list[Json](self.target_columns),
            "evidence": self.evidence,
            "share_found": round(self.share, 4),
        }


def find_references(
    connection: sqlite3.Connection,
    profiles: tuple[TableProfile, ...],
    keys: dict[str, PrimaryKey],
) -> tuple[Reference, ...]:
    """Find the references between tables that have keys; at most one for the same columns."""
    keyed = [profile for profile in profiles if profile.name in keys]
    found: list[Reference] = []
    for child in keyed:
        options: list[Reference] = _declared(connection, child, keys)
        for parent in keyed:
            key = keys[parent.name].columns
            if len(key) == 1:
                options += _by_value(connection, child, parent, key[0], keys)
            elif parent.name != child.name:
                options += _by_names(connection, child, parent, key)
        options.sort(key=lambda option: (_RANK[option.evidence], -option.share, option.target))
        taken: set[tuple[str, ...]] = set()
        for option in options:
            if option.columns not in taken:
                taken.add(option.columns)
                found.append(option)
    return tuple(found)


def _declared(
    connection: sqlite3.Connection, child: TableProfile, keys: dict[str, PrimaryKey]
) -> list[Reference]:
    by_number: dict[int, list[tuple[int, str, str, str | None]]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({quote_identifier(child.name)})"):
        by_number.setdefault(row[0], []).append((row[1], row[2], row[3], row[4]))
    shown = {column.name.casefold(): column.name for column in child.columns}
    tables = {name.casefold(): name for name in keys}
    references: list[Reference] = []
    for _, parts in sorted(by_number.items()):
        parts.sort()
        target = tables.get(parts[0][1].casefold())
        columns = tuple(shown.get(part[2].casefold(), "") for part in parts)
        if target is None or not all(columns):
            continue
        key = keys[target].columns
        # Without named columns, the target's key is meant; a reference to other columns is no
        # way to a row by its key.
        named = tuple(part[3] or own for part, own in zip(parts, key, strict=False))
        if tuple(name.casefold() for name in named) != tuple(name.casefold() for name in key):
            continue
        share = _share(connection, child.name, columns, target, key)
        # Where letters match in another case only, tools that compare them exactly find less than
        # the reference promises.
        if share == _share(connection, child.name, columns, target, key, collate=""):
            references.append(Reference(child.name, columns, target, key, "declared", share))
    return references


def _by_value(
    connection: sqlite3.Connection,
    child: TableProfile,
    parent: TableProfile,
    key: str,
    keys: dict[str, PrimaryKey],
) -> list[Reference]:
    target = parent.column(key)
    references: list[Reference] = []
    for column in child.columns:
        if (child.name, column.name) == (parent.name, key):
            continue
        evidence = _evidence(column, child, parent, target)
        # A key of its own that has another's values is that other table seen from the side.
        if evidence is None or (
            evidence == "text values" and (column.name,) == keys[child.name].columns
        ):
            continue
        share = _share(connection, child.name, (column.name,), parent.name, (key,))
        same_text = evidence == "same name" and column.logical_type == "text"
        if share >= (SAME_NAME_SHARE if same_text else INCLUDED_SHARE):
            references.append(
                Reference(child.name, (column.name,), parent.name, (key,), evidence, share)
            )
    return references


def _evidence(
    column: ColumnProfile, child: TableProfile, parent: TableProfile, key: ColumnProfile
) -> ReferenceEvidence | None:
    """Return why values of `column` may be meant as keys of `parent`; `None` if nothing says so."""
    if not _same_kind(column, key) or column.distinct < FEWEST_VALUES:
        return None
    name, key_name = words_of(column.name), words_of(key.name)
    if name == key_name and not _GENERIC_KEYS.issuperset(key_name) and child.name != parent.name:
        return "same name"
    noun = singular_of(parent.name).split(" ")
    if name[-len(noun) :] == noun or _ends_with(name, [*noun, *key_name]):
        return "name of the table"
    if is_identifying(column.name) and _ends_with(name[:-1], noun) and is_identifying(key.name):
        return "name of the table"
    texts = column.logical_type == "text" and column.longest >= 2 and key.longest >= 2
    return "text values" if texts and child.name != parent.name else None


def _same_kind(column: ColumnProfile, key: ColumnProfile) -> bool:
    kinds = {column.logical_type, key.logical_type}
    return len(kinds) == 1 and kinds <= {"integer", "text"}


def _ends_with(words: list[str], ending: list[str]) -> bool:
    return bool(ending) and words[-len(ending) :] == ending


def _by_names(
    connection: sqlite3.Connection,
    child: TableProfile,
    parent: TableProfile,
    key: tuple[str, ...],
) -> list[Reference]:
    """Find a reference to a key of several columns; both tables must give them the same names."""
    by_words = {" ".join(words_of(column.name)): column for column in child.columns}
    columns = [by_words.get(" ".join(words_of(name))) for name in key]
    chosen = [column for column in columns if column is not None]
    if len(chosen) < len(key):
        return []
    if any(
        column.logical_type != parent.column(name).logical_type
        for column, name in zip(chosen, key, strict=True)
    ):
        return []
    names = tuple(column.name for column in chosen)
    share = _share(connection, child.name, names, parent.name, key)
    if share < INCLUDED_SHARE:
        return []
    return [Reference(child.name, names, parent.name, key, "same name", share)]


def _share(
    connection: sqlite3.Connection,
    child: str,
    columns: tuple[str, ...],
    parent: str,
    key: tuple[str, ...],
    *,
    collate: str = " COLLATE BINARY",
) -> float:
    listed = ", ".join(f"{quote_identifier(n)}{collate} AS {quote_identifier(n)}" for n in columns)
    filled = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in columns)
    matched = " AND ".join(
        f"p.{quote_identifier(name)}{collate} = c.{quote_identifier(column)}"
        for column, name in zip(columns, key, strict=True)
    )
    query = f"""
        SELECT avg(EXISTS (SELECT 1 FROM {quote_identifier(parent)} AS p WHERE {matched}))
        FROM (SELECT DISTINCT {listed} FROM {quote_identifier(child)} WHERE {filled}) AS c
    """
    share: float | None = connection.execute(query).fetchone()[0]
    return share or 0.0


def linked_columns(references: tuple[Reference, ...]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the groups of (table, column) whose values name the same things.

    A column belongs together with the key that it refers to, and with all that refer to that key.
    Parts of references to keys of several columns belong together with the parts of that key.
    """
    groups: list[set[tuple[str, str]]] = []
    for reference in references:
        for column, key in zip(reference.columns, reference.target_columns, strict=True):
            groups.append({(reference.table, column), (reference.target, key)})
    merged = True
    while merged:
        merged = False
        for left, right in combinations(groups, 2):
            if left & right:
                left |= right
                groups.remove(right)
                merged = True
                break
    return tuple(tuple(sorted(group)) for group in groups)
