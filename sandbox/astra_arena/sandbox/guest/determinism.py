"""Freezes the clocks and seeds the random sources that tool code can reach from Python and SQL.

Not covered: the kernel's clock and random numbers through native code, the addresses of objects.
"""

import datetime
import functools
import gc
import hashlib
import os
import random
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

_SECOND_NS = 1_000_000_000
# SQLite takes no more unless it was built to.
_MOST_SQL_ARGUMENTS = 128

SqlValue: TypeAlias = str | bytes | int | float | None
_Seed: TypeAlias = int | float | str | bytes | bytearray | None


class _Clock:
    def __init__(self) -> None:
        self.ns = 0
        self.text = ""


class _Stream:
    """Bytes that follow from a key: SHA-256 in counter mode."""

    def __init__(self) -> None:
        self._key = b""
        self._counter = 0
        self._buffer = bytearray()

    def restart(self, key: bytes) -> None:
        self._key = key
        self._counter = 0
        self._buffer.clear()

    def take(self, size: int) -> bytes:
        if size < 0:
            raise ValueError("negative argument not allowed")
        while len(self._buffer) < size:
            block = self._key + self._counter.to_bytes(8, "big")
            self._buffer += hashlib.sha256(block).digest()
            self._counter += 1
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


_clock = _Clock()
_stream = _Stream()
_native_seed = random.Random.seed


def install() -> None:
    """Replace the clocks and random sources of this process; children inherit them.

    Raises:
        RuntimeError: if this Python does not let itself be frozen.
    """
    _install_time()
    _install_datetime()
    _install_random()
    set_clock("2000-01-01T00:00:00Z")
    if datetime.datetime.now().year != 2000 or datetime.date.today().year != 2000:
        raise RuntimeError("the clock of this Python cannot be frozen")


def set_clock(moment: str) -> None:
    """Set the frozen time.

    Args:
        moment: ISO 8601, UTC, with seconds.
    """
    parsed = datetime.datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=datetime.UTC)
    since = parsed - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    _clock.ns = (since.days * 86400 + since.seconds) * _SECOND_NS + since.microseconds * 1000
    _clock.text = parsed.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def reseed(key: bytes) -> None:
    """Start all random streams anew from `key`."""
    _stream.restart(key)
    random.seed(int.from_bytes(key, "big"))
    for name in ("_last_timestamp", "_last_timestamp_v7"):
        if hasattr(uuid, name):
            setattr(uuid, name, None)


def install_sql(connection: sqlite3.Connection) -> None:
    """Replace the clock and random functions of SQL on one connection."""
    # The originals live on a connection of their own: an overridden function cannot be reached.
    originals = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for name in ("date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"):
        function = _sql_time_function(originals, name)
        if function is not None:
            connection.create_function(name, -1, function, deterministic=True)
    for name in ("date", "time", "timestamp"):
        now = _sql_now(originals, "datetime" if name == "timestamp" else name)
        connection.create_function(f"current_{name}", 0, now, deterministic=True)
    connection.create_function("random", 0, _sql_random)
    connection.create_function("randomblob", 1, _sql_randomblob)


def _sql_time_function(originals: sqlite3.Connection, name: str) -> Callable[..., SqlValue] | None:
    known = originals.execute(
        "SELECT count(*) FROM pragma_function_list WHERE name = ?", (name,)
    ).fetchone()
    if not known[0]:
        return None
    implied = 1 if name == "strftime" else 0
    queries = [f"SELECT {name}({','.join('?' * count)})" for count in range(_MOST_SQL_ARGUMENTS)]

    # Small: what a session caches is its own memory.
    @functools.lru_cache(maxsize=512, typed=True)
    def evaluate(*values: SqlValue) -> SqlValue:
        given: Sequence[SqlValue] = values
        if len(values) == implied:
            given = (*values, _clock.text)
        if any(map(_is_now, values)):
            given = [_clock.text if _is_now(value) else value for value in given]
        return cast("SqlValue", originals.execute(queries[len(given)], given).fetchone()[0])

    return evaluate


def _is_now(value: SqlValue) -> bool:
    return isinstance(value, str) and value.lower() == "now"


def _sql_now(originals: sqlite3.Connection, name: str) -> Callable[[], SqlValue]:
    def now() -> SqlValue:
        row = originals.execute(f"SELECT {name}(?)", (_clock.text,)).fetchone()
        return cast("SqlValue", row[0])

    return now


def _sql_random() -> int:
    value = int.from_bytes(_stream.take(8), "big", signed=True)
    # As the original does: the smallest integer has no absolute value.
    return value if value >= 0 else -(value & 0x7FFF_FFFF_FFFF_FFFF)


def _sql_randomblob(size: SqlValue) -> bytes:
    wanted = int(size) if isinstance(size, int | float) else 1
    return _stream.take(max(1, wanted))


def _install_time() -> None:
    def seconds(*_: object) -> float:
        return _clock.ns / _SECOND_NS

    def nanoseconds(*_: object) -> int:
        return _clock.ns

    for name in (
        "time",
        "monotonic",
        "perf_counter",
        "process_time",
        "thread_time",
        "clock_gettime",
    ):
        setattr(time, name, seconds)
        setattr(time, f"{name}_ns", nanoseconds)
    for name in ("gmtime", "localtime", "ctime"):
        setattr(time, name, _with_default_time(getattr(time, name)))
    for name in ("asctime", "strftime"):
        setattr(time, name, _with_default_moment(getattr(time, name)))
    time.sleep = lambda seconds: None


def _with_default_time(native: Callable[[float], object]) -> Callable[..., object]:
    def at(seconds: float | None = None) -> object:
        return native(_clock.ns // _SECOND_NS if seconds is None else seconds)

    return at


def _with_default_moment(native: Callable[..., str]) -> Callable[..., str]:
    # The moment comes last; `strftime` has the form before it.
    expected = 2 if native is time.strftime else 1

    def written(*values: object) -> str:
        return native(*values) if len(values) >= expected else native(*values, time.gmtime())

    return written


def _install_datetime() -> None:
    import ctypes

    def now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
        moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
            microseconds=_clock.ns // 1000
        )
        local = moment.replace(tzinfo=None) if tz is None else moment.astimezone(tz)
        if cls is datetime.datetime:
            return local
        return cls.combine(local.date(), local.timetz())

    def utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
        return now(cls)

    # A subclass would not do: `isinstance` and `type(x) is datetime` must keep their meaning for
    # values made in C. `today` needs nothing: it asks `time.time`.
    namespace: dict[str, Any] = gc.get_referents(vars(datetime.datetime))[0]
    namespace["now"] = classmethod(now)
    namespace["utcnow"] = classmethod(utcnow)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))


def _install_random() -> None:
    def seed(self: random.Random, a: _Seed = None, version: int = 2) -> None:
        _native_seed(self, int.from_bytes(_stream.take(32), "big") if a is None else a, version)

    hidden = cast("dict[str, Any]", vars(random))
    random.Random.seed = seed
    random.seed = hidden["_inst"].seed
    hidden["_urandom"] = _stream.take
    os.urandom = _stream.take
    os.getrandom = lambda size, flags=0: _stream.take(size)
    # Without the C library's generator and the network card, uuid1 follows from the two above.
    identity = cast("dict[str, Any]", vars(uuid))
    identity["_generate_time_safe"] = None
    identity["_node"] = 0x02_00_00_00_00_01
