import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from astra_arena.client.authors.chat import ChatReply
from astra_arena.client.authors.replies import MOST_CHARACTERS, find_object, read_reply
from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from tests.client.authors.asking import PARIS, Capital
from tests.support.requirement import requirement

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=8), values, min_size=1, max_size=4)
prose = st.text(
    st.characters(blacklist_characters="{}[]`<", blacklist_categories=("Cs",)), max_size=60
)


class Bag(BaseModel):
    """Takes any object, so that only finding it can go wrong."""

    model_config = ConfigDict(extra="allow")


def read(text: str, finish_reason: str | None = "stop") -> tuple[str, tuple[str, ...]]:
    reading = read_reply(ChatReply(text, finish_reason), Capital)
    return (reading.text if reading.value is not None else ""), reading.findings


@requirement("authors:parsing")
@pytest.mark.parametrize(
    "text",
    [
        PARIS,
        f"  \n{PARIS}\n",
        f"Here it is: {PARIS} I hope that helps.",
        f"```json\n{PARIS}\n```",
        f"Sure!\n\n```\n{PARIS}\n```\nAnything else?",
        f'<think>The user wants {{"city": "Rome", "people": 1}}, or not?</think>\n{PARIS}',
        f'Okay, {{"city": "Rome", "people": 1}} is wrong.\n</think>\n\n{PARIS}',
        f"Braces {{like these}} are no object. {PARIS}",
        f"{PARIS}\n\nAgain: {PARIS}",
        '{"city":"Paris","people":2.1e6}',
    ],
)
def test_an_answer_is_found_amid_reasoning_fences_and_prose(text: str) -> None:
    assert read(text) == (PARIS, ())


@requirement("authors:parsing")
@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "the reply was empty"),
        ("I cannot help with that.", "expected one JSON object, got none"),
        (PARIS[:-1], "the JSON object is broken"),
        ('{"wrapped":{"city":"Paris","people":1}', "the JSON object is broken"),
        (f"[{PARIS}]", "got a list"),
        (f"The list: [{PARIS}, 1", "got one in a list"),
        (f"```json\n[{PARIS}]\n```", "got one in a list"),
        ('{"city":"Paris","people":1} or {"city":"Lyon","people":2}', "got 2 different ones"),
        ('{"city":"Paris","city":"Lyon","people":1}', "key 'city' stands twice"),
        ('{"city":"Paris","people":NaN}', "NaN is no JSON number"),
        ('{"city":"Paris","people":"2100000"}', "/people: Input should be a valid integer"),
        ('{"city":"Paris","people":true}', "/people: Input should be a valid integer"),
        ('{"city":"Paris"}', "/people: Field required"),
        ('{"city":"Paris","people":1,"river":"Seine"}', "/river: Extra inputs"),
        ("<think>Paris, I should say", "the reply ended within its reasoning"),
        ('{"city":' * 100_000, "the JSON object"),
        ('{"city":"\\ud800","people":1}', "Invalid JSON"),
        ('{"city":"' + "x" * MOST_CHARACTERS + '","people":1}', "characters"),
    ],
)
def test_a_reply_that_leaves_a_doubt_is_a_finding_and_no_value(text: str, finding: str) -> None:
    value, findings = read(text)
    assert value == ""
    assert finding in findings[0]


@requirement("authors:parsing")
@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_reply_that_was_cut_or_withheld_is_no_value_even_if_it_parses(reason: str) -> None:
    value, findings = read(PARIS, reason)
    assert value == ""
    assert len(findings) == 1


@requirement("authors:parsing")
def test_many_findings_are_told_in_part() -> None:
    text = json.dumps({f"key{number}": 0 for number in range(50)})
    _, findings = read(text)
    assert len(findings) == 9
    assert findings[-1] == "and 44 more"


def test_what_the_check_finds_makes_a_reply_unusable() -> None:
    def check(capital: Capital) -> list[str]:
        return [f"there is no city {capital.city!r}"]

    reading = read_reply(ChatReply(PARIS), Capital, check)
    assert reading.value is None
    assert reading.findings == ("there is no city 'Paris'",)


@requirement("authors:parsing")
@given(objects, prose, prose, st.sampled_from(["{}", "```json\n{}\n```", "<think>{{}}</think>{}"]))
def test_any_object_is_found_as_it_was_meant(
    data: JsonObject, before: str, after: str, form: str
) -> None:
    text = json.dumps(data)
    whole = form.format(text) if form != "{}" else f"{before}\n{text}\n{after}"
    assert canonical_bytes(find_object_after_reasoning(whole)) == canonical_bytes(data)


@requirement("authors:parsing")
@given(objects, st.data())
def test_no_part_of_an_object_is_taken_for_the_whole(data: JsonObject, draw: st.DataObject) -> None:
    text = json.dumps(data)
    cut = draw.draw(st.integers(min_value=0, max_value=len(text) - 1))
    with pytest.raises(SpecError):
        find_object(text[:cut])


@requirement("authors:parsing")
@given(st.text(max_size=200) | st.text(alphabet='{}[]"`:,abc1<>/think \n\\', max_size=80))
def test_any_text_ends_in_a_value_or_in_findings(text: str) -> None:
    reading = read_reply(ChatReply(text), Bag)
    assert (reading.value is None) == bool(reading.findings)


def find_object_after_reasoning(text: str) -> JsonObject:
    reading = read_reply(ChatReply(text), Bag)
    assert reading.value is not None, reading.findings
    return json.loads(reading.text)
