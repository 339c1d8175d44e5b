"""Turns a user's tables into a clean world: one SQLite file with ordinary tables.

A source is an SQLite database, a file or folder of CSV, Parquet or JSON tables, or the address of
a database; several make one world. Equal sources give equal bytes. Keys are not looked for here,
and values are not repaired.
"""

import os
import sqlite3
import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SourceError, SynthesisError
from astra_arena.synthesizer.sources.csv_tables import csv_suffix, load_csv
from astra_arena.synthesizer.sources.database_address import DatabaseAddress
from astra_arena.synthesizer.sources.database_tables import load_database
from astra_arena.synthesizer.sources.selection import Selection
from astra_arena.synthesizer.sources.source_kinds import (
    FileSource,
    Source,
    SourceKind,
    SqliteSource,
    kind_of,
    listed_sources,
    table_name,
)
from astra_arena.synthesizer.sources.sqlite_parts import merge_database, table_names
from astra_arena.synthesizer.sources.sqlite_tables import (
    PAGE_SIZE,
    copy_database,
    describe_table,
)
from astra_arena.synthesizer.sources.table_info import (
    InputFile,
    Table,
    file_digest,
)
from astra_arena.synthesizer.sources.typed_files import load_typed_file


@dataclass(frozen=True, slots=True)
class LoadedTables:
    """The tables of a source in a scratch database, which lives as long as the `with` block."""

    connection: sqlite3.Connection
    tables: tuple[Table, ...]
    notices: tuple[str, ...]
    """What was left out or read differently from what the source says, for the user."""
    inputs: tuple[InputFile, ...]
    provenance: JsonObject = field(default_factory=dict[str, Json])
    """What was left out at the user's wish or for size, by name and number."""


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


def build_world(source: Source | Sequence[Source], out: Path) -> WorldReport:
    """Write the tables of one or more sources as the world file `out`, replacing what lies there.

    Raises:
        SourceError: if the source cannot be read, or holds no rows.
        SynthesisError: if `out` cannot be written.
    """
    paths = [one for one in listed_sources(source) if isinstance(one, Path) or "://" not in one]
    if out.exists() and any(Path(one).exists() and out.samefile(one) for one in paths):
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
def load_tables(
    source: Source | Sequence[Source], *, exclude: Sequence[str] = ()
) -> Generator[LoadedTables]:
    """Read the tables of one or more sources into a scratch database.

    The connection may be changed, for instance to give tables keys, before `write_world`.

    Args:
        exclude: Patterns of tables and columns that are not read: `logs`, `customers.email`.

    Raises:
        SourceError: if a source cannot be read, or all hold no rows.
        SettingsError: if a pattern fits nothing.
    """
    sources = listed_sources(source)
    kinds = [kind_of(one) for one in sources]
    selection = Selection(exclude)
    with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
        loading = _Loading(Path(folder), selection)
        for kind in kinds:
            loading.load(kind)
        selection.require_known()
        with closing(loading.open()) as connection:
            tables = loading.described(connection)
            _require_rows(kinds, tables)
            empty = [t for t in tables if not t.rows]
            notices = [f"table {table.name!r} has no rows: it gets no tools" for table in empty]
            excluded = selection.excluded
            yield LoadedTables(
                connection,
                tables,
                (*loading.notices, *notices),
                tuple(loading.inputs),
                {"excluded": list[Json](excluded)} if excluded else {},
            )


class _Loading:
    """The scratch database while sources are read into it."""

    def __init__(self, folder: Path, selection: Selection) -> None:
        self._folder = folder
        self._scratch = folder / "scratch.sqlite"
        self._selection = selection
        self._known: dict[str, Table] = {}
        self._taken: dict[str, str] = {}
        self.notices: list[str] = []
        self.inputs: list[InputFile] = []

    def open(self) -> sqlite3.Connection:
        """Open the scratch database."""
        connection = sqlite3.connect(self._scratch)
        # Nothing of the scratch file is worth a journal: it goes when anything fails.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def described(self, connection: sqlite3.Connection) -> tuple[Table, ...]:
        """Describe all tables, in the order in which they were read."""
        return tuple(
            self._known.get(name) or describe_table(connection, name)
            for name in table_names(connection)
        )

    def load(self, kind: SourceKind) -> None:
        """Read one source.

        Raises:
            SourceError: if it cannot be read, or has a table of a name that is taken.
        """
        match kind:
            case SqliteSource():
                self.inputs += _digests(kind.files)
                self._load_sqlite(kind.path)
            case FileSource():
                self.inputs += _digests(kind.files)
                if kind.ignored:
                    self.notices.append(f"not read: {', '.join(map(repr, kind.ignored))}")
                for path in kind.files:
                    self._load_file(path)
            case DatabaseAddress():
                self._load_address(kind)

    def _load_sqlite(self, path: Path) -> None:
        if not self._scratch.exists():
            self.notices += copy_database(path, self._scratch, self._selection)
            with closing(self.open()) as connection:
                self._take(table_names(connection), path.name)
            return
        other = self._folder / f"other-{len(self.inputs)}.sqlite"
        self.notices += copy_database(path, other, self._selection)
        with closing(self.open()) as connection, closing(sqlite3.connect(other)) as there:
            self._take(table_names(there), path.name)
            merge_database(connection, other)

    def _load_file(self, path: Path) -> None:
        name = table_name(path)
        if not self._selection.wants(name):
            return
        with closing(self.open()) as connection:
            self._take([name], path.name)
            if csv_suffix(path) is not None:
                table, notices = load_csv(connection, path, name, self._selection)
            else:
                scratch = self._folder
                table, notices = load_typed_file(connection, path, name, self._selection, scratch)
        self.notices += notices
        if table is not None:
            self._known[table.name] = table

    def _load_address(self, address: DatabaseAddress) -> None:
        # Into a file of its own, so that two databases cannot mix up their names.
        other = self._folder / f"other-{len(self.inputs)}.sqlite"
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            tables, notices, digest = load_database(connection, address, self._selection)
        with closing(self.open()) as connection:
            self._take([table.name for table in tables], address.title)
            merge_database(connection, other)
        self._known |= {table.name: table for table in tables}
        self.notices += notices
        self.inputs.append(digest)

    def _take(self, names: Sequence[str], what: str) -> None:
        for name in names:
            earlier = self._taken.get(name.casefold())
            self._taken[name.casefold()] = what
            if earlier is not None:
                raise SourceError(
                    f"{earlier!r} and {what!r} would be the same table {name!r}: expected names "
                    "that differ (capitals do not count). Rename or remove one, or leave both out "
                    "with --exclude"
                )


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


def _digests(files: Sequence[Path]) -> list[InputFile]:
    try:
        return [InputFile(path.name, file_digest(path)) for path in files]
    except OSError as error:
        raise SourceError(
            f"{str(error.filename)!r} cannot be read: {error.strerror or error}. Check the path "
            "and its permissions"
        ) from error


def _require_rows(kinds: Sequence[SourceKind], tables: tuple[Table, ...]) -> None:
    if any(table.rows for table in tables):
        return
    match kinds:
        case [FileSource(path=path, files=files)]:
            what = f"folder {path.name!r}" if path.is_dir() else f"{path.name!r}"
            is_void = all(file.stat().st_size == 0 for file in files)
            found = "has a header but no rows" if tables and not is_void else "is empty"
            raise SourceError(
                f"{what} {found if len(files) == 1 else 'holds no rows'}: expected a line of "
                "column names and at least one row of data. Add rows, or give another file"
            )
        case [SqliteSource(path=path)]:
            what = f"database {path.name!r} holds"
        case [DatabaseAddress(title=title)]:
            what = f"the {title} holds"
        case _:
            what = "the sources hold"
    found = f"{len(tables)} without any" if tables else "no table at all"
    raise SourceError(
        f"{what} no rows: expected at least one table with rows, found {found}. Give data, or "
        "exclude less"
    )
