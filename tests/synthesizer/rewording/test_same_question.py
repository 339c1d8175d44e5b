"""Whether a question in other words asks the same is decided by rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.rewording.masked_prompt import marks_in, masked
from astra_arena.synthesizer.rewording.same_question import differences
from tests.support.requirement import requirement

TERMS = ("tracks", "genre", "album", "size", "customer")
QUESTION = masked(
    'Among tracks of the genre "Rock" with a size of at least 5,900,000 bytes, which album has the '
    "most?",
    [],
)


def told(text: str, terms: tuple[str, ...] = TERMS, language: Language = "en") -> list[str]:
    return list(differences(QUESTION, text, terms, language))


@requirement("reword:same")
@pytest.mark.parametrize(
    "text",
    [
        "Hi! Which album has the most tracks of the genre ⟦1⟧ whose size is at least ⟦2⟧ bytes?",
        "I'm not sure where to look: of all... no idea. Which album holds the most ⟦1⟧ tracks by "
        "genre, size at least ⟦2⟧ bytes?".replace("of all... ", ""),
        "Quick one: tracks, genre ⟦1⟧, size at least ⟦2⟧ bytes. Which album has the most of them?",
    ],
)
def test_other_words_for_the_same_are_taken(text: str) -> None:
    assert told(text) == []


BAD: dict[str, tuple[str, str]] = {
    "a value is lost": (
        "Which album has the most tracks of the genre ⟦1⟧ with a size of at least that?",
        "each of ⟦1⟧, ⟦2⟧ once",
    ),
    "a value comes twice": (
        "Of genre ⟦1⟧, ⟦1⟧ only, size at least ⟦2⟧: which album has the most tracks?",
        "each of ⟦1⟧, ⟦2⟧ once",
    ),
    "a mark that stands for nothing": (
        "Of genre ⟦1⟧, size at least ⟦2⟧, from ⟦3⟧: which album has the most tracks?",
        "each of ⟦1⟧, ⟦2⟧ once",
    ),
    "a bound is dropped": (
        "Which album has the most tracks of the genre ⟦1⟧ and the size ⟦2⟧ bytes?",
        "the question has a lower bound, which is missing",
    ),
    "a bound is turned": (
        "Which album has the most tracks of the genre ⟦1⟧ with a size of at most ⟦2⟧ bytes?",
        "it has an upper bound",
    ),
    "the greatest becomes the least": (
        "Which album has the fewest tracks of the genre ⟦1⟧ with a size of at least ⟦2⟧ bytes?",
        "it has a least",
    ),
    "a negation is added": (
        "Which album has the most tracks not of the genre ⟦1⟧, size at least ⟦2⟧ bytes?",
        "it has a negation",
    ),
    "a property is dropped": (
        "Which album has the most tracks of the genre ⟦1⟧ of at least ⟦2⟧ bytes?",
        "it no longer says 'size'",
    ),
    "something else is asked": (
        "Which customer's album has the most tracks of genre ⟦1⟧, size at least ⟦2⟧ bytes?",
        "it says 'customer'",
    ),
    "a figure is added": (
        "Which of 7 albums has the most tracks of the genre ⟦1⟧, size at least ⟦2⟧ bytes?",
        "it says 7",
    ),
    "an order is asked for": (
        "Which album has the most tracks of genre ⟦1⟧, size at least ⟦2⟧ bytes, sorted by name?",
        "it has an order",
    ),
    "a choice is added": (
        "Which album or track has the most tracks of genre ⟦1⟧, size at least ⟦2⟧ bytes?",
        "it has an alternative",
    ),
    "an average is asked for": (
        "Which album of genre ⟦1⟧ has the most tracks of average size at least ⟦2⟧ bytes?",
        "it has an average",
    ),
    "it says much more": (
        "Which album has the most tracks of the genre ⟦1⟧ with a size of at least ⟦2⟧ bytes? "
        + "Please take your time and be nice. " * 12,
        "much longer",
    ),
    "a mark is broken": (
        "Which album ⟦ has the most tracks of genre ⟦1⟧ with a size of at least ⟦2⟧ bytes?",
        "whole marks",
    ),
    "nothing is asked": ("⟦1⟧ ⟦2⟧", "expected a question"),
}


@requirement("reword:same")
@pytest.mark.parametrize("name", BAD)
def test_what_drops_or_adds_a_constraint_is_refused(name: str) -> None:
    text, expected = BAD[name]
    assert any(expected in one for one in told(text)), told(text)


@requirement("reword:same")
def test_chinese_questions_have_rules_of_their_own() -> None:
    original = masked("《麦克白》之后，哪部作品的首演年份最早？", [])
    good = "想请教一下，在⟦1⟧之后，首演年份最早的是哪部作品？"
    assert list(differences(original, good, ("年份",), "zh")) == []
    assert list(differences(original, good.replace("之后", "之前"), ("年份",), "zh"))
    assert list(differences(original, good.replace("最早", "最晚"), ("年份",), "zh"))
    assert list(differences(original, good.replace("年份", "时间"), ("年份",), "zh"))


@given(st.lists(st.sampled_from(["Emma", "Yann Martel", "of", "more than", "12", "⟦", "?"])))
def test_a_masked_question_is_filled_as_it_was(parts: list[str]) -> None:
    prompt = " ".join(parts)
    if "⟦" in prompt:
        return
    made = masked(prompt, ["Emma", "Yann Martel"])
    assert made.filled(made.text) == prompt
    assert made.filled(made.shown()) == prompt
    assert marks_in(made.text) == list(range(1, len(made.values) + 1))
    assert "Emma" not in made.text
    assert "12" not in made.text
