"""Cuts large tables down to a number of rows, so that what stays still refers to what stays.

Which rows stay follows from the seed and their keys, not from their order. A row that a kept row
refers to is kept; the rows of a large table that belong to rows of another large one (the items of
orders) are kept with these, so that families stay whole.
"""

import hashlib
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from astra_arena.synthesizer.sources.table_info import Table, quote_identifier
from astra_arena.synthesizer.tables.row_rewriting import (
    replace_rows,
    row_identity,
    stored_columns,
)


@dataclass(frozen=True, slots=True)
class Link:
    """Columns of a table whose values name rows of another one."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """How many rows of a table there were and how many are left."""

    table: str
    rows: int
    kept: int


def sample_rows(
    connection: sqlite3.Connection,
    tables: Sequence[Table],
    keys: Mapping[str, tuple[str, ...]],
    links: Sequence[Link],
    *,
    max_rows: int,
    seed: int,
) -> tuple[Cut, ...]:
    """Cut every table of more than `max_rows` rows.

    Args:
        keys: Columns that name a row, by table; a table without any is drawn by row number.
        max_rows: How many rows a table keeps, besides those that kept rows refer to.

    Returns:
        The tables that were cut.
    """
    large = {table.name: table.rows for table in tables if table.rows > max_rows}
    if not large:
        return ()
    sampler = _Sampler(connection, large, dict(keys), links, max_rows, seed)
    sampler.choose()
    return tuple(
        Cut(table.name, table.rows, sampler.keep_only(table.name))
        for table in tables
        if table.name in large
    )


class _Sampler:
    """The rows chosen so far, in one temporary table for each large table."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        large: dict[str, int],
        keys: dict[str, tuple[str, ...]],
        links: Sequence[Link],
        max_rows: int,
        seed: int,
    ) -> None:
        self._connection = connection
        self._large = large
        self._max_rows = max_rows
        self._links = [link for link in links if link.target in large]
        self._identity = {name: row_identity(connection, name) for name in large}
        self._keys = {name: keys.get(name) or self._identity[name] for name in large}
        self._chosen = {name: f'temp."chosen {n}"' for n, name in enumerate(large)}
        self._leads = {name: lead for name in large if (lead := self._lead(name))}
        connection.create_function("arena_rank", -1, _Rank(seed), deterministic=True)

    def choose(self) -> None:
        """Choose the rows of all large tables."""
        for name, chosen in self._chosen.items():
            listed = _listed(self._identity[name])
            self._run(
                f"CREATE TEMP TABLE {chosen.removeprefix('temp.')} ({listed}, "
                f"PRIMARY KEY ({listed})) WITHOUT ROWID"
            )
        shares = self._shares()
        leading = {lead.target for lead in self._leads.values()}
        by_size = sorted(self._large, key=self._size)
        for name in by_size:
            if name in self._leads:
                self._follow(self._leads[name], shares[name])
            elif name in leading:
                self._close(name, among=set(self._large))
                self._fill(name, math.ceil(shares[name] * self._large[name]))
        for name in by_size:
            if name not in self._leads and name not in leading:
                self._close(name, among=set())
                self._fill(name, self._max_rows)
        # What was chosen last may refer to what was not chosen before.
        while True in {self._close(name, among=set()) for name in by_size}:
            pass

    def keep_only(self, name: str) -> int:
        """Remove the rows of a table that were not chosen; returns how many are left."""
        identity = self._identity[name]
        columns = _listed(stored_columns(self._connection, name), "t.")
        query = (
            f"SELECT {columns} FROM main.{quote_identifier(name)} AS t "
            f"JOIN {self._chosen[name]} AS k ON {_equal('t', identity, 'k', identity)} "
            f"ORDER BY {_listed(identity, 't.')}"
        )
        kept = replace_rows(self._connection, name, query)
        self._run(f"DROP TABLE {self._chosen[name]}")
        return kept

    def _size(self, name: str) -> tuple[int, str]:
        return self._large[name], name

    def _lead(self, name: str) -> Link | None:
        """Return the link along which a table is sampled: to the largest of the smaller tables."""
        options = [
            link
            for link in self._links
            if link.table == name and self._size(link.target) < self._size(name)
        ]
        return max(options, key=lambda link: (self._size(link.target), link.columns), default=None)

    def _shares(self) -> dict[str, float]:
        """Return which share of each table is kept: no more than of those that follow it."""
        shares: dict[str, float] = {}
        for name in sorted(self._large, key=self._size, reverse=True):
            following = [
                shares[child] for child, lead in self._leads.items() if lead.target == name
            ]
            shares[name] = min([self._max_rows / self._large[name], *following])
        return shares

    def _follow(self, lead: Link, share: float) -> None:
        """Choose the rows that belong to chosen rows of another table, family by family."""
        name, target = lead.table, lead.target
        table, chosen = quote_identifier(name), self._chosen[name]
        own, other = self._identity[name], self._identity[target]
        matched = _equal("c", lead.columns, "p", lead.target_columns)
        # Rows that belong to none are drawn by themselves.
        single = (
            f"FROM main.{table} AS c WHERE NOT EXISTS (SELECT 1 FROM "
            f"main.{quote_identifier(target)} AS p WHERE {matched})"
        )
        alone = int(self._connection.execute(f"SELECT count(*) {single}").fetchone()[0])
        alone = math.ceil(share * alone)
        self._run(
            f"INSERT OR IGNORE INTO {chosen} SELECT {_listed(own, 'c.')} {single} "
            f"ORDER BY {self._rank(name, 'c')} LIMIT {alone}"
        )
        self._run(
            f"INSERT OR IGNORE INTO {chosen} SELECT {_listed(own, 'c.')} "
            f"FROM {self._chosen[target]} AS k "
            f"JOIN main.{quote_identifier(target)} AS p ON {_equal('p', other, 'k', other)} "
            f"JOIN main.{table} AS c ON {matched} "
            f"ORDER BY {self._rank(target, 'p')}, {self._rank(name, 'c')} "
            f"LIMIT {max(0, self._max_rows - alone)}"
        )

    def _close(self, name: str, *, among: set[str]) -> bool:
        """Choose what rows that stay refer to; tells whether any was new.

        Args:
            among: Tables whose rows do not count yet.
        """
        before = self._connection.total_changes
        identity = _listed(self._identity[name], "p.")
        for link in self._links:
            if link.target != name or link.table in among:
                continue
            kept = ""
            if link.table in self._large:
                own = self._identity[link.table]
                kept = f"JOIN {self._chosen[link.table]} AS k ON {_equal('c', own, 'k', own)} "
            self._run(
                f"INSERT OR IGNORE INTO {self._chosen[name]} SELECT DISTINCT {identity} "
                f"FROM main.{quote_identifier(link.table)} AS c {kept}"
                f"JOIN main.{quote_identifier(name)} AS p "
                f"ON {_equal('c', link.columns, 'p', link.target_columns)}"
            )
        return self._connection.total_changes != before

    def _fill(self, name: str, count: int) -> None:
        """Choose rows by rank until there are `count`."""
        chosen, identity = self._chosen[name], self._identity[name]
        there = int(self._connection.execute(f"SELECT count(*) FROM {chosen}").fetchone()[0])
        self._run(
            f"INSERT INTO {chosen} SELECT {_listed(identity, 't.')} "
            f"FROM main.{quote_identifier(name)} AS t WHERE NOT EXISTS (SELECT 1 FROM {chosen} "
            f"AS k WHERE {_equal('t', identity, 'k', identity)}) "
            f"ORDER BY {self._rank(name, 't')} LIMIT {max(0, count - there)}"
        )

    def _rank(self, name: str, alias: str) -> str:
        text = "'" + name.replace("'", "''") + "'"
        identity = _listed(self._identity[name], f"{alias}.")
        return f"arena_rank({text}, {_listed(self._keys[name], f'{alias}.')}), {identity}"

    def _run(self, statement: str) -> None:
        self._connection.execute(statement)


class _Rank:
    """Gives each row a place that follows from the seed, its table and its key."""

    def __init__(self, seed: int) -> None:
        self._key = hashlib.sha256(f"rows:{seed}".encode()).digest()

    def __call__(self, *parts: object) -> int:
        digest = hashlib.blake2b(repr(parts).encode(), digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "big", signed=True)


def _listed(names: Sequence[str], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{quote_identifier(name)}" for name in names)


def _equal(left: str, columns: Sequence[str], right: str, others: Sequence[str]) -> str:
    return " AND ".join(
        f"{left}.{quote_identifier(column)} = {right}.{quote_identifier(other)}"
        for column, other in zip(columns, others, strict=True)
    )
