"""What a property's schema admits: types, listed values, null."""

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.synthesizer.gates.signatures import json_type

MAX_DEPTH = 8


def types_of(schema: Json, root: JsonObject, *, depth: int = 0) -> frozenset[str] | None:
    """Return the JSON types that a schema admits; `None` for all, or where it cannot be told."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return types_of(_referenced(reference, root), root, depth=depth + 1)
    for key in ("anyOf", "oneOf"):
        branches = schema.get(key)
        if isinstance(branches, list) and branches:
            found = [types_of(branch, root, depth=depth + 1) for branch in branches]
            known = [types for types in found if types is not None]
            return frozenset[str]().union(*known) if len(known) == len(found) else None
    if "const" in schema:
        return frozenset({json_type(schema["const"])})
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return frozenset({kinds})
    if isinstance(kinds, list):
        return frozenset(str(kind) for kind in kinds)
    listed = schema.get("enum")
    return frozenset(map(json_type, listed)) if isinstance(listed, list) else None


def _referenced(reference: str, root: JsonObject) -> Json:
    try:
        return resolve_pointer(root, reference.removeprefix("#"))
    except SpecError:
        return None


def allows_null(schema: JsonObject, root: JsonObject) -> bool:
    """Tell whether a schema admits null."""
    types = types_of(schema, root)
    return types is None or "null" in types


def enumerated(schema: JsonObject) -> list[Json] | None:
    """Return the values that a schema lists, null apart; `None` when it lists none."""
    if "const" in schema:
        return [schema["const"]]
    listed = schema.get("enum")
    if isinstance(listed, list):
        return [value for value in listed if value is not None]
    for key in ("anyOf", "oneOf"):
        branches = schema.get(key)
        if isinstance(branches, list):
            found = [enumerated(one) for one in branches if isinstance(one, dict)]
            known = [values for values in found if values is not None]
            nulls = sum(one == {"type": "null"} for one in branches)
            if known and len(known) + nulls == len(branches):
                return [value for values in known for value in values]
    return None
