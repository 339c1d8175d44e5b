"""Reads the tables of a PostgreSQL or MySQL database through SQLAlchemy.

All tables are read in one read-only transaction that sees one moment of the database. Views,
foreign tables and the server's own schemas stay behind.
"""

import hashlib
import sqlite3
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from astra_arena.core.canonical import DIGEST_PREFIX
from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.database_address import DatabaseAddress
from astra_arena.synthesizer.sources.selection import Selection
from astra_arena.synthesizer.sources.staging import Constraints, ForeignKey, store_rows
from astra_arena.synthesizer.sources.table_info import InputFile, Table, quote_identifier
from astra_arena.synthesizer.sources.typed_files import require_module

_BATCH = 5_000
_SYSTEM_SCHEMAS = frozenset(
    {"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys"}
)
_PARTITIONS = """
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relispartition
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """A table on the server and what it is called in the world."""

    schema: str
    table: str
    name: str


class _Reader:
    """What is known of one database while its tables are read."""

    def __init__(self, sqlalchemy: Any, connection: Any, selection: Selection) -> None:  # noqa: ANN401
        self._sqlalchemy = sqlalchemy
        self._connection = connection
        self._selection = selection
        self._inspector = sqlalchemy.inspect(connection)
        self.notices: list[str] = []
        self.places = self._find()
        self._named = {(place.schema, place.table): place.name for place in self.places}
        self._columns = {place.name: self._wanted(place) for place in self.places}

    def load(self, world: sqlite3.Connection) -> list[Table]:
        """Read every table into the world."""
        tables: list[Table] = []
        for place in self.places:
            columns = self._columns[place.name]
            if not columns:
                continue
            table, notices = store_rows(
                world,
                place.name,
                columns,
                self._rows(place, columns),
                constraints=self._constraints(place),
                in_order=False,
            )
            self.notices += notices
            tables += [table] if table is not None else []
        return tables

    def _find(self) -> list[_Place]:
        """Return the tables to read, by schema and name; notes what is none."""
        inspector, default = self._inspector, self._inspector.default_schema_name or ""
        schemas = [default]
        if self._connection.dialect.name == "postgresql":
            schemas = sorted(set(inspector.get_schema_names()) - _SYSTEM_SCHEMAS)
        parts = self._partitions()
        found: list[tuple[str, str]] = []
        for schema in schemas:
            self._notice_others(schema)
            names: list[str] = sorted(inspector.get_table_names(schema=schema))
            found += [(schema, name) for name in names if (schema, name) not in parts]
        often = [name.casefold() for _, name in found]
        places: list[_Place] = []
        for schema, table in found:
            own = schema == default or often.count(table.casefold()) == 1
            name = table if own else f"{schema}_{table}"
            if not own:
                self.notices.append(f"table {f'{schema}.{table}'!r} is called {name!r}")
            if self._selection.wants(name):
                places.append(_Place(schema, table, name))
        return places

    def _partitions(self) -> set[tuple[str, str]]:
        if self._connection.dialect.name != "postgresql":
            return set()
        rows = self._connection.execute(self._sqlalchemy.text(_PARTITIONS))
        return {(schema, table) for schema, table in rows}

    def _notice_others(self, schema: str) -> None:
        kinds = [("view", self._inspector.get_view_names)]
        if self._connection.dialect.name == "postgresql":
            kinds.append(("materialized view", self._inspector.get_materialized_view_names))
            kinds.append(("foreign table", self._inspector.get_foreign_table_names))
        for kind, names in kinds:
            self.notices += [
                f"{kind} {name!r} was left out: only tables become part of a world"
                for name in sorted(names(schema=schema))
            ]

    def _wanted(self, place: _Place) -> list[str]:
        described: list[dict[str, Any]] = self._inspector.get_columns(
            place.table, schema=place.schema
        )
        names = self._selection.wanted(place.name, [column["name"] for column in described])
        types = {column["name"]: column["type"] for column in described}
        binary = [name for name in names if _is_binary(types[name])]
        self.notices += [
            f"column {name!r} of table {place.name!r} was left out: it holds bytes, which no tool "
            "can show"
            for name in binary
        ]
        return [name for name in names if name not in binary]

    def _constraints(self, place: _Place) -> Constraints:
        where = {"table_name": place.table, "schema": place.schema}
        kept = set(self._columns[place.name])
        columns = self._inspector.get_columns(place.table, schema=place.schema)
        return Constraints(
            primary_key=self._key(place),
            foreign_keys=tuple(
                key
                for declared in self._inspector.get_foreign_keys(**where)
                if (key := self._foreign_key(place, declared)) and kept.issuperset(key.columns)
            ),
            unique=self._unique(place),
            not_null=frozenset(
                column["name"] for column in columns if not column.get("nullable", True)
            ),
        )

    def _key(self, place: _Place) -> tuple[str, ...]:
        declared = self._inspector.get_pk_constraint(place.table, schema=place.schema)
        key = tuple(declared.get("constrained_columns") or ())
        return key if set(self._columns[place.name]).issuperset(key) else ()

    def _unique(self, place: _Place) -> tuple[tuple[str, ...], ...]:
        kept = set(self._columns[place.name])
        declared = self._inspector.get_unique_constraints(place.table, schema=place.schema)
        found = {tuple(one["column_names"]) for one in declared}
        return tuple(sorted(columns for columns in found if kept.issuperset(columns)))

    def _foreign_key(self, place: _Place, declared: dict[str, Any]) -> ForeignKey | None:
        """Return what is left of a foreign key in the world, if its target is there."""
        schema = declared["referred_schema"] or place.schema
        name = self._named.get((schema, declared["referred_table"]))
        if name is None:
            return None
        target = next(one for one in self.places if one.name == name)
        columns = tuple(declared["referred_columns"])
        if columns != self._key(target) and columns not in self._unique(target):
            return None
        return ForeignKey(tuple(declared["constrained_columns"]), name, columns)

    def _rows(self, place: _Place, columns: Sequence[str]) -> Iterator[Sequence[object]]:
        sqlalchemy = self._sqlalchemy
        # Columns without a type come as the driver gives them, whatever SQLAlchemy knows of them.
        query = sqlalchemy.select(*map(sqlalchemy.column, columns)).select_from(
            sqlalchemy.table(place.table, schema=place.schema)
        )
        options = {"stream_results": True, "max_row_buffer": _BATCH}
        with self._connection.execution_options(**options).execute(query) as result:
            for batch in result.partitions(_BATCH):
                yield from batch


def load_database(
    world: sqlite3.Connection, address: DatabaseAddress, selection: Selection
) -> tuple[list[Table], list[str], InputFile]:
    """Read the tables of a database into the world.

    Returns:
        The tables, notices, and the address without host, user and password with the digest of
        what was read.

    Raises:
        SourceError: if the database cannot be read, or SQLAlchemy is not installed; the message
            names the extra and holds no password.
    """
    sqlalchemy = require_module("sqlalchemy")
    require_module("psycopg" if address.dialect == "postgresql" else "pymysql")
    try:
        with _snapshot(sqlalchemy, address) as connection:
            reader = _Reader(sqlalchemy, connection, selection)
            tables = reader.load(world)
    except SourceError:
        raise
    # Drivers raise errors of their own from within a result, and some outside their tree.
    except (sqlalchemy.exc.SQLAlchemyError, OSError, ValueError) as error:
        cause = getattr(error, "orig", None) or error
        told = address.without_secrets(" ".join(str(cause).split()))
    else:
        return tables, reader.notices, InputFile(address.title, _digest(world, tables))
    # Outside the block: an error that is chained would bring its own text along.
    raise SourceError(
        f"the {address.title} cannot be read: {told}. Check the address, the server and the "
        "user's rights"
    )


@contextmanager
def _snapshot(sqlalchemy: Any, address: DatabaseAddress) -> Generator[Any]:  # noqa: ANN401
    engine = sqlalchemy.create_engine(
        address.driver_url, poolclass=sqlalchemy.pool.NullPool, hide_parameters=True
    )
    with warnings.catch_warnings(), engine.connect() as connection:
        # Types that SQLAlchemy does not know are no matter here, and it warns of each.
        warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
        if address.dialect == "postgresql":
            _keep_extremes(connection.connection.dbapi_connection)
            options = {"postgresql_readonly": True}
        else:
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            connection.rollback()
            options = {}
        with connection.execution_options(isolation_level="REPEATABLE READ", **options).begin():
            yield connection


def _keep_extremes(connection: Any) -> None:  # noqa: ANN401
    """Let dates and times that Python cannot hold, like `infinity`, come as they are spelt."""
    psycopg = require_module("psycopg")
    loaders = require_module("psycopg.types.datetime")
    for name, base in (
        ("date", loaders.DateLoader),
        ("timestamp", loaders.TimestampLoader),
        ("timestamptz", loaders.TimestamptzLoader),
    ):
        connection.adapters.register_loader(name, _spelt_on_error(base, psycopg.DataError))


def _spelt_on_error(base: type, data_error: type[Exception]) -> type:
    """Return a loader like `base` that gives the text where there is no Python value for it."""

    def load(self: Any, data: Any) -> object:  # noqa: ANN401
        try:
            return vars(base)["load"](self, data)
        except data_error:
            return bytes(data).decode()

    return type(f"Spelt{base.__name__}", (base,), {"load": load})


def _is_binary(column_type: Any) -> bool:  # noqa: ANN401
    try:
        return issubclass(column_type.python_type, bytes)
    except NotImplementedError:
        return False


def _digest(world: sqlite3.Connection, tables: Sequence[Table]) -> str:
    """Return the SHA-256 of what was read: names and rows, in their order in the world."""
    digest = hashlib.sha256()
    for table in tables:
        names = [column.name for column in table.columns]
        digest.update(repr((table.name, names)).encode())
        for row in world.execute(f"SELECT * FROM {quote_identifier(table.name)} ORDER BY rowid"):
            digest.update(repr(row).encode())
    return DIGEST_PREFIX + digest.hexdigest()
