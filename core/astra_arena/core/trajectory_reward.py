"""The trajectory reward: which sub-questions the calls of an episode solved, at what price.

The reward is the one of ASTRA (arXiv 2601.21558), made precise. With n sub-questions that need a
tool, n̂ of them solved, c calls charged and u calls that newly solved at least one:

    r = n̂/n    p = u/c    R = 2pr/(p+r)    R = 0 when n̂ = 0

It equals the paper's 2n̂/(n+c) when each call solves at most one, and stays in [0, 1] always.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

from astra_arena.core.answers import answers_match
from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, same_json
from astra_arena.core.components import Component
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import (
    Scalar,
    SubQuestion,
    Task,
    fits_alternative,
    gold_answers,
    resolve_arguments,
)

Mode = Literal["strict", "astra"]
"""`strict` judges calls by arguments and rows; `astra` reproduces the paper, where a sub-question
is solved when the gold text is contained in the named tool's output."""

Rule = Literal["arguments", "alternative", "row", "contained"]


@dataclass(frozen=True, slots=True)
class Solution:
    """Which call solved a sub-question, and by which rule."""

    call: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts behind the trajectory reward."""

    needed: int
    solutions: dict[str, Solution]
    calls: int
    useful: int

    @property
    def recall(self) -> float:
        """r: the share of sub-questions solved."""
        return len(self.solutions) / self.needed if self.needed else 0.0

    @property
    def precision(self) -> float:
        """p: the share of calls that newly solved at least one."""
        return self.useful / self.calls if self.calls else 0.0


def trajectory_component(tally: Tally, *, mode: Mode = "strict") -> Component:
    """Return the component `f1` of an episode's counts."""
    value = trajectory_reward(tally, mode=mode)
    return Component(name="f1", value=value, evidence=_f1_evidence(tally))


def trajectory_reward(tally: Tally, *, mode: Mode = "strict") -> float:
    """Return R in [0, 1] for the counts of an episode."""
    solved = len(tally.solutions)
    if solved == 0:
        return 0.0
    match mode:
        case "strict":
            r, p = tally.recall, tally.precision
            return 2 * p * r / (p + r)
        case "astra":
            return min(1.0, 2 * solved / (tally.needed + tally.calls))
        case _:
            assert_never(mode)


def tally_calls(task: Task, calls: tuple[CallRecord, ...], *, mode: Mode = "strict") -> Tally:
    """Walk the log once and note which call solved which sub-question."""
    needed = {question.id for question in task.needed}
    answers = gold_answers(task)
    solutions: dict[str, Solution] = {}
    useful = 0
    for call in calls:
        if not call.may_solve:
            continue
        done = _settled(task, set(solutions))
        new: dict[str, Solution] = {}
        for question in task.needed:
            if question.id in solutions:
                continue
            rule = _solving_rule(question, call, done, answers, mode)
            if rule is not None:
                new[question.id] = Solution(call.index, rule)
        solutions.update(new)
        useful += bool(new)
    charged = sum(call.counts for call in calls)
    return Tally(needed=len(needed), solutions=solutions, calls=charged, useful=useful)


def _settled(task: Task, solved: set[str]) -> set[str]:
    """Return the solved sub-questions and those without a tool whose parents are all settled."""
    settled = set(solved)
    for question in task.in_order():
        if question.tool is None and settled.issuperset(question.depends_on):
            settled.add(question.id)
    return settled


def _solving_rule(
    question: SubQuestion, call: CallRecord, done: set[str], answers: JsonObject, mode: Mode
) -> Rule | None:
    if call.environment != question.environment or call.result is None:
        return None
    if mode == "astra":
        contained = call.tool == question.tool and gold_text(question) in _plain_json(call.result)
        return "contained" if contained else None
    if not done.issuperset(question.depends_on):
        return None
    if call.tool == question.tool:
        gold = resolve_arguments(question.arguments, answers)
        if same_json(call.arguments, gold):
            return "arguments"
        if _row_holds_answer(question, call.result):
            return "row"
    for other in question.alternatives:
        if call.tool == other.tool and fits_alternative(other, call.arguments, answers):
            return "alternative"
    return None


def _row_holds_answer(question: SubQuestion, result: JsonObject) -> bool:
    where = question.answer.where
    if where is None:
        return False
    try:
        rows = resolve_pointer(result, where.rows)
    except SpecError:
        return False
    if not isinstance(rows, list) or len(rows) > max(5, 2 * where.gold_rows):
        return False
    chosen = [row for row in rows if isinstance(row, dict) and _selected(row, where.equals)]
    if len(chosen) != 1:
        return False
    try:
        came = resolve_pointer(chosen[0], where.field)
    except SpecError:
        return False
    answer = question.answer
    return answers_match(answer.kind, answer.value, came, tolerance=answer.tolerance)


def _selected(row: JsonObject, equals: dict[str, Scalar]) -> bool:
    return all(name in row and same_json(row[name], value) for name, value in equals.items())


def gold_text(question: SubQuestion) -> str:
    """Return the gold answer as the text that mode `astra` looks for."""
    return _plain_json(question.answer.value)


def _plain_json(value: Json) -> str:
    """Return a value as the text of an output: JSON, but strings as they read."""
    match value:
        case str():
            return value
        case list():
            return "[" + ", ".join(_plain_json(item) for item in value) + "]"
        case dict():
            items = sorted(value.items())
            return "{" + ", ".join(f"{key}: {_plain_json(item)}" for key, item in items) + "}"
        case _:
            return canonical_bytes(value).decode("ascii")


def _f1_evidence(tally: Tally) -> JsonObject:
    solved_by: JsonObject = {
        identifier: {"call": solution.call, "rule": solution.rule}
        for identifier, solution in tally.solutions.items()
    }
    return {
        "needed": tally.needed,
        "solved": len(tally.solutions),
        "calls": tally.calls,
        "useful": tally.useful,
        "recall": tally.recall,
        "precision": tally.precision,
        "solved_by": solved_by,
    }
