"""Recognises a value in a text, however it is spelled there.

Case, width, punctuation and white space do not matter, nor do thousands separators, units after a
number and the common spellings of a date.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from astra_arena.core.canonical import Json, canonical_bytes

LEAST_NUMBER = 1000
"""Integers below it are guessed too easily to be a leak."""
LEAST_CHARACTERS = 4
"""Letters and digits of a text that carries 16 bits or more: 26 letters are 4.7 bits each."""

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\d])")
_GROUPED = re.compile(r"(?<=\d)[,'\u2019_\u00a0\u202f ](?=\d{3}(?!\d))")
_POINTED = re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))")
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")


class Text:
    """A text, prepared for looking values up in it."""

    def __init__(self, text: str) -> None:
        plain = _folded(text)
        self._words = f" {_words(plain)} "
        # As written, with 1,234.5 and with 1.234,5 for one number.
        spelled = (plain, _GROUPED.sub("", plain), _COMMA.sub(".", _POINTED.sub("", plain)))
        self._numbers = {_number(found) for text in spelled for found in _NUMBER.findall(text)}

    @classmethod
    def joined(cls, texts: "Iterable[Text]") -> "Text":
        """Return a text that holds whatever one of the texts does."""
        whole = cls("")
        for text in texts:
            whole._words += text._words
            whole._numbers |= text._numbers
        return whole

    def holds(self, value: Json) -> bool:
        """Tell whether the text states `value`, which is a scalar, or a list stated whole."""
        match value:
            case None | bool():
                return False
            case int() | float():
                return _number(_decimal_text(value)) in self._numbers
            case str():
                return any(f" {form} " in self._words for form in _forms(value))
            case list():
                telling = [item for item in value if carries_enough(item)]
                return bool(telling) and all(self.holds(item) for item in telling)
            case dict():
                return self.holds(list(value.values()))


def carries_enough(value: Json) -> bool:
    """Tell whether a value carries so much that it is not met by chance: about 16 bits."""
    match value:
        case None | bool():
            return False
        case int():
            return abs(value) >= LEAST_NUMBER
        case float():
            digits = _decimal_text(value).replace(".", "").strip("0")
            return len(digits) >= len(str(LEAST_NUMBER))
        case str():
            if value.isdecimal():
                return int(value) >= LEAST_NUMBER
            return sum(character.isalnum() for character in value) >= LEAST_CHARACTERS
        case list():
            return any(carries_enough(item) for item in value)
        case dict():
            return any(carries_enough(item) for item in value.values())


def _decimal_text(value: float) -> str:
    return format(Decimal(repr(abs(value))), "f")


def _number(text: str) -> Decimal:
    try:
        return Decimal(text).normalize()
    except InvalidOperation:
        return Decimal(0)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text).split())


@lru_cache(maxsize=1024)
def _forms(text: str) -> frozenset[str]:
    """Return how a text may be spelled, as plain words."""
    plain = _words(_folded(text))
    spelled = {plain} if plain else set[str]()
    if _DATE.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return frozenset(spelled)
        spelled |= {_words(_folded(one)) for one in _date_forms(moment, has_time=len(text) > 10)}
    return frozenset(spelled)


def _date_forms(moment: datetime, *, has_time: bool) -> Iterator[str]:
    """Give the spellings of a date, with the time of day behind it unless that is midnight."""
    day, month, year = moment.day, moment.month, moment.year
    name, short = _MONTHS[month - 1], _MONTHS[month - 1][:3]
    dates = [
        f"{year}-{month:02}-{day:02}",
        f"{year}{month:02}{day:02}",
        f"{day:02} {month:02} {year}",
        f"{day} {month} {year}",
        f"{month:02} {day:02} {year}",
        f"{month} {day} {year}",
        *(f"{day} {word} {year}" for word in (name, short)),
        *(f"{word} {day} {year}" for word in (name, short)),
        *(f"{word} {day}{_ordinal(day)} {year}" for word in (name, short)),
        *(f"{day}{_ordinal(day)} {'of ' * of}{name} {year}" for of in (0, 1)),
    ]
    if not has_time or (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        yield from dates
        return
    hours = [f"{moment.hour:02} {moment.minute:02}", f"{moment.hour:02}{moment.minute:02}"]
    twelve = (moment.hour - 1) % 12 + 1
    half = "am" if moment.hour < 12 else "pm"
    hours += [f"{twelve} {moment.minute:02} {half}"]
    for date in dates:
        for hour in hours:
            yield f"{date} {hour}"
            yield f"{date} at {hour}"
            yield f"{hour} on {date}"


_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


def _ordinal(day: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")


def scalars_text(value: Json) -> str:
    """Return all scalars of a JSON value, a line each."""
    match value:
        case dict():
            return "\n".join(scalars_text(inner) for inner in value.values())
        case list():
            return "\n".join(scalars_text(item) for item in value)
        case str():
            return value
        case _:
            return canonical_bytes(value).decode("ascii")
