"""The three kinds of world: opened once, changed by calls, undone when a call fails."""

import json
import sqlite3
from typing import Any, Protocol, cast

from astra_arena.sandbox.guest import determinism

_STEPS_PER_CHECK = 10_000
_LARGEST_DUMP = 1 << 20
# Pages beyond these are read from the image again, which is memory, too, and shared by sessions.
# Measured on 300,000 rows: as fast as 500 pages, at half the memory of a session after a full scan.
_CACHED_PAGES = 16
_CALL = "call"


class WorldError(Exception):
    """What a call did to the world cannot be kept."""


class World(Protocol):
    """Data that outlives a call."""

    size: int
    """Bytes that the world takes."""
    lost: bool
    """Whether the state before the call could not be restored."""

    def begin(self, steps: int) -> object:
        """Start a call; returns what the tool gets as its first argument."""
        ...

    def commit(self) -> None:
        """Keep what the call did.

        Raises:
            WorldError: if it cannot be kept.
        """
        ...

    def undo(self) -> None:
        """Restore the state before the call."""
        ...

    def out_of_steps(self) -> bool:
        """Tell whether the call used up its SQL budget."""
        ...


class SqliteWorld:
    """A database in memory; every call is a savepoint."""

    def __init__(self, image: bytes) -> None:
        self.size = len(image)
        self.lost = False
        self._checks_left = 0
        self._in_call = False
        self._db = db = sqlite3.connect(":memory:", isolation_level=None)
        determinism.install_sql(db)
        if image:
            db.deserialize(image)
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("PRAGMA recursive_triggers=ON")
        db.execute("PRAGMA foreign_keys=ON")
        db.execute(f"PRAGMA cache_size={_CACHED_PAGES}")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        db.set_authorizer(self._authorize)

    def begin(self, steps: int) -> object:
        """Open a savepoint and start the step budget."""
        db = self._db
        # Tool code may have set these on the connection in an earlier call.
        db.row_factory = None
        db.text_factory = str
        db.isolation_level = None
        db.execute(f"SAVEPOINT {_CALL}")
        self._checks_left = max(1, steps // _STEPS_PER_CHECK)
        db.set_progress_handler(self._count_steps, _STEPS_PER_CHECK)
        self._in_call = True
        return db

    def commit(self) -> None:
        """Release the savepoint."""
        self._in_call = False
        self._db.set_progress_handler(None, 0)
        if not self._db.in_transaction:
            raise WorldError("the tool ended the transaction that its call runs in")
        try:
            self._db.execute(f"RELEASE {_CALL}")
        except sqlite3.Error as error:
            raise WorldError(f"{type(error).__name__}: {error}") from error

    def undo(self) -> None:
        """Roll back to the savepoint."""
        self._in_call = False
        try:
            self._db.set_progress_handler(None, 0)
            # Some conflicts and errors end the transaction; what ran after that is there to stay.
            self.lost = not self._db.in_transaction
            if not self.lost:
                self._db.execute(f"ROLLBACK TO {_CALL}")
                self._db.execute(f"RELEASE {_CALL}")
        except sqlite3.Error:
            self.lost = True

    def out_of_steps(self) -> bool:
        """Tell whether the progress handler stopped a statement."""
        return self._checks_left <= 0

    def _count_steps(self) -> bool:
        self._checks_left -= 1
        return self._checks_left <= 0

    def _authorize(self, action: int, *_: str | None) -> int:
        refused = self._in_call and action in _REFUSED
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


_REFUSED = frozenset(
    {
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
    }
)


class JsonWorld:
    """A dict; between calls it is what its dump says, whatever tools put into it."""

    def __init__(self, image: bytes) -> None:
        self._dump = image.decode("utf-8")
        self._value = _loaded(self._dump)
        self.size = len(image)
        self.lost = False

    def begin(self, steps: int) -> object:
        """Return the dict itself."""
        return self._value

    def commit(self) -> None:
        """Dump the dict and read it back, so that no tuple, integer key or shared list survives."""
        self._dump = _dumped(self._value)
        self._value = _loaded(self._dump)

    def undo(self) -> None:
        """Read the last dump again."""
        self._value = _loaded(self._dump)

    def out_of_steps(self) -> bool:
        """Return `False`: there is no SQL."""
        return False


class PythonWorld:
    """An object of the tool code's own, made by its `open_world` and dumped by its `dump_world`."""

    def __init__(self, image: bytes) -> None:
        self._dump = image.decode("utf-8")
        self._value: object = None
        self._functions: dict[str, Any] = {}
        _loaded(self._dump)
        self.size = len(image)
        self.lost = False

    def attach(self, functions: dict[str, Any]) -> None:
        """Open the world with the tool code's functions."""
        self._functions = functions
        self._value = functions["open_world"](_loaded(self._dump))
        self._dump = self._dumped()

    def begin(self, steps: int) -> object:
        """Return what `open_world` returned."""
        return self._value

    def commit(self) -> None:
        """Dump the world."""
        self._dump = self._dumped()

    def undo(self) -> None:
        """Open a world from the last dump; `lost` when the tool code fails at it."""
        try:
            self._value = self._functions["open_world"](_loaded(self._dump))
        except BaseException:
            self.lost = True

    def out_of_steps(self) -> bool:
        """Return `False`: there is no SQL."""
        return False

    def _dumped(self) -> str:
        dump: object = self._functions["dump_world"](self._value)
        if not isinstance(dump, dict):
            raise WorldError(f"expected a dict from dump_world, got {type(dump).__name__}")
        return _dumped(cast("dict[Any, Any]", dump))


def opened_world(kind: str, image: bytes) -> World:
    """Open a world of `kind` from the bytes of its file.

    Raises:
        ValueError: if the bytes are not such a world.
    """
    try:
        if kind == "sqlite":
            return SqliteWorld(image)
        if len(image) > _LARGEST_DUMP:
            raise ValueError(f"expected at most {_LARGEST_DUMP} bytes, got {len(image)}")
        return JsonWorld(image) if kind == "json" else PythonWorld(image)
    except sqlite3.Error as error:
        raise ValueError(f"not a database that can be read: {error}") from error


def _loaded(dump: str) -> dict[str, Any]:
    value = json.loads(dump)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return cast("dict[str, Any]", value)


def _dumped(value: object) -> str:
    try:
        dump = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise WorldError(f"the world is no longer JSON: {error}") from error
    if len(dump) > _LARGEST_DUMP:
        raise WorldError(f"the world grew over {_LARGEST_DUMP} bytes")
    return dump
