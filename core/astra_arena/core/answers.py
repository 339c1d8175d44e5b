"""Typed comparison of answers: what counts as the same number, date, text, set or list."""

import unicodedata
from datetime import UTC, datetime
from typing import assert_never

from astra_arena.core.canonical import Json, canonical_bytes, same_json
from astra_arena.core.tasks import AnswerKind


def answers_match(kind: AnswerKind, gold: Json, came: Json, *, tolerance: float = 0.0) -> bool:
    """Tell whether `came` is the answer `gold`.

    Args:
        kind: How to compare: `exact` (same JSON), `number`, `date` (ISO 8601, zoneless is UTC),
            `text` (case, width and white space do not matter), `set` (order and repetition do not
            matter), `list` (both matter).
        gold: The right answer.
        came: The answer to be judged. A value of the wrong type is a wrong answer, not an error.
        tolerance: Largest difference that still counts; seconds for dates.
    """
    match kind:
        case "exact":
            return same_json(gold, came)
        case "number":
            return _numbers_match(gold, came, tolerance)
        case "date":
            return _dates_match(gold, came, tolerance)
        case "text":
            return (
                isinstance(gold, str)
                and isinstance(came, str)
                and plain_text(gold) == plain_text(came)
            )
        case "set":
            return isinstance(gold, list) and isinstance(came, list) and _bag(gold) == _bag(came)
        case "list":
            return isinstance(gold, list) and isinstance(came, list) and same_json(gold, came)
        case _:
            assert_never(kind)


def plain_text(text: str) -> str:
    """Return `text` folded for comparison: compatibility forms, case and white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _numbers_match(gold: Json, came: Json, tolerance: float) -> bool:
    if isinstance(gold, bool) or isinstance(came, bool):
        return False
    if not isinstance(gold, int | float) or not isinstance(came, int | float):
        return False
    return gold == came or abs(gold - came) <= tolerance


def _dates_match(gold: Json, came: Json, tolerance: float) -> bool:
    left, right = _instant(gold), _instant(came)
    if left is None or right is None:
        return False
    return abs((left - right).total_seconds()) <= tolerance


def _instant(value: Json) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


def _bag(values: list[Json]) -> set[bytes]:
    return {canonical_bytes(value) for value in values}
