"""Which rows of a database were written since it was opened, and what they were before.

Triggers of the TEMP schema tell a Python function about every row before it is first changed. What
they tell is a fact about the state at the start, so nothing here has to be taken back when a
statement or a call is undone, and a call that only reads costs nothing.
"""

import hashlib
import itertools
import marshal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

from astra_arena.sandbox.guest.differences import PART, TableDifference, key_columns

RESERVED = "_arena_"
"""How all names begin that observe a database."""

_SEQUENCE = "sqlite_sequence"
_COUNTER = ("name", "seq")
_MOST_KEY_COLUMNS = 16
# Its values have one encoding, unlike those of later versions, which depend on shared references.
_MARSHAL = 2

_Value: TypeAlias = str | bytes | int | float | None
_Row: TypeAlias = tuple[_Value, ...]
_Key: TypeAlias = _Value | _Row
_Sink: TypeAlias = Callable[[bytes], None]


class _Table:
    """A table that is written under observation."""

    def __init__(
        self, name: str, columns: list[str], key: list[str], *, primary_key: list[str]
    ) -> None:
        self.name = name
        self.columns = list(map(_quoted, columns))
        self.key = key
        self._names = tuple(columns)
        self._primary_key = key_columns(columns, primary_key)
        self.before: dict[_Key, bytes | None] = {}
        """What each row that was ever written was at the start; `None` for no row."""
        self.touched: set[_Key] = set()
        """Keys that the current call has written."""
        self.taking = False
        """Whether the row that is being told is to be kept."""
        listed = ", ".join([*key, *self.columns])
        matching = " AND ".join(f"{column} = ?" for column in key)
        self.query = f"SELECT {listed} FROM main.{_quoted(name)} WHERE {matching}"

    def current(self, db: sqlite3.Connection, key: _Key) -> tuple[_Key, bytes] | None:
        """Return the row under `key` as it is now, with its key as it is spelt now."""
        width = len(self.key)
        sought = key if isinstance(key, tuple) else (key,)
        row: _Row | None = db.execute(self.query, sought).fetchone()
        if row is None:
            return None
        return row[0] if width == 1 else row[:width], _encoded(row[width:])

    def difference(self, db: sqlite3.Connection) -> TableDifference:
        """Return the rows that are gone since the start and those that are new, sorted."""
        gone: list[bytes] = []
        came: list[bytes] = []
        # Keys that a collation takes for equal find one row.
        seen: set[_Key] = set()
        for key, before in self.before.items():
            found = self.current(db, key)
            now = None
            if found is not None and found[0] not in seen:
                now = found[1]
                seen.add(found[0])
            if now != before:
                gone += [] if before is None else [before]
                came += [] if now is None else [now]
        changed = _without_common(gone, came)
        return TableDifference(self.name, self._names, self._primary_key, *changed)

    def take_touched(self, db: sqlite3.Connection) -> list[bytes]:
        """Return the rows that the current call wrote as they are now, and forget the call."""
        rows: list[bytes] = []
        for key in self.touched:
            found = self.current(db, key)
            rows.append(marshal.dumps(key, _MARSHAL) + (b"" if found is None else found[1]))
        self.touched = set()
        return sorted(rows)


class Capture:
    """Observes every table of a connection's main database.

    Args:
        db: A connection without an authorizer.

    Raises:
        ValueError: if the database uses a reserved name.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._tables: list[_Table] = []
        taken = f"SELECT name FROM sqlite_schema WHERE name LIKE '{RESERVED}%'"
        if db.execute(taken).fetchone() is not None:
            raise ValueError(f"names that start with {RESERVED!r} are reserved")
        names = db.execute(
            "SELECT name, type, wr FROM pragma_table_list"
            " WHERE schema = 'main' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name"
        ).fetchall()
        views = {name for name, kind, _ in names if kind == "view"}
        found = (_described(db, name, bool(wr)) for name, kind, wr in names if kind == "table")
        self._tables = [table for table in found if table is not None]
        exists = f"SELECT 1 FROM sqlite_schema WHERE name = '{_SEQUENCE}'"
        self._counts_keys = db.execute(exists).fetchone() is not None
        self._start = self._sequence = self._sequences()
        db.create_function(f"{RESERVED}was", -1, self._was)
        db.create_function(f"{RESERVED}new", -1, self._new)
        self.triggers = frozenset(self._observe())
        """Names of the triggers; nothing else may use what they use."""
        self.writable = views | {table.name for table in self._tables} | {_SEQUENCE}
        """Tables and views through which nothing is written unobserved."""

    def counted_keys(self) -> bool:
        """Tell whether the current call used up an AUTOINCREMENT key; no count of changes does.

        An insertion that is ignored may.
        """
        return self._counts_keys and self._sequences() != self._sequence

    def take_trace(self, sink: _Sink) -> None:
        """Tell `sink` what the current call wrote, and begin the next call."""
        for table in self._tables:
            if table.touched:
                _add(sink, table.name, table.take_touched(self._db))
        self._sequence = self._sequences()
        _add(sink, _SEQUENCE, self._sequence)

    def forget_call(self) -> None:
        """Begin the next call after one that left nothing."""
        for table in self._tables:
            if table.touched:
                table.touched = set()
        self._sequence = self._sequences()

    def digest(self, world: bytes) -> str:
        """Return the digest of the state: the world's digest and the difference since then."""
        sha = hashlib.sha256(world)
        for changed in self.differences():
            if changed.gone or changed.came:
                _add(sha.update, changed.table, changed.gone)
                _add(sha.update, changed.table, changed.came)
        return f"sha256:{sha.hexdigest()}"

    def differences(self) -> Iterable[TableDifference]:
        """Yield what is different since the start, by table, the counters of keys last."""
        for table in self._tables:
            if table.before:
                yield table.difference(self._db)
        changed = _without_common(self._start, self._sequences())
        yield TableDifference(_SEQUENCE, _COUNTER, key_columns(_COUNTER, _COUNTER[:1]), *changed)

    def _sequences(self) -> list[bytes]:
        # Part of the state: it decides the next key. No table of the system can have triggers.
        if not self._counts_keys:
            return []
        query = f"SELECT name, seq FROM main.{_SEQUENCE}"
        rows: list[_Row] = self._db.execute(query).fetchall()
        return sorted(map(_encoded, rows))

    def _observe(self) -> Iterable[str]:
        for number, table in enumerate(self._tables):
            for name, text in _triggers(number, table):
                self._db.execute(f"CREATE TEMP TRIGGER {name} {text}")
                yield name

    def _was(self, number: int, part: int, *values: _Value) -> None:
        table = self._tables[number]
        width = len(table.key)
        key = values[0] if width == 1 else values[:width]
        if part:
            if table.taking:
                table.before[key] = (table.before[key] or b"") + _dumped(values[width:])
            return
        table.touched.add(key)
        table.taking = False
        if key not in table.before:
            table.before[key] = _dumped(values[width:])
            table.taking = True

    def _new(self, number: int, *values: _Value) -> None:
        table = self._tables[number]
        key = values[0] if len(values) == 1 else values
        table.touched.add(key)
        table.before.setdefault(key, None)


def _described(db: sqlite3.Connection, name: str, without_rowid: bool) -> _Table | None:
    """Describe a table; `None` if its rows have no name."""
    rows = db.execute(
        "SELECT name, pk, type FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", (name,)
    ).fetchall()
    columns = [column for column, _, _ in rows]
    primary_key = [column for column, pk, _ in sorted(rows, key=lambda row: row[1]) if pk]
    if without_rowid:
        if len(primary_key) > _MOST_KEY_COLUMNS:
            return None
        key = list(map(_quoted, primary_key))
    else:
        names = {column.lower() for column in columns}
        free = (alias for alias in ("rowid", "_rowid_", "oid") if alias not in names)
        key = list(itertools.islice(free, 1))
    return _Table(name, columns, key, primary_key=primary_key) if key else None


def _triggers(number: int, table: _Table) -> Iterable[tuple[str, str]]:
    # Before, because a cascade may write the same row again until an AFTER trigger runs. Triggers
    # of the TEMP schema run first among equals.
    on = f"ON main.{_quoted(table.name)}"
    was = _was_calls(number, table, "old")
    yield f"{RESERVED}delete_{number}", f"BEFORE DELETE {on} BEGIN {was} END"
    yield f"{RESERVED}update_{number}", f"BEFORE UPDATE {on} BEGIN {was} END"
    new_key = ", ".join(f"new.{column}" for column in table.key)
    new = f"SELECT {RESERVED}new({number}, {new_key});"
    yield f"{RESERVED}insert_{number}", f"AFTER INSERT {on} BEGIN {new} END"
    same = " AND ".join(
        f"new.{column} COLLATE BINARY IS old.{column} COLLATE BINARY" for column in table.key
    )
    matching = " AND ".join(f"r.{column} = new.{column}" for column in table.key)
    source = f" FROM {_quoted(table.name)} AS r WHERE {matching}"
    replaced = _was_calls(number, table, "r", source)
    moved = f"BEFORE UPDATE {on} WHEN NOT ({same}) BEGIN {replaced} {new} END"
    yield f"{RESERVED}move_{number}", moved


def _was_calls(number: int, table: _Table, row: str, source: str = "") -> str:
    key = "".join(f", {row}.{column}" for column in table.key)
    parts = range(0, max(1, len(table.columns)), PART)
    return " ".join(
        f"SELECT {RESERVED}was({number}, {start}{key}"
        + "".join(f", {row}.{column}" for column in table.columns[start : start + PART])
        + f"){source};"
        for start in parts
    )


def _encoded(row: _Row) -> bytes:
    if len(row) <= PART:
        return _dumped(row)
    return b"".join(_dumped(row[start : start + PART]) for start in range(0, len(row), PART))


def _dumped(values: _Row) -> bytes:
    return marshal.dumps(values, _MARSHAL)


def _without_common(gone: list[bytes], came: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    # A row that only moved to another hidden rowid is no difference.
    before, now = Counter(gone), Counter(came)
    return sorted((before - now).elements()), sorted((now - before).elements())


def _add(sink: _Sink, table: str, rows: list[bytes]) -> None:
    for chunk in (table.encode("utf-8"), len(rows).to_bytes(8, "big"), *rows):
        sink(len(chunk).to_bytes(8, "big"))
        sink(chunk)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
