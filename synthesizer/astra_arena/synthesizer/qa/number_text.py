"""Numbers as texts and tables write them: signs, thousands, units, percent, words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

_UNITS = {
    word: number
    for number, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
            *("seventeen", "eighteen", "nineteen"),
        )
    )
}
_TENS = {
    word: number
    for number, word in zip(
        range(20, 100, 10),
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
        strict=True,
    )
}
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_WORD = "|".join([*_TENS, *_UNITS])
_IN_TEXT = re.compile(
    rf"(?<![\w.,/-])(?P<digits>{_DIGITS})(?P<percent>\s?%)?(?![\w/]|[.,]\d|-\w)"
    rf"|(?<![\w-])(?P<tens>{'|'.join(_TENS)})-(?P<ones>{'|'.join(list(_UNITS)[1:10])})(?![\w-])"
    rf"|(?<![\w-])(?P<word>{_WORD})(?![\w-])",
    # Letters are those of Latin script: 有16个 holds a number.
    re.IGNORECASE | re.ASCII,
)
_CELL = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+\u2212\u2013])?\s*(?P<before>[^\d\s().%-]{{1,4}})?\s*"
    rf"(?P<inner>[-\u2212\u2013(])?\s*(?P<digits>{_DIGITS})\s*(?P<percent>%)?\s*(?P<close>\))?"
    rf"\s*(?P<late>%)?\s*(?P<after>[^\d\s()]{{0,8}})"
)


@dataclass(frozen=True, slots=True)
class NumberInText:
    """A number where a text states it."""

    value: Fraction
    start: int
    end: int
    """Both without a percent sign behind it."""
    percent: bool
    is_word: bool


@dataclass(frozen=True, slots=True)
class CellNumber:
    """The number that a cell holds, and what stands around it."""

    value: Fraction
    unit: str
    """A currency or a percent sign; empty for none."""


def numbers_in_text(text: str) -> Iterator[NumberInText]:
    """Give the numbers that a text states, in order: digits, and words up to ninety-nine.

    Parts of codes, dates and ordinals, as in `A-12`, `3/4` and `7th`, are none.
    """
    for match in _IN_TEXT.finditer(text):
        if match["digits"] is not None:
            value = exact(match["digits"])
            yield NumberInText(
                value, match.start("digits"), match.end("digits"), bool(match["percent"]), False
            )
        elif match["tens"] is not None:
            value = Fraction(_TENS[match["tens"].lower()] + _UNITS[match["ones"].lower()])
            yield NumberInText(value, match.start(), match.end(), False, True)
        else:
            word = match["word"].lower()
            value = Fraction(_UNITS[word] if word in _UNITS else _TENS[word])
            yield NumberInText(value, match.start(), match.end(), False, True)


def cell_number(text: str) -> CellNumber | None:
    """Return the number that a cell states and nothing else; `None` for any other text.

    Accountants write negative numbers in brackets.
    """
    match = _CELL.fullmatch(text.strip())
    if match is None:
        return None
    signs = [match["sign"], match["inner"]]
    negative = match["open"] is not None or any(one and one not in "+" for one in signs)
    value = exact(match["digits"])
    percent = match["percent"] or match["late"] or ""
    before, after = match["before"] or "", match["after"] or ""
    if after and after.isalpha() and len(after) > 2:
        return None
    return CellNumber(-value if negative else value, percent or before or after)


def exact(text: str) -> Fraction:
    """Return the exact value of a number written in digits, thousands separators included.

    Raises:
        ValueError: if it is no number.
    """
    return Fraction(text.replace(",", ""))


def plain_number(value: Fraction) -> int | float:
    """Return an exact value as JSON holds it: an integer where it is one."""
    return value.numerator if value.denominator == 1 else float(value)


def number_text(value: Fraction) -> str:
    """Return an exact value written out: a decimal where it ends, else a fraction."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return str(value)
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    scaled = abs(value.numerator * 10**places // value.denominator)
    digits = str(scaled).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 else text


def stated_tolerance(text: str) -> Fraction:
    """Return half of the last digit of a number as it is stated: how far rounding takes it."""
    _, _, decimals = text.partition(".")
    digits = len(decimals) if decimals.isdecimal() else 0
    return Fraction(1, 2 * 10**digits)
