"""Sampled arguments satisfy their schema, whatever it asks for among what is covered."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.client.argument_sampler import sample_arguments
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.schema import Checker

NAMES = ["id", "title", "when", "price", "tags", "kind"]
FORMATS = ["date", "date-time", "time", "email", "uri", "uuid"]
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4)


@st.composite
def number_schemas(draw: st.DrawFn) -> JsonObject:
    kind = draw(st.sampled_from(["integer", "number"]))
    low = draw(st.integers(-1000, 1000))
    high = low + draw(st.integers(2, 500))
    schema: JsonObject = {"type": kind}
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = high
    return schema


@st.composite
def string_schemas(draw: st.DrawFn) -> JsonObject:
    if draw(st.booleans()):
        return {"type": "string", "format": draw(st.sampled_from(FORMATS))}
    least = draw(st.integers(0, 5))
    return {"type": "string", "minLength": least, "maxLength": least + draw(st.integers(0, 5))}


def value_schemas() -> st.SearchStrategy[JsonObject]:
    enums = st.lists(SCALARS, min_size=1, max_size=4).map(lambda values: {"enum": values})
    constants = SCALARS.map(lambda value: {"const": value})
    plain = st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}])
    leaves: st.SearchStrategy[Any] = number_schemas() | string_schemas() | enums | constants | plain
    return st.recursive(
        leaves,
        lambda inner: (
            object_schemas(inner)
            | st.tuples(inner, st.integers(0, 2)).map(
                lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1], "maxItems": 4}
            )
            | st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
        ),
        max_leaves=6,
    )


@st.composite
def object_schemas(draw: st.DrawFn, values: st.SearchStrategy[JsonObject]) -> JsonObject:
    properties = draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
    required = (
        draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    )
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list[Json](required),
        "additionalProperties": False,
    }


@given(
    object_schemas(value_schemas()),
    st.integers(),
    st.dictionaries(st.sampled_from(NAMES), st.lists(SCALARS, max_size=3)),
)
def test_every_sample_satisfies_its_schema(
    schema: JsonObject, seed: int, seen: dict[str, list[Json]]
) -> None:
    sample = sample_arguments(schema, random.Random(seed), seen=seen)
    assert sample is not None
    assert Checker(schema).finding(sample) is None


@given(object_schemas(value_schemas()), st.integers())
def test_the_same_stream_gives_the_same_sample(schema: JsonObject, seed: int) -> None:
    first = sample_arguments(schema, random.Random(seed))
    assert sample_arguments(schema, random.Random(seed)) == first


def object_of(**properties: Json) -> JsonObject:
    return {"type": "object", "properties": properties, "required": list[Json](properties)}


def samples(schema: JsonObject, count: int = 100) -> list[JsonObject]:
    drawn = [sample_arguments(schema, random.Random(seed)) for seed in range(count)]
    return [sample for sample in drawn if sample is not None]


def test_references_and_merged_rules_are_followed() -> None:
    schema = object_of(
        place={"$ref": "#/$defs/code"},
        both={"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5}]},
    )
    schema["$defs"] = {"code": {"enum": ["JFK", "LGA"]}}
    assert {str(sample["place"]) for sample in samples(schema)} == {"JFK", "LGA"}
    assert {str(sample["both"]) for sample in samples(schema)} == {"3", "4", "5"}


def test_steps_are_kept() -> None:
    schema = object_of(n={"type": "integer", "minimum": 3, "maximum": 30, "multipleOf": 7})
    assert {str(sample["n"]) for sample in samples(schema)} == {"7", "14", "21", "28"}


def test_optional_arguments_are_sometimes_left_out() -> None:
    schema = object_of(n={"type": "integer"})
    schema["required"] = []
    assert {len(sample) for sample in samples(schema)} == {0, 1}


def test_half_of_the_values_come_from_earlier_replies() -> None:
    schema = object_of(author={"type": "string"})
    seen = {"author": ["Joyce", 7]}
    drawn = [sample_arguments(schema, random.Random(seed), seen=seen) for seed in range(400)]
    share = sum(sample == {"author": "Joyce"} for sample in drawn) / len(drawn)
    # Half of the time something seen is tried, and half of that does not satisfy the schema.
    assert share == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize(
    "rule", [{"type": "string", "pattern": "^[0-9]{9}Z$"}, {"enum": []}, {"not": {}}]
)
def test_a_rule_that_chance_does_not_meet_gives_no_arguments(rule: JsonObject) -> None:
    assert sample_arguments(object_of(x=rule), random.Random(1)) is None
