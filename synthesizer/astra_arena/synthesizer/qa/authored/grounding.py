"""Whether a text supports an answer, decided by code.

An answer is supported where the text states it: a number in digits or words, a name or phrase by
most of its words, a list by each of its items. Yes and no are judgements and stand in no text.
"""

import re
from fractions import Fraction

from astra_arena.core.answers import plain_text
from astra_arena.core.canonical import Json
from astra_arena.synthesizer.qa.languages import language_of
from astra_arena.synthesizer.qa.number_text import numbers_in_text

MOST_OF = 0.5
"""So large a share of an answer's words has to stand in the text."""
_STEM = 4
"""Words that begin with so many equal letters are taken for forms of one word."""
_SHORTEST = 3
"""Shorter words say little, where there are longer ones."""
_WORD = re.compile(r"[^\W_]+")


def is_supported(answer: Json, text: str) -> bool:
    """Tell whether a text states an answer.

    >>> is_supported(75000, "Albany, GA has around 75,000 people")
    True
    >>> is_supported("a Celtic language", "The Picts were a Celtic-speaking people")
    True
    >>> is_supported("Latin", "The Picts were a Celtic-speaking people")
    False
    """
    match answer:
        case bool():
            return True
        case int() | float():
            wanted = Fraction(str(answer))
            # A hyphen hides a number: one-child, mid-1990.
            spaced = (text, text.replace("-", " "))
            found = {number.value for one in spaced for number in numbers_in_text(one)}
            return wanted in found
        case str():
            return _shares_words(plain_text(answer), plain_text(text))
        case list():
            return bool(answer) and all(is_supported(one, text) for one in answer)
        case _:
            return False


def _shares_words(answer: str, text: str) -> bool:
    if answer in text:
        return True
    if language_of(answer) == "zh":
        pairs = {answer[at : at + 2] for at in range(len(answer) - 1)} or {answer}
        return sum(pair in text for pair in pairs) >= MOST_OF * len(pairs)
    words = set(_WORD.findall(answer))
    telling = {word for word in words if len(word) >= _SHORTEST or word.isdecimal()} or words
    there = _WORD.findall(text)
    found = sum(any(_same_stem(word, other) for other in there) for word in telling)
    return bool(telling) and found >= MOST_OF * len(telling)


def _same_stem(left: str, right: str) -> bool:
    if left.isdecimal() or right.isdecimal() or min(len(left), len(right)) < _STEM:
        return left == right
    return left[:_STEM] == right[:_STEM]


def states(text: str, answer: Json) -> bool:
    """Tell whether a text gives an answer away: names of four letters, figures of three digits.

    Shorter ones stand in many texts by chance.
    """
    match answer:
        case bool():
            return False
        case int() | float():
            wanted = abs(Fraction(str(answer)))
            # A round figure, like 100,000, stands in a question for reasons of its own.
            is_round = len(str(wanted).rstrip("0")) == 1
            return (
                wanted >= 100
                and not is_round
                and any(found.value == wanted for found in numbers_in_text(text))
            )
        case str():
            words = plain_text(answer)
            if language_of(words) == "zh":
                return len(words) >= 2 and words in plain_text(text)
            whole = rf"(?<!\w){re.escape(words)}(?!\w)"
            return len(words) >= 4 and re.search(whole, plain_text(text)) is not None
        case list():
            return any(states(text, one) for one in answer)
        case _:
            return False
