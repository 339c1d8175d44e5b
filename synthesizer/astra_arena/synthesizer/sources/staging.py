"""Rows of typed sources become a table: first as they come, then typed, keyed and in order.

Which type a column has is known only when all its values were seen, so rows are staged in a table
without types. A column that mixes kinds of values becomes text.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.column_values import ColumnValues
from astra_arena.synthesizer.sources.sqlite_tables import describe_table
from astra_arena.synthesizer.sources.table_info import Table, quote_identifier

_STAGED = '"astra arena staging"'


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that name a row of another table."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a source declares of a table, so far as a world can keep it."""

    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    not_null: frozenset[str] = field(default_factory=frozenset[str])


def store_rows(
    connection: sqlite3.Connection,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    constraints: Constraints | None = None,
    in_order: bool = True,
) -> tuple[Table | None, list[str]]:
    """Create and fill one table.

    Args:
        constraints: What the table declares; left out where the values break it.
        in_order: Whether the order of the rows means something; else they are sorted, so that
            equal rows make equal tables.

    Returns:
        The table, None if no column is left of it, and notices.

    Raises:
        SourceError: if SQLite cannot hold the table.
    """
    _require_names(name, columns)
    values = [ColumnValues() for _ in columns]
    listed = ", ".join(quote_identifier(column) for column in columns)
    places = ", ".join("?" * len(columns))
    converted = (
        [column.convert(value) for column, value in zip(values, row, strict=True)] for row in rows
    )
    try:
        connection.execute(f"CREATE TEMP TABLE {_STAGED} ({listed})")
        connection.executemany(f"INSERT INTO {_STAGED} VALUES ({places})", converted)
        kept = {c: v for c, v in zip(columns, values, strict=True) if "bytes" not in v.kinds}
        if kept:
            _fill(connection, name, kept, constraints or Constraints(), in_order=in_order)
        connection.execute(f"DROP TABLE {_STAGED}")
        connection.commit()
    except (sqlite3.Error, UnicodeEncodeError) as error:
        raise SourceError(f"table {name!r} cannot become part of a world: {error}") from error
    notices = [text for c, v in zip(columns, values, strict=True) for text in _told(name, c, v)]
    return (describe_table(connection, name) if kept else None), notices


def _require_names(table: str, columns: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in columns:
        earlier = seen.setdefault(name.casefold(), name)
        if not name or earlier is not name:
            what = f"columns {earlier!r} and {name!r}" if name else "a column without a name"
            raise SourceError(
                f"table {table!r} has {what}: expected names that differ (capitals do not count). "
                "Rename one, or leave one out with --exclude"
            )


def _fill(
    connection: sqlite3.Connection,
    name: str,
    columns: dict[str, ColumnValues],
    constraints: Constraints,
    *,
    in_order: bool,
) -> None:
    picked = ", ".join(_expression(column, values) for column, values in columns.items())
    key = constraints.primary_key
    order = "rowid" if in_order else _listed(key or tuple(columns))
    query = f"INSERT INTO {quote_identifier(name)} SELECT {picked} FROM {_STAGED} ORDER BY {order}"
    for declared in (constraints, Constraints()):
        try:
            connection.execute(_definition(name, columns, declared))
            connection.execute(query)
            return
        except sqlite3.IntegrityError:
            # A collation that takes `a` for `A`, or rounded decimals: keys are found anew then.
            connection.execute(f"DROP TABLE {quote_identifier(name)}")


def _definition(name: str, columns: dict[str, ColumnValues], constraints: Constraints) -> str:
    parts = [
        f"{quote_identifier(column)} {_sql_type(values)}"
        + (" NOT NULL" if column in constraints.not_null else "")
        for column, values in columns.items()
    ]
    if constraints.primary_key and columns.keys() >= set(constraints.primary_key):
        parts.append(f"PRIMARY KEY ({_listed(constraints.primary_key)})")
    parts += [f"UNIQUE ({_listed(u)})" for u in constraints.unique if columns.keys() >= set(u)]
    parts += [
        f"FOREIGN KEY ({_listed(key.columns)}) REFERENCES {quote_identifier(key.target)} "
        f"({_listed(key.target_columns)})"
        for key in constraints.foreign_keys
        if columns.keys() >= set(key.columns)
    ]
    return f"CREATE TABLE {quote_identifier(name)} ({', '.join(parts)})"


def _sql_type(values: ColumnValues) -> str:
    if values.kinds == {"boolean"}:
        return "BOOLEAN"
    if values.kinds == {"integer"}:
        return "INTEGER"
    return "REAL" if values.kinds and values.kinds <= {"integer", "real"} else "TEXT"


def _expression(column: str, values: ColumnValues) -> str:
    name = quote_identifier(column)
    if values.kinds == {"moment"} and values.whole_seconds:
        # As all are written with six digits after the point, and none says anything.
        return f"replace({name}, '.000000', '')"
    return name


def _told(table: str, column: str, values: ColumnValues) -> list[str]:
    where = f"column {column!r} of table {table!r}"
    if "bytes" in values.kinds:
        return [f"{where} was left out: it holds bytes, which no tool can show"]
    told = [f"{where}: {text} ({times})" for text, times in values.remarks]
    if len(values.kinds) > 1 and not values.kinds <= {"integer", "real"}:
        kinds = " and ".join(sorted(values.kinds))
        told.append(f"{where} mixes {kinds}: all its values were read as text")
    return told


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quote_identifier(name) for name in names)
