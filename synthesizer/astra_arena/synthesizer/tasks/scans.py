"""Which row stands out among those of a long listing, by what no tool filters or sorts by.

The row that has the longest text, the most time between two dates, or one figure the furthest above
another: each row has to be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.grammar import grammar_of
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tasks.task_graphs import Row, Step

FEWEST_SCANNED = 12
"""Among fewer rows nothing has to be searched for."""
_WORDED = frozenset(
    {
        *("name", "title", "caption", "subject", "description", "address", "text", "comment"),
        *("note", "notes", "remark", "summary", "slogan", "motto"),
    }
)
"""What is written in words, long and short."""
LONGER_BY = 2
"""Characters by which the longest text is longer than the next: counting is not the task."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What rows are compared by."""

    column: str
    beside: str | None = None
    """The column that is subtracted; `None` for the length of a text."""


def scans_of(entity: Entity) -> tuple[Scan, ...]:
    """Return what the rows of an entity can be compared by, in the order of its columns."""
    spoken = [a for a in entity.attributes if a.words.in_questions]
    pairs = [
        Scan(one.name, other.name)
        for one in spoken
        for other in spoken
        if one is not other and _comparable(entity, one, other)
    ]
    texts = [Scan(a.name) for a in spoken if _is_worded(entity, a)]
    return (*pairs, *texts)


def _comparable(entity: Entity, one: Attribute, other: Attribute) -> bool:
    """Whether one value minus the other says something: two dates, two figures of one kind."""
    if one.profile.is_temporal or other.profile.is_temporal:
        return one.profile.logical_type == other.profile.logical_type
    if not (one.is_measure and other.is_measure):
        return False
    units = {grammar_of(entity, attribute).unit for attribute in (one, other)}
    kinds = {attribute.label.split(" ")[-1] for attribute in (one, other)}
    return len(units) == 1 and ("" not in units or len(kinds) == 1)


def _is_worded(entity: Entity, attribute: Attribute) -> bool:
    """Whether the length of a column's texts can be asked for: names, but no codes and keys."""
    profile = attribute.profile
    names_rows = attribute.name in entity.key or attribute.name in entity.reference_columns
    worded = grammar_of(entity, attribute).label.split(" ")[-1] in _WORDED
    return profile.logical_type == "text" and worded and not names_rows


def scanned(entity: Entity, step: Step, rows: tuple[Row, ...]) -> Step | None:
    """Return a scan with its answer; `None` where no row alone stands out.

    Args:
        entity: The table.
        step: The scan.
        rows: All rows that satisfy its conditions, in the order of a reply.
    """
    scan = Scan(step.sort_by or "", step.beside)
    figures = [figure_of(entity, scan, row) for row in rows]
    ordered = sorted((figure for figure in figures if figure is not None), reverse=True)
    if len(ordered) < FEWEST_SCANNED:
        return None
    margin = LONGER_BY if scan.beside is None else 1e-6
    if ordered[0] - ordered[1] < margin or ordered[0] <= 0:
        return None
    place = figures.index(ordered[0])
    answer = rows[place][step.column or ""]
    if answer is None:
        return None
    shown = (rows[place], *rows[:place], *rows[place + 1 :])
    return replace(step, answer=answer, place=place, rows=shown)


def figure_of(entity: Entity, scan: Scan, row: Row) -> float | None:
    """Return what a row is compared by: characters, seconds or a difference; `None` without one."""
    value = row[scan.column]
    if scan.beside is None:
        return float(len(value)) if isinstance(value, str) else None
    other = row[scan.beside]
    if isinstance(value, str) and isinstance(other, str):
        return _seconds_between(other, value)
    if isinstance(value, int | float) and isinstance(other, int | float):
        return float(value - other)
    return None


def _seconds_between(start: str, end: str) -> float | None:
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return None


def firsts_of(rows: Sequence[Row], columns: Sequence[str], number: int) -> list[Row]:
    """Return the rows that stand first in some order: by the key, or by one of the columns."""
    found = list(rows[:number])
    for column in columns:
        filled = [row for row in rows if row[column] is not None]
        for backwards in (False, True):
            # Among equals the key decides, as in a reply: sorting is stable, backwards as well.
            ordered = sorted(filled, key=lambda row: _place_of(row[column]), reverse=backwards)
            found += ordered[:number]
    return found


def _place_of(value: SqlValue) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (float(value or 0), "")
