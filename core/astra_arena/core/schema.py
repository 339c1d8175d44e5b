"""JSON Schemas of tools: are they usable, and do values satisfy them?

Validation is by Draft 2020-12. `jsonschema-rs` finds out quickly that all is well; whatever it does
not accept is judged and put into words by `jsonschema`. Messages name the place, what was expected
and what came, and never quote more than a few characters of what came.

Patterns are compared by `jsonschema-rs` alone, which gives up after so many steps: Python's `re`
may take years for a text that an agent chose. What it cannot compile is refused.
"""

import json
from collections.abc import Iterator
from functools import lru_cache

import jsonschema_rs

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.schema_validators import (
    accepts,
    compiled_pattern,
    quick_finding,
    quick_validator,
    spelt,
)

RESERVED_TOOL_NAMES = frozenset(
    {
        "reply",
        "reset",
        "step",
        "state",
        "close",
        "verify",
        "seed_session",
        "aggregate_metrics",
        "mcp",
    }
)
"""Names that the runtimes of other projects, or ours, give a meaning of their own."""


def require_object_schema(schema: JsonObject, *, what: str) -> None:
    """Check that `schema` is a valid JSON Schema whose root is literally an object.

    One tool without an object at the root makes `tools/list` fail for every client that speaks an
    older revision of MCP, so neither input nor output schemas may lack it.

    Raises:
        SpecError: saying what is wrong with it.
    """
    finding = _schema_finding(canonical_bytes(schema))
    if finding is not None:
        raise SpecError(f"{what}: not a valid JSON Schema: {finding}")
    if schema.get("type") != "object":
        came = schema.get("type")
        raise SpecError(f'{what}: expected "type": "object" at the root, got {came!r}')


@lru_cache(maxsize=4096)
def _schema_finding(schema_bytes: bytes) -> str | None:
    schema = json.loads(schema_bytes)
    # The two differ in the regular expressions that they know, and the quick one in its draft.
    plain = b'"pattern' not in schema_bytes and b'"$schema"' not in schema_bytes
    if plain and _is_quickly_valid(schema):
        return None
    from astra_arena.core.schema_wording import schema_problem

    problem = schema_problem(schema)
    if problem is not None:
        return problem
    unknown = next((one for one in _patterns_in(schema) if compiled_pattern(one) is None), None)
    if unknown is not None:
        return f"{spelt(unknown)} is no pattern that can be compared in bounded time"
    return None


def _is_quickly_valid(schema: JsonObject) -> bool:
    try:
        return jsonschema_rs.meta.is_valid(schema)
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError):
        return False


def _patterns_in(schema: Json) -> Iterator[str]:
    match schema:
        case dict():
            for key, inner in schema.items():
                if key == "pattern" and isinstance(inner, str):
                    yield inner
                if key == "patternProperties" and isinstance(inner, dict):
                    yield from inner
                yield from _patterns_in(inner)
        case list():
            for inner in schema:
                yield from _patterns_in(inner)
        case _:
            return


@lru_cache(maxsize=4096)
def _quick(schema_bytes: bytes) -> jsonschema_rs.Validator | None:
    return quick_validator(schema_bytes)


class Checker:
    """Checks values against one schema; compiled once.

    Args:
        schema: A schema that `require_object_schema` accepts.
    """

    __slots__ = ("_names_by_pattern", "_quick", "_schema_bytes")

    def __init__(self, schema: JsonObject) -> None:
        self._schema_bytes = canonical_bytes(schema)
        self._quick = _quick(self._schema_bytes)
        # The other library compares names by `re` in several of its keywords.
        self._names_by_pattern = b'"patternProperties"' in self._schema_bytes

    def finding(self, value: Json) -> str | None:
        """Return why `value` breaks the schema, or `None` when it satisfies it."""
        if accepts(self._quick, value):
            return None
        if self._names_by_pattern:
            return quick_finding(self._quick, value)
        from astra_arena.core.schema_wording import value_problem

        return value_problem(self._schema_bytes, value)


def with_defaults(schema: JsonObject, arguments: JsonObject) -> JsonObject:
    """Return the arguments with every absent top-level property that has a default filled in.

    Calls are compared and logged in this form, so that leaving an argument out and spelling its
    default are one call.
    """
    properties = schema.get("properties")
    filled = dict(arguments)
    if isinstance(properties, dict):
        for name, rule in properties.items():
            if name not in filled and isinstance(rule, dict) and "default" in rule:
                filled[name] = rule["default"]
    return filled
