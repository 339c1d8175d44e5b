"""Values that are not the answer, as a message would state them."""

import random
from datetime import date

from astra_arena.core.canonical import Json, canonical_bytes
from astra_arena.core.stated_answers import dates_in
from astra_arena.core.tasks import FinalAnswer
from astra_arena.synthesizer.gates.seen_values import SeenValues

MOST_SEEN = 8
"""Values that are taken of what replies hold."""
_STEPS = (1, -1, 2, 10, -7, 100, 1000, 31)


def other_answers(final: FinalAnswer, seen: SeenValues, stream: random.Random) -> list[str]:
    """Return values of the answer's kind, as they would be stated; none holds the answer."""
    near: list[Json] = list(final.rivals)
    others = seen.others("", final.value)
    match final.value:
        case bool():
            near.append(not final.value)
        case int() | float():
            near += [final.value + step for step in _STEPS]
        case str() if final.kind == "date" and dates_in(final.value):
            near += _days_around(date.fromisoformat(final.value[:10]))
            others = [other for other in others if dates_in(str(other))]
        case _:
            pass
    near += stream.sample(others, k=min(MOST_SEEN, len(others)))
    gold = plain(final.value).casefold()
    told = (plain(value) for value in near)
    return list(dict.fromkeys(text for text in told if gold not in text.casefold()))


def _days_around(day: date) -> list[Json]:
    last = date.max.toordinal()
    places = (min(max(day.toordinal() + step, 1), last) for step in _STEPS)
    return [date.fromordinal(place).isoformat() for place in places]


def plain(value: Json) -> str:
    """Return a value as people would write it."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(plain(item) for item in value)
        case _:
            return canonical_bytes(value).decode("ascii")
