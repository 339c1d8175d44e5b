"""Reads CSV and TSV files into plain tables of an SQLite connection.

A file is UTF-8 text (a byte order mark is allowed), plain or gzipped, quoted as in RFC 4180, with
the column names in its first line. It is read twice, once for the types and once for the rows, so
that memory does not grow with its size.
"""

import csv
import gzip
import sqlite3
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.column_types import SQL_TYPES, TypeGuess, converter
from astra_arena.synthesizer.sources.selection import Selection
from astra_arena.synthesizer.sources.table_info import Column, Table, quote_identifier

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""The delimiter of each kind of file; `.gz` may follow the suffix."""

CSV_SUFFIXES = tuple(suffix + packed for suffix in DELIMITERS for packed in ("", ".gz"))

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Record(NamedTuple):
    """One row of a file and the line that it starts on."""

    line: int
    fields: list[str]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file whose header has been read and found good."""

    path: Path
    table: str
    delimiter: str
    columns: tuple[str, ...]


def csv_suffix(path: Path) -> str | None:
    """Return the suffix that makes `path` a CSV file for this module, or None."""
    name = path.name.lower()
    return next((suffix for suffix in CSV_SUFFIXES if name.endswith(suffix)), None)


def load_csv(
    connection: sqlite3.Connection, path: Path, table_name: str, selection: Selection
) -> tuple[Table | None, tuple[str, ...]]:
    """Create and fill one table from one file.

    Returns:
        The table, `None` for a file without a header or with no column to read, and notices: what
        was left out or read differently from what the file says.

    Raises:
        SourceError: if the file cannot be read as a table; the message names file and line.
    """
    source, notices = _open_csv(path, table_name)
    if source is None:
        return None, tuple(notices)
    wanted = selection.wanted(table_name, source.columns)
    if not wanted:
        return None, tuple(notices)
    places = [source.columns.index(name) for name in wanted]
    guesses = [TypeGuess() for _ in wanted]
    rows = 0
    for record in _rows(source):
        rows += 1
        for guess, place in zip(guesses, places, strict=True):
            guess.see(record.fields[place])
    columns = tuple(
        Column(name, SQL_TYPES[guess.logical_type], guess.logical_type, guess.missing)
        for name, guess in zip(wanted, guesses, strict=True)
    )
    marked = [
        f"{column.name!r} ({guess.missing_marks})"
        for column, guess in zip(columns, guesses, strict=True)
        if guess.missing_marks and column.logical_type == "text"
    ]
    if marked:
        found = ", ".join(marked)
        notices.append(f"table {source.table!r}: 'NA' was read as NULL in text columns: {found}")
    table = Table(source.table, columns, rows)
    _fill(connection, source, table)
    return table, tuple(notices)


def _fill(connection: sqlite3.Connection, source: CsvFile, table: Table) -> None:
    name = quote_identifier(table.name)
    columns = ", ".join(f"{quote_identifier(c.name)} {c.sql_type}" for c in table.columns)
    convert = [
        (converter(column.logical_type), source.columns.index(column.name))
        for column in table.columns
    ]
    rows = (
        [to_value(record.fields[place]) for to_value, place in convert] for record in _rows(source)
    )
    places = ", ".join("?" * len(table.columns))
    try:
        with connection:
            connection.execute(f"CREATE TABLE {name} ({columns})")
            connection.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
    except sqlite3.Error as error:
        raise SourceError(f"{source.path.name!r} cannot become a table: {error}") from error


def _open_csv(path: Path, table: str) -> tuple[CsvFile | None, list[str]]:
    delimiter = DELIMITERS[(csv_suffix(path) or ".csv").removesuffix(".gz")]
    header = next(_records(path, delimiter), None)
    if header is None:
        return None, [f"{path.name!r} is empty: it gets no tools"]
    notices: list[str] = []
    # A header of one name with a semicolon in it is what spreadsheets write in many locales.
    if delimiter == "," and len(header.fields) == 1 and ";" in header.fields[0]:
        delimiter = ";"
        header = next(_records(path, delimiter))
        notices.append(f"table {table!r}: fields are separated by ';'")
    columns = tuple(field.strip() for field in header.fields)
    _require_names(path, header.line, columns)
    return CsvFile(path, table, delimiter, columns), notices


def _require_names(path: Path, line: int, columns: tuple[str, ...]) -> None:
    where = f"{path.name!r}, line {line}"
    seen: dict[str, int] = {}
    for place, name in enumerate(columns, start=1):
        if not name:
            raise SourceError(
                f"{where}: column {place} of {len(columns)} has no name: expected the column names "
                "in the first line. Name it or remove it"
            )
        # SQLite takes `id` and `ID` for one name.
        earlier = seen.setdefault(name.lower(), place)
        if earlier != place:
            raise SourceError(
                f"{where}: columns {earlier} and {place} are both named {name!r}: expected names "
                "that differ (capitals do not count). Rename one"
            )


def _rows(source: CsvFile) -> Iterator[Record]:
    expected = len(source.columns)
    records = _records(source.path, source.delimiter)
    next(records)
    for record in records:
        if len(record.fields) != expected:
            raise SourceError(
                f"{source.path.name!r}, line {record.line}: expected {expected} fields, as in the "
                f"header, found {len(record.fields)}. Quote fields that hold a "
                f"{source.delimiter!r} or fill the row"
            )
        yield record


def _records(path: Path, delimiter: str) -> Iterator[Record]:
    with _reading(path) as file:
        # Strict: a quote that is never closed would otherwise swallow the rest of the file.
        reader = csv.reader(_lines(path, file), delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader, None)
            except csv.Error as error:
                raise SourceError(
                    f"{path.name!r}, line {line}: expected CSV with fields quoted as in RFC 4180, "
                    f"got: {error}. Correct the quotes of this row"
                ) from error
            if fields is None:
                return
            if fields:
                yield Record(line, fields)


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    start = 0
    for number, data in enumerate(file, start=1):
        text = data.removeprefix(_BYTE_ORDER_MARK) if number == 1 else data
        try:
            line = text.decode("utf-8")
        except UnicodeDecodeError as error:
            offset = start + len(data) - len(text) + error.start
            raise SourceError(
                f"{path.name!r}, line {number}: expected UTF-8 text, found byte "
                f"0x{text[error.start]:02x} at offset {offset}. Save the file as UTF-8"
            ) from error
        if "\0" in line:
            offset = start + data.index(0)
            raise SourceError(
                f"{path.name!r}, line {number}: expected UTF-8 text, found a zero byte at offset "
                f"{offset}. Save the file as UTF-8 (not UTF-16)"
            )
        yield line
        start += len(data)


@contextmanager
def _reading(path: Path) -> Generator[BinaryIO]:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path, "rb") as unpacked:
                yield cast("BinaryIO", unpacked)
        else:
            with path.open("rb") as file:
                yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(
            f"{path.name!r} cannot be unpacked: expected a whole gzip file, got: {error}. "
            "Compress it again or give the plain file"
        ) from error
    except OSError as error:
        raise SourceError(
            f"{path.name!r} cannot be read: {error.strerror or error}. Check the file and its "
            "permissions"
        ) from error
