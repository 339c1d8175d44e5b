"""What agents send and tools return, checked."""

import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.servers.episodes.toolset import (
    MAX_ARGUMENT_BYTES,
    Accepted,
    Refused,
    Toolset,
    printable,
)
from tests.servers.small_bundle import small_environment

TOOLS = Toolset(small_environment())


def deep(levels: int) -> Json:
    value: Json = "x"
    for _ in range(levels):
        value = [value]
    return value


def accept(tool: str, arguments: Json) -> Accepted | Refused:
    known = TOOLS.get(tool)
    assert known is not None
    return known.accept(arguments)


def test_accepted_arguments_have_their_defaults_and_one_spelling() -> None:
    assert accept("list_branches", {}) == Accepted({"limit": 10})
    assert accept("list_branches", {"limit": 5.0}) == Accepted({"limit": 5})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"limit": "ten"}, 'limit: "ten" is not of type integer'),
        ({"limit": 0}, "limit: 0 is less than the minimum of 1"),
        ({"size": 3}, '"size" is not allowed, only: limit'),
        ([1], "expected an object, got an array"),
        (None, "expected an object, got null"),
        ({"limit": 10**5000}, "expected numbers below 2**63 in magnitude"),
        ({"limit": float("nan")}, "JSON has no such number"),
        ({"limit": deep(5000)}, "expected at most 64 levels of nesting, got more"),
        ({"limit": "\ud800"}, "expected Unicode text, got a lone surrogate"),
        ({"limit": "x" * MAX_ARGUMENT_BYTES}, "expected at most 262144 bytes"),
    ],
)
def test_refused_arguments_say_what_was_expected_and_what_came(
    arguments: Json, reason: str
) -> None:
    refused = accept("list_branches", arguments)
    assert isinstance(refused, Refused)
    assert "list_branches" in refused.reason
    assert reason in refused.reason
    assert len(refused.reason) < 500


def test_what_cannot_be_stored_is_replaced_by_a_note() -> None:
    refused = accept("list_branches", {"limit": float("inf")})
    assert isinstance(refused, Refused)
    assert refused.arguments == "(not JSON)"


def test_a_result_is_read_as_sorted_json_in_its_own_script() -> None:
    branches = TOOLS.tools["list_branches"]
    rows: Json = [{"name": "Hügel", "branch_id": 1, "city": "Köln"}]
    text = '{"rows": [{"branch_id": 1, "city": "Köln", "name": "Hügel"}]}'
    assert branches.read({"rows": rows}) == text
    assert branches.read({"rows": rows}) == text


@pytest.mark.parametrize("result", [{"rows": 7}, {}, {"rows": [], "more": 1}])
def test_a_result_that_breaks_its_schema_is_refused_each_time(result: dict[str, Json]) -> None:
    for _ in range(2):
        with pytest.raises(SpecError):
            TOOLS.tools["list_branches"].read(result)


def test_a_result_that_cannot_be_sent_is_refused() -> None:
    text = TOOLS.tools["misbehave"]
    with pytest.raises(SpecError):
        text.read({"text": "\ud800"})
    with pytest.raises(SpecError):
        text.read({"text": float("nan")})


def test_any_text_becomes_printable() -> None:
    assert printable("a\ud800b", 10) == "a?b"
    assert printable("abcdef", 4) == "abc…"


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**30, 1e19, -1e300, 10**4000])
def test_numbers_that_no_database_stores_are_refused_at_any_depth(number: float) -> None:
    given: tuple[JsonObject, ...] = ({"limit": number}, {"limit": {"deep": [number]}})
    for arguments in given:
        refused = accept("list_branches", arguments)
        assert isinstance(refused, Refused)
        assert "expected numbers below 2**63 in magnitude" in refused.reason


def test_the_largest_numbers_are_accepted() -> None:
    largest = 2**63 - 1
    assert accept("get_reader", {"reader_id": largest}) == Accepted({"reader_id": largest})
    assert accept("get_reader", {"reader_id": -largest}) == Accepted({"reader_id": -largest})
