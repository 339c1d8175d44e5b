"""The quick way to judge values by a schema: compiled, with patterns compared in bounded time."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import NoReturn

import jsonschema_rs

from astra_arena.core.canonical import Json, canonical_bytes

_SHOWN_CHARS = 80


@lru_cache(maxsize=4096)
def compiled_pattern(pattern: str) -> jsonschema_rs.Validator | None:
    """Compile a pattern; `None` where it cannot be compared in bounded time."""
    return quick_validator(canonical_bytes({"pattern": pattern}))


def quick_validator(schema_bytes: bytes) -> jsonschema_rs.Validator | None:
    """Compile a schema for the quick way; `None` where only the slow one knows what to do."""
    try:
        return jsonschema_rs.Draft202012Validator(
            json.loads(schema_bytes), retriever=_refuse_to_fetch
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return None


def _refuse_to_fetch(address: str, /) -> NoReturn:
    raise ValueError(f"{address} is not part of the schema")


def accepts(validator: jsonschema_rs.Validator | None, value: object) -> bool:
    """Tell whether a value is known to be good."""
    try:
        return validator is not None and validator.is_valid(value)
    except (ValueError, RecursionError):
        return False


def quick_finding(validator: jsonschema_rs.Validator | None, value: Json) -> str:
    """Return why a value that is not accepted breaks a schema, in the quick library's words."""
    if validator is None:
        return "its schema cannot be used"
    error = next(iter(validator.iter_errors(value)), None)
    if error is None:
        return "the value cannot be judged"
    return place_and_message(error.instance_path, error.message)


def place_and_message(path: Iterable[object], message: str) -> str:
    """Return a message with the place that it is about."""
    where = "/".join(str(part) for part in path)
    prefix = f"{where}: " if where else ""
    return prefix + (message if len(message) <= 300 else message[:297] + "...")


def spelt(value: Json) -> str:
    """Return a value as JSON, cut to what a reader needs."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "a value that is too large to show"
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
