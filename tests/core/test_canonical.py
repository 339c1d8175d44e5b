import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.canonical import (
    Json,
    canonical_bytes,
    digest_of,
    digest_of_bytes,
    line_text,
    pretty_text,
    same_json,
)
from astra_arena.core.errors import SpecError
from tests.core.strategies import json_values
from tests.support.requirement import requirement


@requirement("core:canonical:one-spelling")
@given(json_values)
def test_canonical_bytes_survive_a_round_trip(value: Json) -> None:
    once = canonical_bytes(value)
    assert canonical_bytes(json.loads(once)) == once


@given(st.dictionaries(st.text(max_size=4), json_values, max_size=5), st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, Json], random: Random) -> None:
    keys = list(value)
    random.shuffle(keys)
    assert same_json(value, {key: value[key] for key in keys})


@given(json_values, json_values)
def test_equal_bytes_mean_equal_values(left: Json, right: Json) -> None:
    if same_json(left, right):
        assert json.loads(canonical_bytes(left)) == json.loads(canonical_bytes(right))


def test_whole_floats_are_integers_and_booleans_are_not() -> None:
    assert same_json({"n": 1.0}, {"n": 1})
    assert same_json(-0.0, 0)
    assert not same_json(True, 1)
    assert not same_json("1", 1)
    assert not same_json(1.5, 1)


def test_integers_beyond_doubles_keep_every_digit() -> None:
    assert not same_json(2**53, 2**53 + 1)


def test_lone_surrogates_have_bytes() -> None:
    assert canonical_bytes("\ud800") == b'"\\ud800"'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_numbers_that_json_lacks_are_refused(value: Json) -> None:
    with pytest.raises(SpecError, match="JSON"):
        canonical_bytes(value)


def test_integers_of_thousands_of_digits_are_refused() -> None:
    with pytest.raises(SpecError, match="moderate size"):
        canonical_bytes(10**5000)


def test_what_is_no_json_is_refused_by_its_type() -> None:
    with pytest.raises(SpecError, match="got set"):
        canonical_bytes({1, 2})  # pyright: ignore[reportArgumentType]
    with pytest.raises(SpecError, match="object key, got 1"):
        canonical_bytes({1: 2})  # pyright: ignore[reportArgumentType]


def test_deep_nesting_is_refused_and_does_not_crash() -> None:
    value: Json = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(SpecError, match="deeply"):
        canonical_bytes(value)


def test_digests_frame_their_chunks() -> None:
    assert digest_of_bytes(b"ab", b"c") != digest_of_bytes(b"a", b"bc")
    assert digest_of({"a": 1.0}) == digest_of({"a": 1})


@given(json_values)
def test_artefact_text_holds_the_value(value: Json) -> None:
    try:
        assert same_json(json.loads(pretty_text(value)), value)
        assert same_json(json.loads(line_text(value)), value)
    except UnicodeEncodeError:
        raise AssertionError("artefact text must not need encoding here") from None
    assert line_text(value).count("\n") == 1
