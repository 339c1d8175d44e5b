"""Reads what a session says; the other side may be tool code that took the process over."""

import json
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from astra_arena.core.canonical import JsonObject, normalised
from astra_arena.core.errors import SpecError
from astra_arena.sandbox.contract import BrokeKind

# As deep as the guest lets a result be.
_DEEPEST_RESULT = 100


class Reply(msgspec.Struct, forbid_unknown_fields=True):
    """One reply of a session."""

    id: int
    ok: dict[str, Any] | None = None
    trace: str = ""
    failed: str | None = None
    broke: tuple[BrokeKind, str] | None = None
    lost: bool = False
    digest: str | None = None
    difference: str | None = None
    """JSON text, because a world may hold what results must not, like lone surrogates."""
    replayed: int | None = None
    branched: bool | None = None


_REPLY = msgspec.json.Decoder(Reply)


def reply_of(body: bytes) -> Reply:
    """Return the reply that a frame holds.

    Raises:
        ValueError: if it holds none.
    """
    try:
        return _REPLY.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def difference_of(text: bytes | str) -> JsonObject:
    """Return the state difference that JSON text holds.

    Raises:
        ValueError: if it holds none.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if not isinstance(value, dict) or not {"tables", "values"} & cast("JsonObject", value).keys():
        raise ValueError("expected the difference of a state")
    if not is_shallow(cast("JsonObject", value)):
        raise ValueError("expected JSON of moderate depth")
    try:
        return cast("JsonObject", normalised(cast("object", value)))
    except SpecError as error:
        raise ValueError(error.message) from error


def is_shallow(result: JsonObject) -> bool:
    """Tell whether a result is no deeper than a session lets it be.

    A session's own check may be gone; code that walks results must not meet its limits.
    """
    level: list[object] = [result]
    for _ in range(_DEEPEST_RESULT):
        level = [inner for value in level for inner in _containers(value)]
        if not level:
            return True
    return False


def _containers(value: object) -> Iterator[object]:
    held = cast("dict[str, object] | list[object]", value)
    for inner in held.values() if isinstance(held, dict) else held:
        if isinstance(inner, dict | list):
            yield cast("object", inner)
