"""Makes up the rows of all resources: seeded, consistent, and with references that hold."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.randomness import random_stream
from astra_arena.synthesizer.apis.made_values import ValueMaker
from astra_arena.synthesizer.apis.reply_shapes import admits_null
from astra_arena.synthesizer.apis.resource import Column, Resource
from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.naming import words_of

Row = JsonObject
EMPTY_SHARE = 0.08
"""How often a value is missing that need not be there."""
FREE_PARENTS = 4
"""Values of a parent that no operation shows."""
_TYPES = {
    "text": "TEXT",
    "integer": "INTEGER",
    "number": "REAL",
    "boolean": "INTEGER",
    "json": "TEXT",
}
_ORDER = (
    *("birth", "created", "placed", "start", "departure", "published", "updated", "modified"),
    *("shipped", "arrival", "end", "closed", "completed", "deleted", "expires"),
)
"""What comes after what in the life of a thing."""


@dataclass(frozen=True, slots=True)
class MadeRows:
    """The rows of all resources, by name."""

    rows: dict[str, list[Row]]
    notices: tuple[str, ...]

    def of(self, resource: Resource) -> list[Row]:
        """Return the rows of a resource, in the order of their keys."""
        return self.rows[resource.name]


def make_rows(resources: Mapping[str, Resource], *, count: int, seed: int) -> MadeRows:
    """Make rows up.

    Args:
        resources: The resources by noun.
        count: Rows of each.
        seed: Decides every value.
    """
    maker, most = ValueMaker(), count
    rows: dict[str, list[Row]] = {}
    notices: list[str] = []
    for resource in resources.values():
        fitting = min(most, _most_rows(resource, most))
        if fitting < most:
            notices.append(f"{resource.plural}: {fitting} rows; the document allows no more keys")
        rows[resource.name] = _own_values(maker, resource, fitting, seed, notices)
    by_name = {one.name: one for one in resources.values()}
    for resource in resources.values():
        for column in resource.references:
            if column.name != resource.key:
                _refer(rows, by_name, resource, column, seed)
        key = resource.key
        rows[resource.name].sort(key=lambda row, key=key: _sorted_by(row[key]))
    return MadeRows(rows, tuple(notices))


def _own_values(
    maker: ValueMaker, resource: Resource, count: int, seed: int, notices: list[str]
) -> list[Row]:
    """Return rows without what refers to other rows."""
    made: list[Row] = [{} for _ in range(count)]
    for column in resource.columns.values():
        if column.target and column.name != resource.key:
            continue
        for row, value in zip(made, _values(maker, resource, column, count, seed), strict=True):
            row[column.name] = value
        if column.needed and any(row[column.name] is None for row in made):
            notices.append(f"no value could be made up that {resource.name}.{column.name} admits")
    for row in made:
        _in_order(resource, row)
    return made


def _sorted_by(value: Json) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def _values(
    maker: ValueMaker, resource: Resource, column: Column, count: int, seed: int
) -> list[Json]:
    stream = random_stream(seed, "api", resource.name, column.name)
    if column.unique and column.kind == "integer":
        return list(stream.sample(range(*_key_range(column, count)), k=count))
    name, noun = column.name.removeprefix("in_"), resource.singular
    if column.hidden:
        pool = [maker.value(name, noun, column.wanted, stream) for _ in range(FREE_PARENTS)]
        return [stream.choice(pool) for _ in range(count)]
    found: list[Json] = []
    known: set[str] = set()
    for _ in range(count):
        value = maker.value(name, noun, column.wanted, stream)
        for number in range(40):
            if not column.unique or str(value) not in known:
                break
            value = maker.value(name, noun, column.wanted, stream)
            if isinstance(value, str) and number > 20:
                value = f"{value}{stream.randrange(1000)}"
        known.add(str(value))
        missing = not (column.needed or column.unique) and stream.random() < EMPTY_SHARE
        found.append(None if missing else value)
    return found


def _bounds(column: Column) -> tuple[int | None, int | None]:
    """Return the smallest and largest whole number that all schemas of a column admit."""
    schemas = [column.schema, *column.asked_by]
    lows = [v for one in schemas if isinstance(v := one.get("minimum"), int | float)]
    highs = [v for one in schemas if isinstance(v := one.get("maximum"), int | float)]
    return (int(max(lows)) if lows else None, int(min(highs)) if highs else None)


def _most_rows(resource: Resource, most: int) -> int:
    column = resource.key_column
    low, high = _bounds(column)
    if column.kind != "integer" or high is None:
        return most
    return max(1, high - (1 if low is None else low) + 1)


def _key_range(column: Column, count: int) -> tuple[int, int]:
    low, high = _bounds(column)
    first = low if low is not None and low > 0 else 1_001
    last = max(first + 9 * count, first + 1_000)
    if high is not None:
        last = min(last, high + 1)
        first = low if low is not None else min(first, max(1, last - 4 * count))
    return first, max(last, first + count)


def _in_order(resource: Resource, row: Row) -> None:
    """Let what comes later in the life of a thing have the later date."""
    dated = [
        (rank, column.name)
        for column in resource.columns.values()
        if column.kind == "text" and column.schema.get("format") in ("date", "date-time")
        for rank, word in enumerate(_ORDER)
        if word in words_of(column.name)
    ]
    names = [name for _, name in sorted(dated) if row.get(name) is not None]
    for name, value in zip(names, sorted(str(row[name]) for name in names), strict=True):
        kind = resource.columns[name].schema.get("format")
        row[name] = (
            value[:10] if kind == "date" else value if len(value) > 10 else f"{value}T00:00:00Z"
        )


def _refer(
    rows: dict[str, list[Row]],
    resources: dict[str, Resource],
    resource: Resource,
    column: Column,
    seed: int,
) -> None:
    stream = random_stream(seed, "api", resource.name, column.name, "references")
    held = rows[column.target]
    # A few rows are referred to often, as is usual.
    weights = [1 + 12 * (stream.random() ** 6) for _ in held]
    optional = not column.needed or admits_null(column.schema)
    own = column.target == resource.name
    for place, row in enumerate(rows[resource.name]):
        empty = optional and stream.random() < (0.5 if own else EMPTY_SHARE)
        # What refers to its own kind refers to what was there before.
        choice = held[:place] if own else held
        if empty or not choice:
            row[column.name] = None
            continue
        chosen = stream.choices(choice, weights[: len(choice)])[0]
        row[column.name] = chosen[column.target_column]
    del resources


def write_rows(
    connection: sqlite3.Connection, resources: Mapping[str, Resource], made: MadeRows
) -> None:
    """Write tables with all rows."""
    by_name = {one.name: one for one in resources.values()}
    for resource in resources.values():
        columns = [_declared(resource, column, by_name) for column in resource.columns.values()]
        table = quote_identifier(resource.table)
        connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        places = ", ".join("?" for _ in columns)
        connection.executemany(
            f"INSERT INTO {table} VALUES ({places})",
            [
                [stored(column, row[column.name]) for column in resource.columns.values()]
                for row in made.of(resource)
            ],
        )
        for column in resource.references:
            name = quote_identifier(f"{resource.table}_{column.name}")
            on = quote_identifier(column.name)
            connection.execute(f"CREATE INDEX {name} ON {table} ({on})")
    connection.commit()


def _declared(resource: Resource, column: Column, resources: dict[str, Resource]) -> str:
    said = f"{quote_identifier(column.name)} {_TYPES[column.kind]}"
    if column.name == resource.key:
        return f"{said} NOT NULL PRIMARY KEY"
    if column.unique:
        said += " UNIQUE"
    if column.target:
        table = quote_identifier(resources[column.target].table)
        said += f" REFERENCES {table} ({quote_identifier(column.target_column)})"
    return said


def stored(column: Column, value: Json) -> str | int | float | None:
    """Return a value as a table keeps it."""
    match value:
        case None:
            return None
        case bool():
            return int(value)
        case int() | float() | str() if column.kind != "json":
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
