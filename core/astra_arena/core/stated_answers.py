"""Whether a message states the answer: found by type in plain text, and not by listing everything.

A message that states more than a few other values that were not in the question is taken for a
list of guesses and answers nothing.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeAlias

from astra_arena.core.answers import answers_match, plain_text
from astra_arena.core.canonical import Json, canonical_bytes, same_json
from astra_arena.core.tasks import FinalAnswer

MOST_RIVALS = 3
"""So many other values may be stated beside the answer."""
MOST_OTHER_NUMBERS = 6
"""So many numbers, or dates, that were not in the question may be: work may be shown."""
MOST_WORDS = 250
"""A longer message is no answer but a copy of what was read."""

_DIGITS = 300
"""A number with more digits before the point is none; floats end there."""
_ROUNDED_AWAY = 0.01

_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?(?:\d{1,3}(?:[,\u00a0\u202f ]\d{3})+|\d+)(?:\.\d+)?")
_ISO = re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if name != "may" else "may" for name in _MONTHS)
_WRITTEN = re.compile(
    rf"\b(?:(?P<m1>{_MONTH})\.? (?P<d1>\d\d?)(?:st|nd|rd|th)?,? (?P<y1>\d{{4}})"
    rf"|(?P<d2>\d\d?)(?:st|nd|rd|th)?(?: of)? (?P<m2>{_MONTH})\.?,? (?P<y2>\d{{4}}))\b",
    re.IGNORECASE,
)


# In Chinese a verdict begins a clause: elsewhere the same signs link words.
_CLAUSE = r"(?:^|[\s.。,;:!?、\"“”(*])(?:(?:最终|最后)?(?:答案|结论)(?:是|为)?|因此|所以)?"
_VERDICT = re.compile(
    r"(?<!\w)(?:no|false)(?!\w)"
    rf"|{_CLAUSE}(?:否(?!则)|不(?!过|但|仅|管|论)|没有|错误|假(?!如|设))"
    rf"|(?P<yes>(?<!\w)(?:yes|true)(?!\w)|{_CLAUSE}(?:是的?(?!\w)|对的?(?!\w)|正确|会|能|可以))"
)
"""What says yes or no."""


def states_answer(final: FinalAnswer, message: str, *, prompt: str) -> bool:
    """Tell whether a message states the final answer.

    Args:
        final: The gold.
        message: What the agent said last.
        prompt: What the user said; values in it do not count as guesses.
    """
    if len(message.split()) > MOST_WORDS + len(_spelt(final.value).split()):
        return False
    items: list[Json] = final.value if isinstance(final.value, list) else [final.value]
    others = _others(final, items)
    if _beyond(_numbers, items, final, message, prompt) > MOST_OTHER_NUMBERS and any(
        _is_plain_number(item) for item in items
    ):
        return False
    if final.kind == "date" and _beyond(_dates, items, final, message, prompt) > MOST_OTHER_NUMBERS:
        return False
    words = _mentions([*items, *others], message)
    asked = _mentions([*items, *others], prompt)
    if not all(_states(final, item, message, words) for item in items):
        return False
    if items == [] and not _says_none(message):
        return False
    if len(items) == 1 and _spelt(items[0]) in asked:
        # A choice: whoever repeats the question has named everything, so the first name decides.
        first = next((word for word in words if word in asked), None)
        if first != _spelt(items[0]):
            return False
    guesses = [
        other
        for other in others
        if _states(final, other, message, words) and not _states(final, other, prompt, asked)
    ]
    return len(guesses) <= MOST_RIVALS


def _others(final: FinalAnswer, items: list[Json]) -> list[Json]:
    """Return the values that would be guesses, each once: rivals, or what is in them."""
    loose: list[Json] = []
    for rival in final.rivals:
        loose += rival if isinstance(rival, list) else [rival]
    kind = "exact" if final.kind in ("set", "list") else final.kind
    others = {
        canonical_bytes(value): value
        for value in loose
        if not any(
            answers_match(kind, item, value, tolerance=final.tolerance) or same_json(item, value)
            for item in items
        )
    }
    return list(others.values())


def _states(final: FinalAnswer, value: Json, text: str, words: list[str]) -> bool:
    """Tell whether a text states one value; `words` are those of `_mentions`."""
    match value:
        case bool():
            return _first_verdict(text) is value
        case None:
            return _says_none(text)
        case int() | float():
            return any(
                _is_number(value, came, final.tolerance, digits)
                for came, digits in numbers_in(text)
            )
        case str() if final.kind == "date" and _is_date(value):
            return any(
                answers_match("date", value, one, tolerance=final.tolerance)
                for one in dates_in(text)
            )
        case _:
            return _spelt(value) in words


def _mentions(values: list[Json], text: str) -> list[str]:
    """Return which of the values that are words a text states, folded, in the text's order.

    Longer ones use their words up: who says New York City has not said New York.
    """
    rest = plain_text(text)
    found: list[tuple[int, str]] = []
    spellings = {_spelt(value) for value in values if isinstance(value, str | list | dict)}
    for spelling in sorted(spellings - {""}, key=lambda one: (-len(one), one)):
        pattern = rf"(?<!\w){re.escape(spelling)}(?!\w)"
        for match in re.finditer(pattern, rest):
            found.append((match.start(), spelling))
        rest = re.sub(pattern, lambda match: "\n" * len(match.group()), rest)
    return [spelling for _, spelling in sorted(found)]


def _spelt(value: Json) -> str:
    """Return a value as words, folded as they are compared."""
    plain = value if isinstance(value, str) else canonical_bytes(value).decode("ascii")
    return plain_text(plain)


def _first_verdict(text: str) -> bool | None:
    """Return what the first yes or no of a text says, in English or Chinese."""
    found = _VERDICT.search(plain_text(text))
    return None if found is None else found["yes"] is not None


def _says_none(text: str) -> bool:
    return re.search(r"(?<!\w)(?:none|nothing|null|no)(?!\w)", plain_text(text)) is not None


_Reading: TypeAlias = Callable[[FinalAnswer, list[Json], str], set[Json]]


def _beyond(
    read: _Reading, items: list[Json], final: FinalAnswer, message: str, prompt: str
) -> int:
    """Count the distinct values of a message that are neither in the answer nor in the prompt."""
    return len(read(final, items, message) - read(final, [], prompt))


def _numbers(final: FinalAnswer, items: list[Json], text: str) -> set[Json]:
    return {
        number
        for number, digits in numbers_in(text)
        if not any(_is_number(item, number, final.tolerance, digits) for item in items)
    }


def _dates(final: FinalAnswer, items: list[Json], text: str) -> set[Json]:
    return {
        one
        for one in dates_in(text)
        if not any(answers_match("date", item, one, tolerance=final.tolerance) for item in items)
    }


def numbers_in(text: str) -> list[tuple[int | float, int]]:
    """Return the numbers stated in a text, each with its digits after the point; dates excepted."""
    rest = _WRITTEN.sub(" ", _ISO.sub(" ", text))
    found: list[tuple[int | float, int]] = []
    for match in _NUMBER.finditer(rest):
        whole = match.group()
        # A space may group digits, or stand between two numbers.
        for spelling in (whole, *(whole.split(" ") if " " in whole else ())):
            plain = re.sub(r"[,\u00a0\u202f ]", "", spelling).replace("\u2212", "-")
            units, _, fraction = plain.partition(".")
            digits = len(fraction)
            if len(units) <= _DIGITS and digits <= 4 * _DIGITS:
                found.append((float(plain) if digits else int(plain), digits))
    return found


def _is_plain_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number(gold: Json, came: int | float, tolerance: float, digits: int) -> bool:
    if isinstance(gold, bool) or not isinstance(gold, int | float):
        return False
    # A figure may be stated rounded, to two digits after the point at the least, unless that
    # takes most of it away.
    close = abs(came - gold) <= _ROUNDED_AWAY * abs(gold)
    rounded = isinstance(gold, float) and digits >= 2 and close and came == round(gold, digits)
    return rounded or answers_match("number", gold, came, tolerance=tolerance)


def dates_in(text: str) -> list[str]:
    """Return the dates and times stated in a text, in ISO 8601."""
    found = [match.group().replace(" ", "T") for match in _ISO.finditer(text)]
    for match in _WRITTEN.finditer(text):
        month = (match["m1"] or match["m2"]).casefold()[:3]
        number = next(n for n, name in enumerate(_MONTHS, start=1) if name.startswith(month))
        try:
            day = date(int(match["y1"] or match["y2"]), number, int(match["d1"] or match["d2"]))
        except ValueError:
            continue
        found.append(day.isoformat())
    return [one for one in found if _is_date(one)]


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
