"""How much an answer tells: one that chance meets proves nothing by being found or not."""

from math import log2

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import Answer

FEWEST_BITS = 16.0
"""Booleans, members of short lists and integers below a thousand tell less."""


def bits_of(value: Json) -> float:
    """Return about how many bits a value holds, as it is written."""
    match value:
        case None | bool():
            return 1.0
        case int():
            return log2(abs(value) + 1) + 1
        case float():
            return 3.33 * len(f"{abs(value)!r}".replace(".", "").strip("0"))
        case str():
            return 4.7 * len(value.strip())
        case list():
            return sum(bits_of(item) for item in value)
        case dict():
            return sum(bits_of(item) for item in value.values())


def is_telling(answer: Answer) -> bool:
    """Tell whether an answer found in a reply is hardly there by chance."""
    return bits_of(answer.value) >= FEWEST_BITS
