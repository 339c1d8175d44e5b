"""Whether a message states the answer: found by type in plain text, and not by listing everything.

A message that states more than a few other values that were not in the question is taken for a
list of guesses and answers nothing.
"""

import re
from datetime import date, datetime

from astra_arena.core.answers import answers_match, plain_text
from astra_arena.core.canonical import Json, canonical_bytes
from astra_arena.core.tasks import FinalAnswer

MOST_RIVALS = 3
"""So many other values may be stated beside the answer."""
MOST_OTHER_NUMBERS = 6
"""So many numbers that were not in the question may be: a calculation may be shown."""

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


def states_answer(final: FinalAnswer, message: str, *, prompt: str) -> bool:
    """Tell whether a message states the final answer.

    Args:
        final: The gold.
        message: What the agent said last.
        prompt: What the user said; values in it do not count as guesses.
    """
    if not _states(final, final.value, message):
        return False
    rivals = [value for value in final.rivals if not answers_match(final.kind, final.value, value)]
    stated = [value for value in rivals if _states(final, value, message)]
    guesses = [value for value in stated if not _states(final, value, prompt)]
    if final.kind == "number" and _other_numbers(final, message, prompt) > MOST_OTHER_NUMBERS:
        return False
    return len(guesses) <= MOST_RIVALS


def _states(final: FinalAnswer, value: Json, text: str) -> bool:
    match value:
        case bool() | None:
            return _says_words(text, {True: "yes", False: "no", None: "none"}[value])
        case int() | float():
            return any(
                _is_number(value, came, final.tolerance, digits)
                for came, digits in numbers_in(text)
            )
        case str() if final.kind == "date":
            stated = dates_in(text)
            return any(
                answers_match("date", value, one, tolerance=final.tolerance) for one in stated
            )
        case str():
            return _says_words(text, value)
        case list():
            return all(_states(final, item, text) for item in value)
        case dict():
            return _says_words(text, canonical_bytes(value).decode("ascii"))


def _other_numbers(final: FinalAnswer, message: str, prompt: str) -> int:
    """Count the distinct numbers in a message that are neither the answer nor in the prompt."""
    known = {number for number, _ in numbers_in(prompt)}
    others = {
        number
        for number, digits in numbers_in(message)
        if number not in known and not _is_number(final.value, number, final.tolerance, digits)
    }
    return len(others)


def numbers_in(text: str) -> list[tuple[float, int]]:
    """Return the numbers stated in a text, each with its digits after the point; dates excepted."""
    rest = _WRITTEN.sub(" ", _ISO.sub(" ", text))
    found: list[tuple[float, int]] = []
    for match in _NUMBER.finditer(rest):
        plain = re.sub(r"[,\u00a0\u202f ]", "", match.group()).replace("\u2212", "-")
        if len(plain) <= 40:
            found.append((float(plain), len(plain.partition(".")[2])))
    return found


def _is_number(gold: Json, came: float, tolerance: float, digits: int) -> bool:
    if isinstance(gold, bool) or not isinstance(gold, int | float):
        return False
    # A figure may be stated rounded, to two digits after the point at the least.
    rounded = isinstance(gold, float) and digits >= 2 and came == round(gold, digits)
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


def _says_words(text: str, words: str) -> bool:
    plain = plain_text(words)
    pattern = rf"(?<!\w){re.escape(plain)}(?!\w)"
    return bool(plain) and re.search(pattern, plain_text(text)) is not None
