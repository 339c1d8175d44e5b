"""The kinds of world: opened once, changed by calls, undone when a call fails."""

import hashlib
import json
import sqlite3
from typing import Any, cast

from astra_arena.sandbox.guest.differences import value_difference
from astra_arena.sandbox.guest.sqlite_world import SqliteWorld
from astra_arena.sandbox.guest.world import World, WorldError

_LARGEST_DUMP = 1 << 20


class JsonWorld:
    """A dict; between calls it is what its dump says, whatever tools put into it."""

    def __init__(self, image: bytes) -> None:
        self._value = _loaded(image.decode("utf-8"))
        # As a commit would write it, so that a call that changes nothing is seen to.
        self._dump = self._start = _dumped(self._value)
        self.size = len(image)
        self.lost = False

    def begin(self, steps: int) -> object:
        """Return the dict itself."""
        return self._value

    def commit(self) -> bytes:
        """Dump the dict and read it back, so that no tuple, integer key or shared list survives."""
        before, self._dump = self._dump, _dumped(self._value)
        self._value = _loaded(self._dump)
        return _trace(before, self._dump)

    def undo(self) -> None:
        """Read the last dump again."""
        self._value = _loaded(self._dump)

    def out_of_steps(self) -> bool:
        """Return `False`: there is no SQL."""
        return False

    def digest(self) -> str:
        """Return the digest of the dump."""
        return _digest(self._dump)

    def difference(self) -> dict[str, Any]:
        """Return the values that differ from the first dump's."""
        return value_difference(_numbered(self._start), _numbered(self._dump))


class PythonWorld:
    """An object of the tool code's own, made by its `open_world` and dumped by its `dump_world`."""

    def __init__(self, image: bytes) -> None:
        self._dump = self._start = image.decode("utf-8")
        self._value: object = None
        self._functions: dict[str, Any] = {}
        _loaded(self._dump)
        self.size = len(image)
        self.lost = False

    def attach(self, functions: dict[str, Any]) -> None:
        """Open the world with the tool code's functions."""
        self._functions = functions
        self._value = functions["open_world"](_loaded(self._dump))
        self._dump = self._start = self._dumped()

    def begin(self, steps: int) -> object:
        """Return what `open_world` returned."""
        return self._value

    def commit(self) -> bytes:
        """Dump the world."""
        before, self._dump = self._dump, self._dumped()
        return _trace(before, self._dump)

    def undo(self) -> None:
        """Open a world from the last dump; `lost` when the tool code fails at it."""
        try:
            self._value = self._functions["open_world"](_loaded(self._dump))
        except BaseException:
            self.lost = True

    def out_of_steps(self) -> bool:
        """Return `False`: there is no SQL."""
        return False

    def digest(self) -> str:
        """Return the digest of the dump."""
        return _digest(self._dump)

    def difference(self) -> dict[str, Any]:
        """Return the values that differ from the first dump's."""
        return value_difference(_numbered(self._start), _numbered(self._dump))

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


def _trace(before: str, dump: str) -> bytes:
    return b"" if dump == before else hashlib.sha256(dump.encode("utf-8", "surrogatepass")).digest()


def _digest(dump: str) -> str:
    # The project's canonical JSON: the order of keys means nothing.
    value = _numbered(dump)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _numbered(dump: str) -> object:
    # 1.0 and 1 are one number.
    return json.loads(dump, parse_float=_number)


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number
