"""Spans that a person would name: a month, a year, a round figure."""

import calendar
import random
import re

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.tool_design import EntityTools, Operator
from astra_arena.synthesizer.tasks.task_graphs import Condition

FEWEST_VALUES = 12
"""A column with fewer distinct values is named by value."""

_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:([T ])\d\d:\d\d(:\d\d)?(\.\d+)?(Z?))?")


def month_around(value: str, *, whole_year: bool) -> tuple[str, str] | None:
    """Return the first and last day or moment of the month, or year, that a value lies in.

    They are written like the value; `None` where it is written in a way that has no such ends.

    >>> month_around("2013-02-05T10:00:00Z", whole_year=False)
    ('2013-02-01T00:00:00Z', '2013-02-28T23:59:59Z')
    """
    found = _MOMENT.fullmatch(value)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2])
    if not 1 <= month <= 12 or year < 1:
        return None
    first, last = (1, 12) if whole_year else (month, month)
    days = calendar.monthrange(year, last)[1]
    start, end = f"{found[1]}-{first:02d}-01", f"{found[1]}-{last:02d}-{days:02d}"
    if found[4] is None:
        return start, end
    seconds, fraction = found[5] or "", found[6] or ""
    low = f"00:00{':00' if seconds else ''}{re.sub(r'[0-9]', '0', fraction)}"
    high = f"23:59{':59' if seconds else ''}{re.sub(r'[0-9]', '9', fraction)}"
    return f"{start}{found[4]}{low}{found[7]}", f"{end}{found[4]}{high}{found[7]}"


def round_figure(value: float) -> float | None:
    """Return a number of one or two digits near a value, of its type, or `None` near 0.

    >>> round_figure(1234), round_figure(47.3), round_figure(0)
    (1200, 47.0, None)
    """
    if not 2 <= value < 1e12:
        return None
    digits = len(str(int(value)))
    step = 10 ** max(0, digits - 2)
    rounded = round(value / step) * step
    return float(rounded) if isinstance(value, float) else int(rounded)


def spanned(entity: Entity, design: EntityTools) -> list[Attribute]:
    """Return the columns of which a question may name a span: a month, a price and more."""
    return [
        attribute
        for attribute in entity.attributes
        if attribute.words.in_questions
        and attribute.name not in entity.reference_columns
        and attribute.profile.distinct > FEWEST_VALUES
        and (attribute.profile.is_temporal or attribute.is_measure)
        and all(design.filter_on(attribute.name, end) for end in ("at_least", "at_most"))
    ]


def bounds(attribute: Attribute, value: SqlValue, stream: random.Random) -> tuple[Condition, ...]:
    """Draw conditions that state a span around a value; none where it gives no such."""
    if isinstance(value, str):
        return _dates(attribute, value, stream)
    if not isinstance(value, int | float):
        return ()
    bound = round_figure(value)
    if bound is None:
        return ()
    # A bound that all rows satisfy would be no criterion.
    profile = attribute.profile
    end: Operator = "at_least" if stream.random() < 0.6 else "at_most"
    ends = (profile.minimum, profile.maximum)
    if not (isinstance(ends[0], int | float) and isinstance(ends[1], int | float)):
        return ()
    return (Condition(attribute.name, end, bound),) if ends[0] < bound < ends[1] else ()


def _dates(attribute: Attribute, value: str, stream: random.Random) -> tuple[Condition, ...]:
    profile = attribute.profile
    years = {str(end)[:4] for end in (profile.minimum, profile.maximum)}
    whole_year = len(years) > 1 and stream.random() < 0.5
    ends = month_around(value, whole_year=whole_year)
    if ends is None:
        return ()
    return (
        Condition(attribute.name, "at_least", ends[0]),
        Condition(attribute.name, "at_most", ends[1]),
    )
