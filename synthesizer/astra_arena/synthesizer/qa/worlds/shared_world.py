"""A world while instances add to it: tables, rows, tools, and the questions that hold in it."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from astra_arena.core.canonical import Json, canonical_bytes, digest_of
from astra_arena.synthesizer.qa.worlds.grown import FoundCall, Grown
from astra_arena.synthesizer.qa.worlds.replies import (
    Cell,
    ColumnType,
    NewRow,
    NewTable,
    NewTool,
    WorldData,
)

Share: TypeAlias = Literal["all", "facts", "none"]
"""Which rows: all, those that facts state, or none."""

_TYPES: dict[ColumnType, str] = {"text": "TEXT", "integer": "INTEGER", "real": "REAL"}


@dataclass(slots=True)
class WorldTable:
    """A table with its rows, by key, in the order in which they came."""

    told: NewTable
    rows: dict[bytes, tuple[Cell, ...]] = field(default_factory=dict[bytes, tuple[Cell, ...]])
    facts: set[bytes] = field(default_factory=set[bytes])
    """Keys of the rows that facts state."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.told.columns]

    def key_of(self, values: Sequence[Cell]) -> bytes:
        """Return what singles a row out."""
        places = [self.columns.index(name) for name in self.told.key]
        return canonical_bytes([values[place] for place in places])


class SharedWorld:
    """The state of one world.

    Args:
        name: Of the world.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.tables: dict[str, WorldTable] = {}
        self.tools: dict[str, NewTool] = {}
        self.members: list[Grown] = []

    @property
    def digest(self) -> str:
        """Names everything in it."""
        return digest_of([self.name, *(member.to_json() for member in self.members)])

    @property
    def calls(self) -> list[tuple[Grown, FoundCall]]:
        """Every call with its instance."""
        return [(member, call) for member in self.members for call in member.calls]

    def copy(self) -> "SharedWorld":
        """Return a world of its own with the same content."""
        made = SharedWorld(self.name)
        made.tables = {
            name: WorldTable(one.told, dict(one.rows), set(one.facts))
            for name, one in self.tables.items()
        }
        made.tools = dict(self.tools)
        made.members = list(self.members)
        return made

    def grow(self, grown: Grown) -> None:
        """Take an instance in."""
        self.add_data(grown.data)
        self.tools |= {tool.name: tool for tool in grown.tools}
        self.members.append(grown)

    def add_data(self, data: WorldData) -> None:
        """Take tables and rows in that `data_findings` has nothing against."""
        for table in data.tables:
            self.tables[table.name] = WorldTable(table)
        for row in data.rows:
            self._add(row, is_fact=True)
        for row in data.distractors:
            self._add(row, is_fact=False)

    def _add(self, row: NewRow, *, is_fact: bool) -> None:
        table = self.tables[row.table]
        values = tuple(
            float(value) if column.type == "real" and isinstance(value, int) else value
            for column, value in zip(table.told.columns, row.values, strict=True)
        )
        key = table.key_of(values)
        table.rows.setdefault(key, values)
        if is_fact:
            table.facts.add(key)

    def database(self, share: Share = "all") -> sqlite3.Connection:
        """Return the world as a database in memory, with some of its rows."""
        made = sqlite3.connect(":memory:")
        for name, table in self.tables.items():
            columns = [
                f"{one.name} {_TYPES[one.type]}{' NOT NULL' if one.name in table.told.key else ''}"
                for one in table.told.columns
            ]
            key = ", ".join(table.told.key)
            made.execute(f"CREATE TABLE {name} ({', '.join(columns)}, PRIMARY KEY ({key}))")
            places = ", ".join("?" * len(columns))
            made.executemany(
                f"INSERT INTO {name} VALUES ({places})",
                self._chosen(table, share),
            )
        made.commit()
        return made

    @staticmethod
    def _chosen(table: WorldTable, share: Share) -> Iterable[tuple[Cell, ...]]:
        if share == "none":
            return
        for key, values in table.rows.items():
            if share == "all" or key in table.facts:
                yield values

    def schema(self) -> list[Json]:
        """Return the tables as a model sees them, without rows."""
        return [table.told.model_dump(mode="json") for table in self.tables.values()]
