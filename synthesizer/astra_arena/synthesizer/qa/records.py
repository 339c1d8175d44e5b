"""The records of a file of questions: JSON lines, or one JSON list; plain or compressed."""

import gzip
import hashlib
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SourceError

_CHUNK = 1 << 20
_LIST_FIELDS = ("data", "questions", "examples")
"""Where some files keep their list."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it stands in the file."""

    index: int
    """From 0."""
    where: str
    """For messages: `train.jsonl line 7`."""
    data: JsonObject | None
    """`None` when it is no JSON object."""
    problem: str = ""
    raw: str = ""
    """The text of what is no JSON object, so that it is not lost."""


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        SourceError: if it cannot be read.
    """
    sha = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                sha.update(chunk)
    except OSError as error:
        raise SourceError(f"expected a file of questions at {path}: {error.strerror}") from None
    return f"sha256:{sha.hexdigest()}"


def records_of(path: Path) -> Iterator[RawRecord]:
    """Give the records of a file in their order; lines are read one at a time.

    Raises:
        SourceError: if the file cannot be read, or is no JSON at all.
    """
    with _opened(path) as file:
        start = _first_byte(file)
        file.seek(0)
        if start == b"[" or (start == b"{" and not _is_lines(file)):
            file.seek(0)
            yield from _whole(file, path)
        else:
            file.seek(0)
            yield from _lines(file, path)


@contextmanager
def _opened(path: Path) -> Generator[IO[bytes]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield cast("IO[bytes]", file)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"expected a file of questions at {path}: {reason}") from None


def _first_byte(file: IO[bytes]) -> bytes:
    while byte := file.read(1):
        if not byte.isspace() and byte not in b"\xef\xbb\xbf":
            return byte
    return b""


def _is_lines(file: IO[bytes]) -> bool:
    """Tell whether the first line is a JSON object of its own."""
    try:
        return isinstance(json.loads(file.readline()), dict)
    except ValueError:
        return False


def _lines(file: IO[bytes], path: Path) -> Iterator[RawRecord]:
    index = 0
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        try:
            data = json.loads(line.decode("utf-8-sig"))
        except ValueError as error:
            text = line.decode("utf-8", "replace").rstrip("\n")
            yield RawRecord(index, where, None, f"expected JSON: {error}", text)
        else:
            yield _record(index, where, data)
        index += 1


def _whole(file: IO[bytes], path: Path) -> Iterator[RawRecord]:
    try:
        data = json.loads(file.read().decode("utf-8-sig"))
    except ValueError as error:
        raise SourceError(f"{path}: expected JSON: {error}") from None
    held: object = data
    if isinstance(data, dict):
        named = cast("dict[str, object]", data)
        lists = [named[one] for one in _LIST_FIELDS if isinstance(named.get(one), list)]
        held = lists[0] if lists else named
    items = cast("list[object]", held) if isinstance(held, list) else [held]
    for index, one in enumerate(items):
        yield _record(index, f"{path.name} record {index + 1}", one)


def _record(index: int, where: str, data: object) -> RawRecord:
    if isinstance(data, dict):
        return RawRecord(index, where, cast("JsonObject", data))
    raw = json.dumps(data, ensure_ascii=False)
    return RawRecord(index, where, None, f"expected an object, got {type(data).__name__}", raw)
