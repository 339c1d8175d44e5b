"""Reads Parquet and JSON files with DuckDB, which is kept from everything but the file.

DuckDB installs and loads no extension, opens no other file and no address, and stays within a
fixed amount of memory. CSV files are not read here: `csv_tables` names file and line of what is
wrong with them, and reads them alike whether DuckDB is installed or not.
"""

import gzip
import importlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.selection import Selection
from astra_arena.synthesizer.sources.staging import store_rows
from astra_arena.synthesizer.sources.table_info import Table, quote_identifier

PARQUET_SUFFIXES = (".parquet",)
JSON_LINES_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
JSON_SUFFIXES = (".json", ".json.gz", *JSON_LINES_SUFFIXES)
TYPED_SUFFIXES = (*PARQUET_SUFFIXES, *JSON_SUFFIXES)

MEMORY_LIMIT = "512MB"
LARGEST_RECORD = 16 << 20
"""The most bytes of one JSON record."""

_BATCH = 10_000
_SNIFFED = 1 << 16
_EXTRA = (
    "reading Parquet and JSON files and database addresses needs the extra 'db'; "
    "install it with: pip install 'astra-arena[db]'"
)


def typed_suffix(path: Path) -> str | None:
    """Return the suffix that makes `path` a file for this module, or None."""
    name = path.name.lower()
    return max((s for s in TYPED_SUFFIXES if name.endswith(s)), key=len, default=None)


def holds_records(path: Path) -> bool:
    """Tell whether a JSON file looks like a table: an array of objects, or objects line by line.

    An empty file counts as one; other kinds of files always do.
    """
    suffix = typed_suffix(path)
    if suffix is None or suffix in (*PARQUET_SUFFIXES, *JSON_LINES_SUFFIXES):
        return True
    start = _start(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"[":
        return start[1:].lstrip()[:1] in (b"{", b"]", b"")
    first, *more = start.split(b"\n", 1)
    if not more and len(start) >= _SNIFFED:
        return False
    try:
        return not start or isinstance(json.loads(first), dict)
    except ValueError:
        return False


def load_typed_file(
    connection: sqlite3.Connection, path: Path, table: str, selection: Selection, scratch: Path
) -> tuple[Table | None, list[str]]:
    """Create and fill one table from one file.

    Args:
        scratch: A folder for what does not fit into memory.

    Returns:
        The table, None for a file without columns, and notices: what was left out or read
        differently from what the file says.

    Raises:
        SourceError: if the file cannot be read as a table.
        SourceError: if DuckDB is not installed; the message names the extra.
    """
    if not holds_records(path):
        raise SourceError(
            f"{path.name!r} is no table: expected a JSON array of objects, or objects line by "
            "line. Give the list of records that it holds as a file of its own"
        )
    duckdb = require_module("duckdb")
    try:
        with _confined(duckdb, path, scratch) as (database, readable):
            reader = _reader(path, readable)
            types = _types(database, reader, selection, table)
            if not types:
                return None, [f"{path.name!r} has no columns: it gets no tools"]
            casts = ", ".join(_cast(quote_identifier(n), kind) for n, kind in types.items())
            result = database.execute(f"SELECT {casts} FROM {reader}")
            made = [_MADE.get(kind, _as_it_is) for kind in types.values()]
            rows = (
                [None if v is None else make(v) for make, v in zip(made, row, strict=True)]
                for row in _batches(result.fetchmany)
            )
            return store_rows(connection, table, list(types), rows)
    except duckdb.Error as error:
        text = str(error).split("\n")[0].replace(f"{scratch}/", "").strip()
        raise SourceError(
            f"{path.name!r} cannot be read as a table: {text}. Check the file, or export it again"
        ) from error


def require_module(name: str) -> Any:  # noqa: ANN401 - DuckDB is typed loosely, and may be absent
    """Import a module of the extra `db`.

    Raises:
        SourceError: if it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SourceError(_EXTRA) from error


@contextmanager
def _confined(duckdb: Any, path: Path, scratch: Path) -> Generator[tuple[Any, Path]]:  # noqa: ANN401
    """Open a database in memory that can read one file and write to `scratch`, and nothing else."""
    # Under a plain name: DuckDB takes the brackets of `a[1].json` for a pattern.
    readable = scratch / f"input{typed_suffix(path)}"
    spill = scratch / "spill"
    readable.symlink_to(path.resolve())
    config = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": MEMORY_LIMIT,
        "threads": 1,
        "temp_directory": str(spill),
    }
    try:
        with closing(duckdb.connect(":memory:", config=config)) as database:
            database.execute(f"SET allowed_paths = [{_quoted(str(readable))}]")
            database.execute(f"SET allowed_directories = [{_quoted(str(spill))}]")
            database.execute("SET enable_external_access = false")
            database.execute("SET lock_configuration = true")
            yield database, readable
    finally:
        readable.unlink()


def _reader(path: Path, readable: Path) -> str:
    file = _quoted(str(readable))
    if typed_suffix(path) in PARQUET_SUFFIXES:
        return f"read_parquet({file})"
    # One level deep, each field comes as it is spelt: no guess about dates or numbers is made.
    return (
        f"read_json({file}, maximum_depth = 1, sample_size = -1, "
        f"maximum_object_size = {LARGEST_RECORD})"
    )


def _types(
    database: Any,  # noqa: ANN401
    reader: str,
    selection: Selection,
    table: str,
) -> dict[str, str]:
    """Return DuckDB's types of the columns to read, by name."""
    described = database.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    types: dict[str, str] = {row[0]: row[1] for row in described}
    return {name: types[name] for name in selection.wanted(table, list(types))}


def _cast(name: str, duckdb_type: str) -> str:
    """Return the expression that gives a column in a way that Python can take it exactly."""
    match duckdb_type:
        case "TIMESTAMP WITH TIME ZONE":
            # As a moment in UTC, spelt out: fetching one needs a module of time zones.
            spelt = f"strftime(make_timestamp(epoch_us({name})), '%Y-%m-%dT%H:%M:%S.%fZ')"
            return f"regexp_replace({spelt}, '\\.0+Z$', 'Z')"
        case "TIMESTAMP_NS" | "TIMESTAMP_MS" | "TIMESTAMP_S":
            return f"CAST({name} AS TIMESTAMP)"
        case "FLOAT":
            # By its shortest spelling: 0.1 and not 0.10000000149011612.
            return f"CAST(CAST({name} AS VARCHAR) AS DOUBLE)"
        case "INTERVAL" | "BIT":
            return f"CAST({name} AS VARCHAR)"
        case _:
            return name


def _as_it_is(value: object) -> object:
    return value


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


_MADE: dict[str, Callable[[Any], object]] = {
    "JSON": json.loads,
    "TIMESTAMP WITH TIME ZONE": _in_utc,
}
"""What makes a value of what was fetched, by DuckDB's type."""


def _batches(fetch: Callable[[int], list[Sequence[object]]]) -> Iterator[Sequence[object]]:
    while rows := fetch(_BATCH):
        yield from rows


def _start(path: Path) -> bytes:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path, "rb") as packed:
                return packed.read(_SNIFFED)
        with path.open("rb") as file:
            return file.read(_SNIFFED)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(
            f"{path.name!r} cannot be unpacked: expected a whole gzip file, got: {error}. "
            "Compress it again or give the plain file"
        ) from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
