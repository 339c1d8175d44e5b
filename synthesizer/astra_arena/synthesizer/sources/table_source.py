"""Turns a user's tables into a clean world: one SQLite file with ordinary tables.

A source is an SQLite database, a CSV or TSV file, or a folder of such files. Equal sources give
equal bytes. Keys are not looked for here, and values are not repaired.
"""

import os
import re
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.errors import SourceError, SynthesisError
from astra_arena.synthesizer.sources.csv_tables import csv_suffix, load_csv, table_name
from astra_arena.synthesizer.sources.sqlite_tables import (
    PAGE_SIZE,
    copy_database,
    database_files,
    is_database,
)
from astra_arena.synthesizer.sources.table_info import InputFile, Table, file_digest

SUPPORTED = "an SQLite database, a .csv or .tsv file (or .csv.gz, .tsv.gz), or a folder of these"
"""What a source may be, for messages."""


@dataclass(frozen=True, slots=True)
class LoadedTables:
    """The tables of a source in a scratch database, which lives as long as the `with` block."""

    connection: sqlite3.Connection
    tables: tuple[Table, ...]
    notices: tuple[str, ...]
    """What was left out or read differently from what the source says, for the user."""
    inputs: tuple[InputFile, ...]


@dataclass(frozen=True, slots=True)
class WorldReport:
    """What a world file holds and what it was made from."""

    tables: tuple[Table, ...]
    notices: tuple[str, ...]
    """What was left out or read differently from what the source says, for the user."""
    inputs: tuple[InputFile, ...]
    digest: str
    """`sha256:` and the SHA-256 of the world file."""
    size_bytes: int


def build_world(source: Path, out: Path) -> WorldReport:
    """Write the tables of `source` as the world file `out`, replacing what lies there.

    Raises:
        SourceError: if the source cannot be read, or holds no rows.
        SynthesisError: if `out` cannot be written.
    """
    if out.exists() and source.exists() and out.samefile(source):
        raise SourceError(
            f"{str(out)!r} is the source itself: expected another file for the world, since a "
            "source is never written to. Name another file"
        )
    with load_tables(source) as loaded:
        write_world(loaded.connection, out)
        return WorldReport(
            tables=loaded.tables,
            notices=loaded.notices,
            inputs=loaded.inputs,
            digest=file_digest(out),
            size_bytes=out.stat().st_size,
        )


@contextmanager
def load_tables(source: Path) -> Generator[LoadedTables]:
    """Read all tables of `source` into a scratch database.

    The connection may be changed, for instance to give tables keys, before `write_world`.

    Raises:
        SourceError: if the source cannot be read, or holds no rows.
    """
    with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
        scratch = Path(folder) / "scratch.sqlite"
        with _reading(source):
            files, ignored = _source_files(source)
            inputs = tuple(InputFile(path.name, file_digest(path)) for path in files)
            from_database = source.is_file() and is_database(source)
        tables: tuple[Table, ...] = ()
        notices: tuple[str, ...] = ()
        if from_database:
            tables, notices = copy_database(source, scratch)
            _require_rows(source, tables)
        with closing(sqlite3.connect(scratch)) as connection:
            # Nothing of the scratch file is worth a journal: it goes when anything fails.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            if not from_database:
                tables, notices = _load_files(connection, source, files)
            notices += tuple(
                f"table {table.name!r} has no rows: it gets no tools"
                for table in tables
                if not table.rows
            )
            if ignored:
                notices = (f"not read: {', '.join(map(repr, ignored))}", *notices)
            yield LoadedTables(connection, tables, notices, inputs)


def write_world(connection: sqlite3.Connection, out: Path) -> None:
    """Write a database as a world file: compact, never in WAL mode, equal bytes for equal content.

    Raises:
        SynthesisError: if `out` cannot be written.
    """
    # Beside `out`, so that a reader sees the old world or the whole new one.
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        connection.commit()
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA auto_vacuum = NONE")
        # The counter of schema changes stands in the file and would tell of the way here.
        connection.execute("PRAGMA schema_version = 1")
        connection.execute("VACUUM INTO ?", (str(partial),))
        partial.replace(out)
    except (OSError, sqlite3.Error) as error:
        for left in (partial, partial.with_name(f"{partial.name}-journal")):
            with suppress(OSError):
                left.unlink()
        raise SynthesisError(
            f"the world cannot be written to {str(out)!r}: {error}. Check the folder, its "
            "permissions and the free space"
        ) from error


def _source_files(source: Path) -> tuple[tuple[Path, ...], list[str]]:
    """Return the files to read, in order, and the names of those in a folder that are not read."""
    if source.is_dir():
        return _folder_files(source)
    if not source.exists():
        _refuse_address(source)
        raise SourceError(f"{str(source)!r} does not exist: expected {SUPPORTED}. Check the path")
    if source.is_file():
        if is_database(source):
            return database_files(source), []
        if csv_suffix(source) is not None:
            return (source,), []
    raise SourceError(_unsupported(source))


@contextmanager
def _reading(source: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{str(source)!r} cannot be read: {error.strerror or error}. Check the path and its "
            "permissions"
        ) from error


def _folder_files(folder: Path) -> tuple[tuple[Path, ...], list[str]]:
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    files = tuple(path for path in entries if path.is_file() and csv_suffix(path) is not None)
    others = [path.name for path in entries if path not in files]
    if not files:
        found = f"found only {', '.join(map(repr, others))}" if others else "it is empty"
        raise SourceError(
            f"folder {str(folder)!r} holds no tables: expected .csv or .tsv files (also as "
            f".csv.gz, .tsv.gz); {found}. A database is given as a file, not by its folder"
        )
    seen: dict[str, Path] = {}
    for path in files:
        earlier = seen.setdefault(table_name(path).lower(), path)
        if earlier != path:
            raise SourceError(
                f"{earlier.name!r} and {path.name!r} would be the same table: expected file names "
                "that differ before the suffix (capitals do not count). Rename or remove one"
            )
    return files, others


def _refuse_address(source: Path) -> None:
    # A path has lost one of the slashes.
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/(.*)", str(source))
    if found:
        raise SourceError(
            f"'{found[1]}://{found[2]}' is an address, and only local files are read: expected "
            f"{SUPPORTED}. Fetch it first, or export its tables as CSV"
        )


def _unsupported(source: Path) -> str:
    if not source.is_file():
        return f"{str(source)!r} is neither a file nor a folder: expected {SUPPORTED}"
    with source.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return f"{source.name!r} is a Parquet file: expected {SUPPORTED}. Export it as CSV"
    what = "is empty" if not start else "is none of these"
    return (
        f"expected {SUPPORTED}; {source.name!r} {what}. Check the path, or give text tables their "
        "suffix"
    )


def _load_files(
    connection: sqlite3.Connection, source: Path, files: tuple[Path, ...]
) -> tuple[tuple[Table, ...], tuple[str, ...]]:
    tables: list[Table] = []
    notices: list[str] = []
    for path in files:
        table, remarks = load_csv(connection, path)
        notices += remarks
        if table is not None:
            tables.append(table)
    if not any(table.rows for table in tables):
        what = f"folder {source.name!r}" if source.is_dir() else f"{source.name!r}"
        found = "has a header but no rows" if tables else "is empty"
        raise SourceError(
            f"{what} {found if len(files) == 1 else 'holds no rows'}: expected a line of column "
            "names and at least one row of data. Add rows, or give another file"
        )
    return tuple(tables), tuple(notices)


def _require_rows(source: Path, tables: tuple[Table, ...]) -> None:
    if not any(table.rows for table in tables):
        found = f"{len(tables)} without any" if tables else "no table at all"
        raise SourceError(
            f"database {source.name!r} holds no rows: expected at least one table with rows, found "
            f"{found}. Give a database with data"
        )
