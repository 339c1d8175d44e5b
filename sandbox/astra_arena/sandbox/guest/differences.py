"""What a session changed in total, as data: rows by their keys, or values by JSON Pointer.

Nothing but the state decides it: equal states have equal differences, those that were cut too.
"""

import hashlib
import heapq
import io
import itertools
import json
import marshal
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Any, TypeAlias, cast

LARGEST_DIFFERENCE = 256 << 10
"""Bytes of JSON that a difference may have."""
PART = 64
"""Columns that are encoded together; a function of SQL takes 100 arguments in every build."""
_MOST_ENTRIES = 2000

_Path: TypeAlias = "tuple[_Path, str] | None"


class _Absent:
    """Where one of two values has nothing."""


_ABSENT = _Absent()


@dataclass(frozen=True)
class TableDifference:
    """The rows of a table that are gone since the start and those that are new, as encoded."""

    table: str
    columns: tuple[str, ...]
    key: tuple[tuple[str, int], ...]
    """The primary key's columns, as JSON spells their names, with their places, in the order of
    canonical JSON; empty when there is none."""
    gone: list[bytes]
    came: list[bytes]

    def entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield at least as many entries, by key, as a difference may have."""
        before, after = self._first(self.gone), self._first(self.came)
        for key in sorted({*before, *after}):
            pairs = itertools.zip_longest(before.get(key, ()), after.get(key, ()))
            for number, (old, new) in enumerate(pairs, 1):
                # Rows without a key of their own are told apart by a number.
                name = key if number == 1 else _text({**json.loads(key), "$n": number})
                yield name, {"before": self._row(old), "after": self._row(new)}

    def _first(self, rows: list[bytes]) -> dict[str, list[bytes]]:
        keyed = ((self._key_of(row), row) for row in rows)
        first: dict[str, list[bytes]] = {}
        for key, row in heapq.nsmallest(_MOST_ENTRIES + 1, keyed):
            first.setdefault(key, []).append(row)
        return first

    def _key_of(self, encoded: bytes) -> str:
        if self.key:
            values = _decoded(encoded)
            return "{" + ",".join([f"{name}:{_spelt(values[at])}" for name, at in self.key]) + "}"
        row = _text(self._row(encoded))
        return _text({"$row": hashlib.sha256(row.encode("ascii")).hexdigest()})

    def _row(self, encoded: bytes | None) -> dict[str, Any] | None:
        if encoded is None:
            return None
        return dict(zip(self.columns, map(_json_of, _decoded(encoded)), strict=True))


class _Room:
    """How much more a difference may hold."""

    def __init__(self) -> None:
        self.full = False
        self._bytes = LARGEST_DIFFERENCE
        self._entries = _MOST_ENTRIES

    def takes(self, key: str, entry: dict[str, Any]) -> bool:
        self._bytes -= len(_text({key: entry}))
        self._entries -= 1
        self.full = self._bytes < 0 or self._entries < 0
        return not self.full


def row_difference(tables: Iterable[TableDifference]) -> dict[str, Any]:
    """Return the difference of a database."""
    room = _Room()
    found: dict[str, dict[str, Any]] = {}
    for table in tables:
        for key, entry in table.entries():
            if not room.takes(key, entry):
                return {"tables": found, "truncated": True}
            found.setdefault(table.table, {})[key] = entry
    return {"tables": found}


def value_difference(before: object, after: object) -> dict[str, Any]:
    """Return the difference of two JSON values, at the deepest places that differ."""
    room = _Room()
    found: dict[str, Any] = {}
    waiting: list[tuple[_Path, object, object]] = [(None, before, after)]
    while waiting:
        path, old, new = waiting.pop()
        inner = _inner(path, old, new)
        if inner is not None:
            waiting += inner
        elif _differ(old, new):
            pointer, entry = _pointer(path), _entry(old, new)
            if not room.takes(pointer, entry):
                return {"values": found, "truncated": True}
            found[pointer] = entry
    return {"values": found}


def _inner(path: _Path, old: object, new: object) -> list[tuple[_Path, object, object]] | None:
    """Return what two containers hold, last first; `None` if they are compared as wholes."""
    if isinstance(old, dict) and isinstance(new, dict):
        was, now = cast("dict[str, object]", old), cast("dict[str, object]", new)
        names = sorted({*was, *now}, reverse=True)
        return [((path, key), was.get(key, _ABSENT), now.get(key, _ABSENT)) for key in names]
    if isinstance(old, list) and isinstance(new, list):
        left, right = cast("list[object]", old), cast("list[object]", new)
        if len(left) == len(right):
            places = range(len(left) - 1, -1, -1)
            return [((path, str(place)), left[place], right[place]) for place in places]
    return None


def _differ(old: object, new: object) -> bool:
    if old is _ABSENT or new is _ABSENT:
        return True
    # Not `==`, for which true is 1; and no two containers of equal shape come here.
    return any(isinstance(value, dict | list) for value in (old, new)) or _text(old) != _text(new)


def _entry(old: object, new: object) -> dict[str, Any]:
    if old is _ABSENT:
        return {"after": new, "absent": True}
    if new is _ABSENT:
        return {"before": old, "absent": True}
    return {"before": old, "after": new}


def _pointer(path: _Path) -> str:
    tokens: list[str] = []
    while path is not None:
        path, token = path
        tokens.append(token.replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{token}" for token in reversed(tokens))


def _decoded(encoded: bytes) -> Sequence[Any]:
    if len(values := marshal.loads(encoded)) < PART:
        return values
    # Wide rows were written in parts.
    source = io.BytesIO(encoded)
    parts: list[Any] = []
    while source.tell() < len(encoded):
        parts += marshal.load(source)
    return parts


def key_columns(columns: Sequence[str], key: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return what `TableDifference.key` holds for the columns of a primary key."""
    return tuple((_text(name), columns.index(name)) for name in sorted(key))


def _spelt(value: object) -> str:
    """Return a value's JSON; a mass update has hundreds of thousands of keys."""
    if type(value) is int:
        return str(value)
    return encode_basestring_ascii(value) if type(value) is str else _text(_json_of(value))


def _json_of(value: object) -> object:
    if isinstance(value, bytes):
        return {"$bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, float):
        if not math.isfinite(value):
            return {"$real": str(value)}
        # The project's canonical JSON has one spelling for a number.
        return int(value) if value.is_integer() else value
    return value


_text = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
