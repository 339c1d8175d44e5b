"""Which kind of source a user names: a database file, files of tables, or a database's address."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.csv_tables import csv_suffix
from astra_arena.synthesizer.sources.database_address import DatabaseAddress, parse_address
from astra_arena.synthesizer.sources.sqlite_tables import database_files, is_database
from astra_arena.synthesizer.sources.typed_files import holds_records, typed_suffix

Source: TypeAlias = Path | str
"""A path, or the address of a database: `postgresql://user@host/name`."""

SUPPORTED = (
    "an SQLite database, a .csv, .tsv, .parquet, .json or .jsonl file (text also as .gz), a folder "
    "of such files, or the address of a database (postgresql://… or mysql://…)"
)
"""What a source may be, for messages."""

_SQLITE_ADDRESS = re.compile(r"sqlite(?:\+\w+)?://(?:localhost)?/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files of tables, one or those of a folder."""

    path: Path
    files: tuple[Path, ...]
    ignored: tuple[str, ...]
    """Names in the folder that are not read."""


@dataclass(frozen=True, slots=True)
class SqliteSource:
    """An SQLite database."""

    path: Path
    files: tuple[Path, ...]
    """The database and what else holds a part of it."""


SourceKind: TypeAlias = FileSource | SqliteSource | DatabaseAddress


def listed_sources(source: Source | Sequence[Source]) -> tuple[Source, ...]:
    """Return one source or several as several.

    Raises:
        SourceError: if there is none.
    """
    sources = (source,) if isinstance(source, Path | str) else tuple(source)
    if not sources:
        raise SourceError(f"no source was named: expected {SUPPORTED}")
    return tuple(_path_of(one) for one in sources)


def source_title(source: Source) -> str:
    """Return what a source is called in bundles: no folder, host, user or password.

    Raises:
        SourceError: if it is an address that cannot be used.
    """
    address = parse_address(source) if isinstance(source, str) else None
    return Path(source).name if address is None else address.title


def plain_name(source: Source) -> str:
    """Return a name for what is made of a source: its file's or folder's, or its database's.

    Raises:
        SourceError: if it is an address that cannot be used.
    """
    address = parse_address(source) if isinstance(source, str) else None
    if address is not None:
        return address.database
    path = Path(source)
    return path.name.split(".")[0] or path.resolve().name


def kind_of(source: Source) -> SourceKind:
    """Find out what a source is, and which files belong to it.

    Raises:
        SourceError: if it is nothing that can be read.
    """
    address = parse_address(source) if isinstance(source, str) else None
    if address is not None:
        return address
    path = Path(source)
    try:
        return _file_kind(path)
    except OSError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read: {error.strerror or error}. Check the path and its "
            "permissions"
        ) from error


def file_suffix(path: Path) -> str | None:
    """Return the suffix that makes `path` a file of a table, or None."""
    return csv_suffix(path) or typed_suffix(path)


def table_name(path: Path) -> str:
    """Return the name of the table that a file becomes: its own, without the suffix.

    Raises:
        SourceError: if SQLite allows no table of that name.
    """
    name = path.name[: -len(file_suffix(path) or "") or None]
    if not name or name.lower().startswith("sqlite_"):
        raise SourceError(
            f"{path.name!r} cannot name a table: expected a file name that is not empty and does "
            "not start with 'sqlite_', which SQLite keeps for itself. Rename the file"
        )
    return name


def _path_of(source: Source) -> Source:
    found = _SQLITE_ADDRESS.fullmatch(source) if isinstance(source, str) else None
    return source if found is None else Path(found[1].partition("?")[0])


def _file_kind(path: Path) -> FileSource | SqliteSource:
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        _refuse_address(path)
        raise SourceError(f"{str(path)!r} does not exist: expected {SUPPORTED}. Check the path")
    if path.is_file():
        if is_database(path):
            return SqliteSource(path, database_files(path))
        if file_suffix(path) is not None:
            return FileSource(path, (path,), ())
    raise SourceError(_unsupported(path))


def _folder(folder: Path) -> FileSource:
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    files = tuple(path for path in entries if path.is_file() and _is_table(path))
    others = [path.name for path in entries if path not in files]
    if not files:
        found = f"found only {', '.join(map(repr, others))}" if others else "it is empty"
        raise SourceError(
            f"folder {str(folder)!r} holds no tables: expected .csv, .tsv, .parquet, .json or "
            f".jsonl files (text also as .gz); {found}. A database is given as a file, not by its "
            "folder"
        )
    return FileSource(folder, files, tuple(others))


def _is_table(path: Path) -> bool:
    # Folders of tables often hold settings or descriptions as JSON: those are no tables.
    if file_suffix(path) is None:
        return False
    with suppress(SourceError):
        return holds_records(path)
    return True


def _refuse_address(source: Path) -> None:
    # A path has lost one of the slashes, and the address may hold a password.
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", str(source))
    if found:
        raise SourceError(
            f"'{found[1]}://…' is an address that cannot be read: expected {SUPPORTED}. Fetch it "
            "first, or export its tables as CSV"
        )


def _unsupported(source: Path) -> str:
    if not source.is_file():
        return f"{str(source)!r} is neither a file nor a folder: expected {SUPPORTED}"
    with source.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return f"{source.name!r} is a Parquet file: give it the suffix .parquet"
    what = "is empty" if not start else "is none of these"
    return (
        f"expected {SUPPORTED}; {source.name!r} {what}. Check the path, or give text tables their "
        "suffix"
    )
