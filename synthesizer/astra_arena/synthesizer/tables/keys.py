"""Primary keys: the columns that name one row of a table, declared or found in the data."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from math import prod
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.naming import is_identifying, singular_of, words_of
from astra_arena.synthesizer.tables.profile import ColumnProfile, TableProfile

MOST_KEY_COLUMNS = 4
MOST_CANDIDATES = 14
"""How many columns of a table may be combined; the best by name and type are tried."""
MOST_COMBINATIONS = 40
"""How many combinations of one size that pass on the sample are tested on all rows."""
SAMPLE_ROWS = 5_000
LONGEST_KEY_TEXT = 64

KeyEvidence = Literal["declared", "unique column", "unique combination"]


@dataclass(frozen=True, slots=True)
class PrimaryKey:
    """The key of a table and how it is known to be one."""

    table: str
    columns: tuple[str, ...]
    evidence: KeyEvidence

    def to_json(self) -> JsonObject:
        """Return the key for a report."""
        return {"columns": list[Json](self.columns), "evidence": self.evidence}


def find_keys(
    connection: sqlite3.Connection, profiles: tuple[TableProfile, ...]
) -> tuple[dict[str, PrimaryKey], tuple[str, ...]]:
    """Find the key of each table.

    Returns:
        Keys by table, and notices: which tables are left out for want of one.
    """
    shared = _shared_names(profiles)
    keys: dict[str, PrimaryKey] = {}
    notices: list[str] = []
    for profile in profiles:
        key = _find_key(connection, profile, shared)
        if key is None:
            notices.append(
                f"table {profile.name!r} is left out: no column and no combination of up to "
                f"{MOST_KEY_COLUMNS} columns without NULL has a value of its own in every row"
            )
        else:
            keys[profile.name] = key
    return keys, tuple(notices)


def require_keys(profiles: tuple[TableProfile, ...], keys: Mapping[str, PrimaryKey]) -> None:
    """Refuse tables of which none has a key.

    Raises:
        SourceError: naming the tables and what a key is.
    """
    if not keys:
        names = ", ".join(repr(profile.name) for profile in profiles)
        raise SourceError(
            "expected at least one table whose rows can be told apart: a declared primary key, or "
            f"1 to {MOST_KEY_COLUMNS} columns without NULL whose values no two rows share; found "
            f"none in {names}. Remove doubled rows, or add a column with a number for each row"
        )


def _shared_names(profiles: tuple[TableProfile, ...]) -> set[str]:
    """Names that columns of several tables have: those are how tables refer to each other."""
    seen: set[str] = set()
    shared: set[str] = set()
    for profile in profiles:
        names = {column.name.casefold() for column in profile.columns}
        shared |= seen & names
        seen |= names
    return shared


def _find_key(
    connection: sqlite3.Connection, profile: TableProfile, shared: set[str]
) -> PrimaryKey | None:
    shown = {column.name for column in profile.columns}
    declared = _declared_key(connection, profile.name)
    if declared and shown.issuperset(declared) and _all_rows_differ(connection, profile, declared):
        return PrimaryKey(profile.name, declared, "declared")
    candidates = sorted(
        (column for column in profile.columns if _may_be_key(column)),
        key=lambda column: -_merit(column, profile, shared),
    )
    for column in candidates:
        if column.is_unique:
            return PrimaryKey(profile.name, (column.name,), "unique column")
    found = _find_combination(connection, profile, candidates[:MOST_CANDIDATES])
    return None if found is None else PrimaryKey(profile.name, found, "unique combination")


def _declared_key(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    info = connection.execute(f"PRAGMA table_info({quote_identifier(table)})")
    numbered: list[tuple[int, str]] = [(row[5], row[1]) for row in info if row[5]]
    return tuple(name for _, name in sorted(numbered))


def _may_be_key(column: ColumnProfile) -> bool:
    return (
        column.nulls == 0
        and column.logical_type in ("integer", "text", "date", "datetime")
        and column.longest <= LONGEST_KEY_TEXT
        and (column.distinct > 1 or column.rows == 1)
    )


def _merit(column: ColumnProfile, profile: TableProfile, shared: set[str]) -> float:
    """How much a column looks like (a part of) a key, by its name and type."""
    merit = 0.0
    noun = singular_of(profile.name)
    if is_identifying(column.name):
        merit += 3.0
    if words_of(column.name) == ["id"] or " ".join(words_of(column.name)) == noun:
        merit += 2.0
    if column.name.casefold() in shared:
        merit += 2.0
    if column.logical_type == "text" and column.longest <= 16:
        merit += 1.5
    elif column.is_temporal:
        merit += 1.0
    # Among equals the earlier column: tables are usually written with their key first.
    position = [other.name for other in profile.columns].index(column.name)
    return merit - position / 1000


def _find_combination(
    connection: sqlite3.Connection, profile: TableProfile, candidates: list[ColumnProfile]
) -> tuple[str, ...] | None:
    """Return the best of the smallest unique combinations, in the table's order of columns."""
    order = [column.name for column in profile.columns]
    ranked = [column.name for column in candidates]
    sample = _sample(connection, profile, ranked)
    for size in range(2, min(MOST_KEY_COLUMNS, len(candidates)) + 1):
        # The sum of ranks: the combination whose columns all look like parts of a key comes first.
        places = sorted(combinations(range(len(candidates)), size), key=lambda c: (sum(c), c))
        passing = (c for c in places if _differ_in_sample(profile, candidates, sample, c))
        for combination in islice(passing, MOST_COMBINATIONS):
            names = tuple(sorted((ranked[place] for place in combination), key=order.index))
            if _all_rows_differ(connection, profile, names):
                return names
    return None


def _sample(
    connection: sqlite3.Connection, profile: TableProfile, names: list[str]
) -> list[tuple[object, ...]]:
    # Neighbouring rows are alike more often than distant ones, so the first rows refute best.
    if not names:
        return []
    query = f"SELECT {_listed(names)} FROM {quote_identifier(profile.name)} LIMIT {SAMPLE_ROWS}"
    return connection.execute(query).fetchall()


def _differ_in_sample(
    profile: TableProfile,
    candidates: list[ColumnProfile],
    sample: list[tuple[object, ...]],
    places: tuple[int, ...],
) -> bool:
    if prod(candidates[place].distinct for place in places) < profile.rows:
        return False
    return len({tuple(row[place] for place in places) for row in sample}) == len(sample)


def _all_rows_differ(
    connection: sqlite3.Connection, profile: TableProfile, names: tuple[str, ...]
) -> bool:
    missing = " OR ".join(f"{quote_identifier(name)} IS NULL" for name in names)
    table, listed = quote_identifier(profile.name), _listed(names)
    query = f"""
        SELECT (SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {table})) = ?
            AND NOT EXISTS (SELECT 1 FROM {table} WHERE {missing})
    """
    return bool(connection.execute(query, (profile.rows,)).fetchone()[0])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(quote_identifier(name) for name in names)
