import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.schema import Checker, require_object_schema, with_defaults

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "enum": ["AA", "UA"]},
        "limit": {"type": "integer", "minimum": 1, "default": 10},
    },
    "required": ["code"],
    "additionalProperties": False,
}


def test_good_arguments_have_no_finding() -> None:
    assert Checker(SCHEMA).finding({"code": "AA", "limit": 3.0}) is None


def test_a_finding_names_place_and_reason() -> None:
    check = Checker(SCHEMA)
    assert check.finding({}) == '"code" is required but missing'
    assert check.finding({"code": "XX"}) == 'code: "XX" is not one of "AA", "UA"'
    assert check.finding({"code": "AA", "limit": 0}) == "limit: 0 is less than the minimum of 1"
    unknown = check.finding({"code": "AA", "sql": "x"})
    assert unknown == '"sql" is not allowed, only: code, limit'
    assert check.finding([]) == "[] is not of type object"


def test_a_finding_spells_values_as_json_does() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "limit": {"type": ["integer", "string"], "maximum": 5},
            "late": {"const": True},
        },
    }
    check = Checker(schema)
    assert check.finding({"limit": None}) == "limit: null is not of type integer or string"
    assert check.finding({"limit": True}) == "limit: true is not of type integer or string"
    assert check.finding({"limit": 6}) == "limit: 6 is greater than the maximum of 5"
    assert check.finding({"late": False}) == "late: false is not true"
    nothing: JsonObject = {"type": "object", "additionalProperties": False}
    assert Checker(nothing).finding({"a": 1}) == '"a" is not allowed; nothing is'


def test_a_finding_names_each_type_that_was_expected() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    }
    assert Checker(schema).finding({"n": "x"}) == 'n: "x" is not of type integer or null'


def test_long_values_are_cut_in_findings() -> None:
    finding = Checker(SCHEMA).finding({"code": "x" * 10_000})
    assert finding is not None
    assert len(finding) < 400


def test_deeply_nested_values_are_a_finding() -> None:
    deep: Json = []
    for _ in range(50_000):
        deep = [deep]
    assert Checker({"type": "object"}).finding(deep) is not None


def test_defaults_fill_what_is_absent_only() -> None:
    assert with_defaults(SCHEMA, {"code": "AA"}) == {"code": "AA", "limit": 10}
    assert with_defaults(SCHEMA, {"code": "AA", "limit": 2}) == {"code": "AA", "limit": 2}
    assert with_defaults({"type": "object"}, {"a": 1}) == {"a": 1}


SLOW = "^(a+)+$"
"""Python's `re` takes years for forty letters and a mark."""


@pytest.mark.parametrize(
    ("schema", "value", "place"),
    [
        ({"properties": {"name": {"type": "string", "pattern": SLOW}}}, {"name": "#"}, "name: "),
        ({"patternProperties": {SLOW: {"type": "integer"}}, "required": ["id"]}, {"#": 1}, ""),
        ({"patternProperties": {SLOW: {}}, "additionalProperties": False}, {"#": 1}, ""),
    ],
)
def test_patterns_of_a_schema_cannot_hold_a_host_up(
    schema: JsonObject, value: JsonObject, place: str
) -> None:
    text = "a" * 40 + "!"
    hostile: JsonObject = {
        key.replace("#", text): text if inner == "#" else inner for key, inner in value.items()
    }
    finding = Checker({"type": "object", **schema}).finding(hostile)
    assert finding is not None
    assert finding.startswith(place)
    assert len(finding) <= 310


def test_a_pattern_that_cannot_be_compiled_is_refused() -> None:
    schema: JsonObject = {"type": "object", "properties": {"a": {"pattern": "a\\Z"}}}
    with pytest.raises(SpecError, match="bounded time"):
        require_object_schema(schema, what="tool 'x'")
