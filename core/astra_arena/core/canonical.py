"""Canonical JSON: one byte string for each JSON value, and digests over it.

Two values are the same argument exactly when their canonical bytes are equal. Keys are sorted by
code point, there is no white space, everything outside ASCII is escaped (so lone surrogates, which
JSON text can carry, have bytes too), and a float without a fraction is written as an integer, as
JSON Schema and JavaScript treat `1.0` and `1` as one number. Integers keep every digit, unlike in
RFC 8785, because keys of real tables exceed 2**53.
"""

import hashlib
import json
import math
from typing import TypeAlias, cast

from pydantic import JsonValue

from astra_arena.core.errors import SpecError

Json: TypeAlias = JsonValue
"""Any JSON value."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object."""

DIGEST_PREFIX = "sha256:"

# `json.dumps` makes an encoder for each call that differs from its defaults.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def normalised(value: object) -> Json:
    """Return `value` with every float that has no fraction turned into an integer.

    Raises:
        SpecError: for NaN, infinities and values that are not JSON; JSON has no spelling for them.
    """
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool:
        # Most values are these, and matching patterns takes several times as long.
        return cast("Json", value)
    match value:
        case int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise SpecError(f"expected a JSON number, got {value!r}: JSON has no such number")
            return int(value) if value.is_integer() else value
        case list():
            return [normalised(item) for item in cast(list[object], value)]
        case dict():
            items = cast(dict[object, object], value).items()
            return {_key(key): normalised(item) for key, item in items}
        case _:
            raise SpecError(f"expected a JSON value, got {type(value).__name__}")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise SpecError(f"expected a string as object key, got {key!r}")
    return key


def canonical_bytes(value: Json) -> bytes:
    r"""Return the one byte string that stands for `value`.

    >>> canonical_bytes({"b": 1.0, "a": [True, None, "é"]})
    b'{"a":[true,null,"\\u00e9"],"b":1}'

    Raises:
        SpecError: if `value` is not finite JSON or is nested too deeply to be walked.
    """
    try:
        text = _CANONICAL.encode(normalised(value))
    except RecursionError:
        raise SpecError("expected JSON of moderate depth, got one nested too deeply") from None
    except ValueError as error:
        # Python refuses to spell integers of thousands of digits: that takes quadratic time.
        raise SpecError(f"expected a number of moderate size: {error}") from None
    return text.encode("ascii")


def same_json(left: Json, right: Json) -> bool:
    """Tell whether two JSON values are the same argument: equal canonical bytes."""
    return canonical_bytes(left) == canonical_bytes(right)


def pretty_text(value: Json) -> str:
    """Return `value` as the indented text of artefacts; keys keep their order, for readers."""
    return json.dumps(normalised(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def line_text(value: Json) -> str:
    """Return `value` as one line of JSONL, newline included; keys keep their order."""
    return json.dumps(normalised(value), ensure_ascii=False, allow_nan=False) + "\n"


def digest_of_bytes(*chunks: bytes) -> str:
    """Return the SHA-256 of the chunks, each framed by its length so that no two lists collide."""
    sha = hashlib.sha256()
    for chunk in chunks:
        sha.update(len(chunk).to_bytes(8, "big"))
        sha.update(chunk)
    return DIGEST_PREFIX + sha.hexdigest()


def digest_of(value: Json) -> str:
    """Return the digest of a JSON value's canonical bytes."""
    return digest_of_bytes(canonical_bytes(value))
