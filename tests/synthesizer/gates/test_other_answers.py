"""Answers that are not the gold are of its kind."""

import random

import pytest

from astra_arena.core.canonical import Json
from astra_arena.core.stated_answers import dates_in
from astra_arena.core.tasks import FinalAnswer
from astra_arena.synthesizer.gates.other_answers import other_answers, plain
from astra_arena.synthesizer.gates.seen_values import SeenValues

SEEN = SeenValues()
SEEN.note({"name": "Ana", "left": "2025-03-01", "until": "2025-03-09", "nights": 4})


@pytest.mark.parametrize("gold", ["2025-02-28", "9999-12-31", "0001-01-01", "2025-02-28T10:00:00Z"])
def test_beside_a_day_other_days_are_named(gold: str) -> None:
    others = other_answers(FinalAnswer(kind="date", value=gold), SEEN, random.Random(0))
    assert others
    assert all(dates_in(other) for other in others)
    assert gold not in others


def test_beside_a_number_other_numbers_are_named() -> None:
    others = other_answers(FinalAnswer(kind="number", value=40), SEEN, random.Random(0))
    assert {"41", "39"} <= set(others)
    assert "40" not in others


def test_rivals_come_first() -> None:
    final = FinalAnswer(kind="text", value="Ana", rivals=("Bo",))
    assert other_answers(final, SEEN, random.Random(0))[0] == "Bo"


@pytest.mark.parametrize(
    ("value", "written"), [(True, "yes"), (["a", "b"], "a, b"), (2.5, "2.5"), (None, "null")]
)
def test_values_are_written_as_people_do(value: Json, written: str) -> None:
    assert plain(value) == written
