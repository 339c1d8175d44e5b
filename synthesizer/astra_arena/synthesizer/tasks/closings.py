"""What is computed from the answers of a plan: a difference, a sum, a ratio, the larger, the later.

No tool answers it: it is the last node of a task that ends with an answer in words.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tasks.phrases import Namer, Phrases
from astra_arena.synthesizer.tasks.task_graphs import Plan, Step

Operation: TypeAlias = Literal[
    "difference", "sum", "ratio", "larger", "smaller", "later", "earlier"
]

DIGITS = 4
"""Digits after the point of a difference or sum; floats hold no more."""
RATIO_DIGITS = 2

_QUESTIONS: dict[Operation, tuple[str, ...]] = {
    "difference": (
        "What is the difference between {first} and {second}{unit}?",
        "By how much do {first} and {second} differ{unit}?",
    ),
    "sum": ("What do {first} and {second} add up to{unit}?",),
    "ratio": ("What is the ratio of {first} to {second}, to two decimals?",),
    "larger": ("Which is the larger figure{unit}: {first} or {second}?",),
    "smaller": ("Which is the smaller figure{unit}: {first} or {second}?",),
    "later": ("Which is later: {first} or {second}?",),
    "earlier": ("Which is earlier: {first} or {second}?",),
}


@dataclass(frozen=True, slots=True)
class Closing:
    """A value that follows from two answers of a plan."""

    operation: Operation
    operands: tuple[str, str]
    """The steps whose answers it is computed from, in order."""
    value: SqlValue

    @property
    def tolerance(self) -> float:
        """How far a value may be off and still be right."""
        match self.operation:
            case "ratio":
                return 10.0**-RATIO_DIGITS
            case "difference" | "sum":
                return 2 * 10.0**-DIGITS if isinstance(self.value, float) else 0.0
            case _:
                return 0.0

    @property
    def arguments(self) -> JsonObject:
        """What a task's sub-question says of it."""
        first, second = self.operands
        return {
            "operation": self.operation,
            "first": {"$from": first, "path": ""},
            "second": {"$from": second, "path": ""},
        }


def draw_closing(plan: Plan, stream: random.Random) -> Closing | None:
    """Draw what is computed from a plan's two answers; `None` where they do not compare."""
    if not are_comparable(plan):
        return None
    first, second = plan.leaves
    return _computed(first, second, stream)


def are_comparable(plan: Plan) -> bool:
    """Tell whether a plan has two answers of one kind."""
    if len(plan.leaves) != 2:
        return False
    first, second = plan.leaves
    if "group" in (first.kind, second.kind) or first.metric != second.metric:
        return False
    if "count" in (first.kind, second.kind):
        return first.kind == second.kind
    return (first.table, first.column) == (second.table, second.column)


def _computed(first: Step, second: Step, stream: random.Random) -> Closing | None:
    left, right = first.answer, second.answer
    ids = first.id, second.id
    if isinstance(left, str) and isinstance(right, str):
        if not _are_moments(left, right):
            return None
        later = stream.random() < 0.5
        value = max(left, right) if later else min(left, right)
        return Closing("later" if later else "earlier", ids, value)
    if not (isinstance(left, int | float) and isinstance(right, int | float)) or left == right:
        return None
    operations: list[Operation] = ["difference", "difference", "larger", "smaller"]
    if first.kind == "count" or first.metric == "sum":
        operations.append("sum")
    if left > right > 0:
        operations.append("ratio")
    operation = stream.choice(operations)
    return Closing(operation, ids, COMPUTED[operation](left, right))


def _are_moments(left: str, right: str) -> bool:
    return len(left) == len(right) >= 10 and all(
        text[:4].isdigit() and text[4] == text[7] == "-" for text in (left, right)
    )


def _difference(left: float, right: float) -> float:
    return _tidy(abs(left - right))


def _sum(left: float, right: float) -> float:
    return _tidy(left + right)


def _ratio(left: float, right: float) -> float:
    return round(left / right, RATIO_DIGITS)


def _tidy(value: float) -> float:
    return value if isinstance(value, int) else round(value, DIGITS)


COMPUTED: dict[Operation, Callable[[float, float], float]] = {
    "difference": _difference,
    "sum": _sum,
    "ratio": _ratio,
    "larger": max,
    "smaller": min,
}
"""How values of numbers are computed."""


def closing_question(closing: Closing, phrases: Phrases, name: Namer) -> str:
    """Return the question for what is computed."""
    steps = [phrases.plan.step(step_id) for step_id in closing.operands]
    first, second = (phrases.answer_phrase(step, name) for step in steps)
    form = phrases.choose(_QUESTIONS[closing.operation], "closing")
    unit = "" if steps[0].kind == "count" else phrases.grammar(steps[0], steps[0].column).unit
    return form.format(first=first, second=second, unit=f", in {unit}" if unit else "")
