"""JSON Schemas of tools: are they usable, and do values satisfy them?

Validation is by Draft 2020-12. `jsonschema-rs` finds out quickly that all is well; whatever it does
not accept is judged and put into words by `jsonschema`. Messages name the place, what was expected
and what came, and never quote more than a few characters of what came.

Patterns are compared by `jsonschema-rs` alone, which gives up after so many steps: Python's `re`
may take years for a text that an agent chose. What it cannot compile is refused.
"""

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import NoReturn, cast

import jsonschema_rs
from jsonschema import Draft202012Validator, exceptions
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError

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

_SHOWN_CHARS = 80


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
    # The two differ in the regular expressions that they know.
    if b'"pattern' not in schema_bytes and _accepts(_quick_meta_validator(), schema):
        return None
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error.message
    unknown = next((one for one in _patterns_in(schema) if _compiled(one) is None), None)
    if unknown is not None:
        return f"{_spelt(unknown)} is no pattern that can be compared in bounded time"
    return None


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
def _compiled(pattern: str) -> jsonschema_rs.Validator | None:
    return _quick_validator(canonical_bytes({"pattern": pattern}))


def _unmatched_pattern(
    validator: object, pattern: str, instance: object, schema: object
) -> Iterator[ValidationError]:
    """Judge the keyword `pattern`, as the library calls its keywords."""
    del validator, schema
    if isinstance(instance, str) and not _accepts(_compiled(pattern), instance):
        yield ValidationError(f"{_spelt(instance)} does not match {_spelt(pattern)}")


@lru_cache(maxsize=1)
def _quick_meta_validator() -> jsonschema_rs.Validator | None:
    return _quick_validator(canonical_bytes(cast("JsonObject", Draft202012Validator.META_SCHEMA)))


def _quick_validator(schema_bytes: bytes) -> jsonschema_rs.Validator | None:
    """Compile a schema for the quick way; `None` where only the slow one knows what to do."""
    try:
        return jsonschema_rs.Draft202012Validator(
            json.loads(schema_bytes), retriever=_refuse_to_fetch
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return None


def _refuse_to_fetch(address: str, /) -> NoReturn:
    raise ValueError(f"{address} is not part of the schema")


def _accepts(validator: jsonschema_rs.Validator | None, value: object) -> bool:
    """Tell whether a value is known to be good."""
    try:
        return validator is not None and validator.is_valid(value)
    except (ValueError, RecursionError):
        return False


@lru_cache(maxsize=4096)
def _validators(
    schema_bytes: bytes,
) -> tuple[jsonschema_rs.Validator | None, Draft202012Validator]:
    return _quick_validator(schema_bytes), _WORDING(json.loads(schema_bytes))


_WORDING = cast(
    "type[Draft202012Validator]",
    extend(Draft202012Validator, {"pattern": _unmatched_pattern}),  # pyright: ignore[reportUnknownMemberType]
)


class Checker:
    """Checks values against one schema; compiled once.

    Args:
        schema: A schema that `require_object_schema` accepts.
    """

    __slots__ = ("_names_by_pattern", "_quick", "_validator")

    def __init__(self, schema: JsonObject) -> None:
        text = canonical_bytes(schema)
        self._quick, self._validator = _validators(text)
        # The library compares names by `re` in several of its keywords.
        self._names_by_pattern = b'"patternProperties"' in text

    def finding(self, value: Json) -> str | None:
        """Return why `value` breaks the schema, or `None` when it satisfies it."""
        if _accepts(self._quick, value):
            return None
        if self._names_by_pattern:
            return _quick_finding(self._quick, value)
        try:
            error = _best_match(self._validator, value)
        except RecursionError:
            return "the value is nested too deeply"
        return None if error is None else _explain(error)


def _best_match(validator: Draft202012Validator, value: Json) -> ValidationError | None:
    # The stubs leave both functions partly untyped.
    errors = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType]
    best_match = exceptions.best_match  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("ValidationError | None", best_match(errors))


def _quick_finding(validator: jsonschema_rs.Validator | None, value: Json) -> str:
    if validator is None:
        return "its schema cannot be used"
    error = next(iter(validator.iter_errors(value)), None)
    if error is None:
        return "the value cannot be judged"
    return _at(error.instance_path, error.message)


def _explain(error: ValidationError) -> str:
    return _at(error.absolute_path, _message(error))


def _at(path: Iterable[object], message: str) -> str:
    where = "/".join(str(part) for part in path)
    prefix = f"{where}: " if where else ""
    return prefix + (message if len(message) <= 300 else message[:297] + "...")


def _message(error: ValidationError) -> str:
    """Say what was expected also where one of several schemas had to hold."""
    reasons = [_reason(cause) for cause in error.context or ()]
    if not reasons:
        return _reason(error)
    # '"x" is not of type integer' and '"x" is not of type null' share all words but their last.
    words = [reason.split(" ") for reason in reasons]
    shared = sum(
        1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))
    )
    return " ".join([*words[0][:shared], " or ".join(" ".join(own[shared:]) for own in words)])


def _reason(error: ValidationError) -> str:
    """Say what one keyword wants, with values as JSON spells them."""
    # The library types both loosely; they come from JSON.
    wanted = cast("Json", error.validator_value)
    came = cast("Json", error.instance)
    match error.validator, wanted, came:
        case "type", _, _:
            types = wanted if isinstance(wanted, list) else [wanted]
            names = " or ".join(str(name) for name in types)
            return f"{_spelt(came)} is not of type {names}"
        case "enum", list(), _:
            return f"{_spelt(came)} is not one of {', '.join(_spelt(value) for value in wanted)}"
        case "const", _, _:
            return f"{_spelt(came)} is not {_spelt(wanted)}"
        case "required", list(), dict():
            missing = [str(name) for name in wanted if name not in came]
            return f"{_listed(missing)} is required but missing"
        case "additionalProperties", False, dict():
            schema = cast("JsonObject", error.schema)
            return error.message if "patternProperties" in schema else _unknown(schema, came)
        case "maxLength", _, str():
            return f"{_spelt(came)} is longer than {wanted} characters"
        case "minLength", _, str():
            return f"{_spelt(came)} is shorter than {wanted} characters"
        case "minimum", _, _:
            return f"{_spelt(came)} is less than the minimum of {_spelt(wanted)}"
        case "maximum", _, _:
            return f"{_spelt(came)} is greater than the maximum of {_spelt(wanted)}"
        case _:
            return error.message


def _unknown(schema: JsonObject, came: JsonObject) -> str:
    properties = schema.get("properties")
    allowed = list(properties) if isinstance(properties, dict) else []
    unknown = _listed([name for name in came if name not in allowed][:3])
    if not allowed:
        return f"{unknown} is not allowed; nothing is"
    return f"{unknown} is not allowed, only: {', '.join(allowed)}"


def _listed(names: list[str]) -> str:
    return ", ".join(_spelt(name) for name in names)


def _spelt(value: Json) -> str:
    """Return a value as JSON, cut to what a reader needs."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "a value that is too large to show"
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


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
