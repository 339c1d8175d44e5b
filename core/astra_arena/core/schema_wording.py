"""Why a value or a schema is not good, in words; and the judgement where the quick way has none.

Loading the library behind this costs more than a whole stdio server may take to start, so this
module is imported when something is refused.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from typing import cast

from jsonschema import Draft202012Validator, exceptions
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.schema_validators import (
    accepts,
    compiled_pattern,
    place_and_message,
    spelt,
)


def schema_problem(schema: JsonObject) -> str | None:
    """Return why a schema is none of Draft 2020-12, or `None`."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error.message
    return None


@lru_cache(maxsize=4096)
def _validator(schema_bytes: bytes) -> Draft202012Validator:
    return _WORDING(json.loads(schema_bytes))


def value_problem(schema_bytes: bytes, value: Json) -> str | None:
    """Return why a value breaks a schema, or `None` when it satisfies it."""
    try:
        error = _best_match(_validator(schema_bytes), value)
    except RecursionError:
        return "the value is nested too deeply"
    return None if error is None else _explain(error)


def _unmatched_pattern(
    validator: object, pattern: str, instance: object, schema: object
) -> Iterator[ValidationError]:
    """Judge the keyword `pattern`, as the library calls its keywords."""
    del validator, schema
    if isinstance(instance, str) and not accepts(compiled_pattern(pattern), instance):
        yield ValidationError(f"{spelt(instance)} does not match {spelt(pattern)}")


_WORDING = cast(
    "type[Draft202012Validator]",
    extend(Draft202012Validator, {"pattern": _unmatched_pattern}),  # pyright: ignore[reportUnknownMemberType]
)


def _best_match(validator: Draft202012Validator, value: Json) -> ValidationError | None:
    # The stubs leave both functions partly untyped.
    errors = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType]
    best_match = exceptions.best_match  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("ValidationError | None", best_match(errors))


def _explain(error: ValidationError) -> str:
    return place_and_message(error.absolute_path, _message(error))


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
            return f"{spelt(came)} is not of type {names}"
        case "enum", list(), _:
            return f"{spelt(came)} is not one of {', '.join(spelt(value) for value in wanted)}"
        case "const", _, _:
            return f"{spelt(came)} is not {spelt(wanted)}"
        case "required", list(), dict():
            missing = [str(name) for name in wanted if name not in came]
            return f"{_listed(missing)} is required but missing"
        case "additionalProperties", False, dict():
            schema = cast("JsonObject", error.schema)
            return error.message if "patternProperties" in schema else _unknown(schema, came)
        case "maxLength", _, str():
            return f"{spelt(came)} is longer than {wanted} characters"
        case "minLength", _, str():
            return f"{spelt(came)} is shorter than {wanted} characters"
        case "minimum", _, _:
            return f"{spelt(came)} is less than the minimum of {spelt(wanted)}"
        case "maximum", _, _:
            return f"{spelt(came)} is greater than the maximum of {spelt(wanted)}"
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
    return ", ".join(spelt(name) for name in names)
