"""Copies an SQLite database without its code, and describes the tables of one.

The source is only ever read. Triggers, views and virtual tables are left behind, with notice: they
run SQL of their own, or need modules that a sandbox does not have.
"""

import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.column_types import is_date, is_datetime, notation
from astra_arena.synthesizer.sources.selection import Selection
from astra_arena.synthesizer.sources.sqlite_parts import leave_out
from astra_arena.synthesizer.sources.table_info import Column, LogicalType, Table, quote_identifier

SQLITE_MAGIC = b"SQLite format 3\0"
"""How every SQLite database begins."""

COMPANIONS = ("-wal", "-journal")
"""Files beside a database that may hold a part of it."""

PAGE_SIZE = 4096

_WAL_MODE = 2
_SIMPLE_TYPES: dict[str, LogicalType] = {"integer": "integer", "real": "real", "blob": "blob"}


def is_database(path: Path) -> bool:
    """Tell whether a file begins as an SQLite database does."""
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def database_files(source: Path) -> tuple[Path, ...]:
    """Return the database and those of its companions that hold anything."""
    beside = (source.with_name(source.name + suffix) for suffix in COMPANIONS)
    return (source, *(path for path in beside if path.is_file() and path.stat().st_size > 0))


def copy_database(source: Path, scratch: Path, selection: Selection) -> list[str]:
    """Write the selected tables of `source` and their indexes to the new file `scratch`.

    Returns:
        Notices: what was left behind.

    Raises:
        SourceError: if the database cannot be read.
    """
    with _reading(source):
        uri = _readable_uri(source, scratch.with_name("source"))
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            connection.execute("VACUUM INTO ?", (str(scratch),))
        with closing(sqlite3.connect(scratch)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            notices = list(_drop_code(connection))
            connection.commit()
            return notices + leave_out(connection, selection)


def describe_tables(connection: sqlite3.Connection) -> tuple[Table, ...]:
    """Describe the ordinary tables of a database, in the order of their creation.

    Raises:
        SourceError: if a text value is not valid Unicode.
    """
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid"
    names: list[str] = [name for (name,) in connection.execute(query)]
    return tuple(describe_table(connection, name) for name in names if not _is_internal(name))


def _is_internal(name: str) -> bool:
    return name.lower().startswith("sqlite_")


def describe_table(connection: sqlite3.Connection, table: str) -> Table:
    """Describe one table by what it holds.

    Raises:
        SourceError: if a text value is not valid Unicode.
    """
    quoted = quote_identifier(table)
    rows: int = connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0]
    # table_xinfo and not table_info, which leaves out generated columns.
    listed: list[tuple[str, str]] = [
        (name, sql_type)
        for _, name, sql_type, *_ in connection.execute(f"PRAGMA table_xinfo({quoted})")
    ]
    columns = tuple(_describe_column(connection, table, *entry) for entry in listed)
    return Table(table, columns, rows)


def _describe_column(
    connection: sqlite3.Connection, table: str, column: str, sql_type: str
) -> Column:
    name, source = quote_identifier(column), quote_identifier(table)
    kinds: dict[str, int] = dict(
        connection.execute(f"SELECT typeof({name}), count(*) FROM {source} GROUP BY 1")
    )
    nulls = kinds.pop("null", 0)
    values = f"SELECT {name} FROM {source} WHERE typeof({name})"
    try:
        texts = (text for (text,) in connection.execute(f"{values} = 'text'"))
        text_type = _text_type(texts)
    except sqlite3.OperationalError as error:
        raise SourceError(
            f"table {table!r}, column {column!r}: expected text that is valid Unicode: {error}. "
            "Correct the value or store it as a BLOB"
        ) from error
    if not kinds:
        return Column(column, sql_type, _declared_type(sql_type), nulls)
    if set(kinds) == {"text"}:
        return Column(column, sql_type, text_type, nulls)
    if set(kinds) == {"integer"} and "BOOL" in sql_type.upper():
        beyond = f"{values} <> 'null' AND {name} NOT IN (0, 1) LIMIT 1"
        if connection.execute(beyond).fetchone() is None:
            return Column(column, sql_type, "boolean", nulls)
    if set(kinds) == {"integer", "real"}:
        return Column(column, sql_type, "real", nulls)
    single = next(iter(kinds)) if len(kinds) == 1 else ""
    return Column(column, sql_type, _SIMPLE_TYPES.get(single, "mixed"), nulls)


def _text_type(texts: Iterator[str]) -> LogicalType:
    dates = datetimes = True
    written: str | None = None
    # To the end, also when the type is clear: each text fetched is one that can be decoded.
    for text in texts:
        dates = dates and is_date(text)
        if datetimes and is_datetime(text):
            written = written or notation(text)
            datetimes = notation(text) == written
        else:
            datetimes = False
    return "date" if dates else "datetime" if datetimes else "text"


def _declared_type(sql_type: str) -> LogicalType:
    """The type of a column without values, by SQLite's own rules of affinity."""
    declared = sql_type.upper()
    if "INT" in declared:
        return "integer"
    if any(part in declared for part in ("REAL", "FLOA", "DOUB")):
        return "real"
    return "blob" if "BLOB" in declared else "text"


def _drop_code(connection: sqlite3.Connection) -> Iterator[str]:
    query = "SELECT name FROM sqlite_schema WHERE type = ? ORDER BY name"
    for kind in ("trigger", "view"):
        names: list[str] = [name for (name,) in connection.execute(query, (kind,))]
        for name in names:
            connection.execute(f"DROP {kind.upper()} {quote_identifier(name)}")
            yield f"{kind} {name!r} was left out: only tables become part of a world"
    virtual = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 ORDER BY name"
    tables: list[str] = [name for (name,) in connection.execute(virtual)]
    for name in tables:
        yield _drop_virtual(connection, name)


def _drop_virtual(connection: sqlite3.Connection, name: str) -> str:
    notice = f"virtual table {name!r} was left out: only ordinary tables become part of a world"
    try:
        connection.execute(f"DROP TABLE {quote_identifier(name)}")
    except sqlite3.OperationalError:
        # Its module is not here, so SQLite cannot say which tables the module kept its data in.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_schema WHERE type = 'table' AND name = ?", (name,))
        connection.execute("PRAGMA writable_schema = RESET")
        return f"{notice}; tables in which its module kept data may remain"
    return notice


def _readable_uri(source: Path, private: Path) -> str:
    """Return a URI that opens the database without writing beside it.

    SQLite reads a database with an unfinished journal or log only where it may write. So those are
    opened as a private copy.
    """
    with source.open("rb") as file:
        modes = file.read(20)[18:20]
    files = database_files(source)
    if len(files) > 1:
        before = [_state(path) for path in files]
        for path in files:
            shutil.copyfile(path, private.with_name(private.name + path.name[len(source.name) :]))
        if [_state(path) for path in files] != before:
            raise SourceError(
                f"{source.name!r} changed while it was read: expected a database that nobody "
                "writes to. Close the program that uses it, or give a backup"
            )
        return f"{private.absolute().as_uri()}?mode=rw"
    # Without its log, a database in WAL mode is complete; `immutable` keeps SQLite from making one.
    immutable = "&immutable=1" if _WAL_MODE in modes else ""
    return f"{source.absolute().as_uri()}?mode=ro{immutable}"


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@contextmanager
def _reading(source: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SourceError(
            f"{source.name!r} cannot be read as an SQLite database: {error}. Check it with "
            "`PRAGMA integrity_check`, or export its tables as CSV"
        ) from error
    except OSError as error:
        raise SourceError(
            f"{source.name!r} cannot be read: {error.strerror or error}. Check the file and its "
            "permissions"
        ) from error
