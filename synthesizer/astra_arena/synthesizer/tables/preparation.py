"""Makes of loaded tables the ones of a world: cut to size, and masked where the user says so.

Both need keys and references, which are found in all rows for it; what is left is described anew.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.sources.sqlite_tables import describe_table
from astra_arena.synthesizer.sources.table_info import Table, quote_identifier
from astra_arena.synthesizer.tables.column_masks import mask_columns, masked_columns
from astra_arena.synthesizer.tables.masking import seed_key
from astra_arena.synthesizer.tables.references import Reference
from astra_arena.synthesizer.tables.row_sampling import Cut, Link, sample_rows
from astra_arena.synthesizer.tables.table_analysis import find_structure

DEFAULT_MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class WorldRules:
    """What a user wants to be cut and masked."""

    max_rows: int = DEFAULT_MAX_ROWS
    mask: tuple[str, ...] = ()
    mask_key: bytes | None = None
    """The secret behind the pseudonyms; without one they follow from the seed."""
    seed: int = 0

    def require(self) -> None:
        """Refuse what cannot be.

        Raises:
            SettingsError: if fewer than one row is to be kept, or the key is empty.
        """
        if self.max_rows < 1:
            raise SettingsError(f"--max-rows is 1 or more; got {self.max_rows}")
        if self.mask_key is not None and len(self.mask_key) < 16:
            raise SettingsError(
                "the file of --mask-key-file holds fewer than 16 bytes: expected a secret, for "
                "instance from `head -c 32 /dev/urandom`"
            )


@dataclass(frozen=True, slots=True)
class PreparedTables:
    """The tables as they stand in the world."""

    tables: tuple[Table, ...]
    notices: tuple[str, ...] = ()
    provenance: JsonObject = field(default_factory=dict[str, Json])


def prepare_tables(
    connection: sqlite3.Connection, tables: tuple[Table, ...], rules: WorldRules
) -> PreparedTables:
    """Cut and mask the tables of a scratch database.

    Raises:
        SettingsError: if the rules name what is not there or cannot be masked.
    """
    rules.require()
    if not rules.mask and all(table.rows <= rules.max_rows for table in tables):
        return PreparedTables(tables)
    structure = find_structure(connection, tables)
    groups = masked_columns(tables, structure.references, rules.mask)
    cuts = sample_rows(
        connection,
        tables,
        {name: key.columns for name, key in structure.keys.items()},
        _links(connection, tables, structure.references),
        max_rows=rules.max_rows,
        seed=rules.seed,
    )
    if groups:
        key = seed_key(rules.seed) if rules.mask_key is None else rules.mask_key
        mask_columns(connection, tables, groups, key)
    connection.commit()
    masked = sorted(f"{table}.{column}" for group in groups for table, column in group)
    return PreparedTables(
        tuple(describe_table(connection, table.name) for table in tables),
        (*_cut_notices(cuts, rules), *_mask_notices(masked, rules)),
        _provenance(cuts, masked, rules),
    )


def _links(
    connection: sqlite3.Connection, tables: Sequence[Table], references: Sequence[Reference]
) -> list[Link]:
    """Return found references, and declared ones also to what is no primary key."""
    links = [Link(r.table, r.columns, r.target, r.target_columns) for r in references]
    names = {table.name.casefold(): table for table in tables}
    for table in tables:
        parts: dict[int, list[tuple[str, str, str | None]]] = {}
        query = f"PRAGMA foreign_key_list({quote_identifier(table.name)})"
        for row in connection.execute(query):
            parts.setdefault(row[0], []).append((row[2], row[3], row[4]))
        for declared in parts.values():
            target = names.get(declared[0][0].casefold())
            columns = tuple(part[1] for part in declared)
            others = tuple(part[2] for part in declared if part[2] is not None)
            there = {column.name for column in target.columns} if target else set[str]()
            if target and len(others) == len(columns) and there.issuperset(others):
                link = Link(table.name, columns, target.name, others)
                links += [link] if link not in links else []
    return links


def _cut_notices(cuts: Sequence[Cut], rules: WorldRules) -> list[str]:
    return [
        f"table {cut.table!r} was cut from {cut.rows:,} to {cut.kept:,} rows, by the seed and with "
        f"all rows that kept rows refer to; --max-rows {rules.max_rows} sets how many are kept"
        for cut in cuts
    ]


def _mask_notices(masked: Sequence[str], rules: WorldRules) -> list[str]:
    if not masked:
        return []
    notices = [f"masked: {', '.join(masked)}"]
    if rules.mask_key is None:
        notices.append(
            "the masks follow from the seed, which the bundle names: whoever guesses a value can "
            "check the guess. Keep a secret in a file and name it with --mask-key-file"
        )
    return notices


def _provenance(cuts: Sequence[Cut], masked: Sequence[str], rules: WorldRules) -> JsonObject:
    provenance: JsonObject = {}
    if cuts:
        provenance["cut"] = {
            "max_rows": rules.max_rows,
            "tables": {cut.table: {"rows": cut.rows, "kept": cut.kept} for cut in cuts},
        }
    if masked:
        provenance["masked"] = list[Json](masked)
        provenance["mask_key"] = "seed" if rules.mask_key is None else "file"
    return provenance
