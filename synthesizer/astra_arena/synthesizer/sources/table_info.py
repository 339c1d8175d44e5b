"""What a table of a world is: its columns, their logical types, and how names are quoted in SQL."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from astra_arena.core.canonical import DIGEST_PREFIX

LogicalType: TypeAlias = Literal[
    "integer", "real", "boolean", "date", "datetime", "text", "blob", "mixed"
]
"""What the values of a column are. SQLite stores a `boolean` as INTEGER 0 or 1, and a `date` or
`datetime` as ISO 8601 text. `mixed` is a database's column that holds values of several kinds."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    sql_type: str
    """The type in CREATE TABLE; empty where a database declares none."""
    logical_type: LogicalType
    nulls: int
    """How many rows hold NULL."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table, its columns in order."""

    name: str
    columns: tuple[Column, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was read, named by its digest."""

    name: str
    digest: str
    """`sha256:` and the SHA-256 of the file's bytes as they lie on disk."""


def quote_identifier(name: str) -> str:
    """Return `name` as an SQL identifier, whatever characters or keyword it is.

    >>> quote_identifier('the "order" of things')
    '"the ""order"" of things"'
    """
    return '"' + name.replace('"', '""') + '"'


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return DIGEST_PREFIX + hashlib.file_digest(file, "sha256").hexdigest()
