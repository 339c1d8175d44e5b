"""The gate of wrong solutions: what is wrong in one way must earn clearly less than the gold.

Near misses are played in real episodes. One that does not run, or whose calls fail, says nothing
and is passed over. One that earns as much as the gold is looked at: where the reply to the changed
call holds the gold's very row, or answers by an alternative, it is right by accident and counted as
such; everything else is a wrong solution that was rewarded, and rejects the task.
"""

from collections import Counter
from dataclasses import dataclass, field

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.errors import SpecError
from astra_arena.core.gold_program import gold_acts
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import SubQuestion, Task
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.near_misses import MARGIN, NearMiss, NearMisses
from astra_arena.synthesizer.gates.play import Played
from astra_arena.synthesizer.gates.stated_alternatives import false_alternatives
from astra_arena.synthesizer.gates.workbench import Workbench, workbench
from astra_arena.synthesizer.side_by_side import side_by_side

GATE = "wrong_solutions"
FEWEST = 10
"""Wrong solutions of each task."""
WANTED = 12
FEWEST_KINDS = 5
"""Kinds of wrong solutions of each type of task."""
MOST_PLAYED = 60
_ROUNDING = 1e-9


@dataclass(slots=True)
class _Suite:
    """The wrong solutions of one task."""

    task: Task
    gold: Played
    kinds: Counter[str] = field(default_factory=Counter[str])
    by_accident: Counter[str] = field(default_factory=Counter[str])
    passed_over: int = 0
    played: int = 0
    best: float = 0.0
    rewarded: list[tuple[NearMiss, float]] = field(default_factory=list[tuple[NearMiss, float]])

    @property
    def wrong(self) -> int:
        """How many wrong solutions earned less."""
        return self.kinds.total()

    @property
    def is_enough(self) -> bool:
        """Whether more need not be tried."""
        return self.wrong >= WANTED and len(self.kinds) >= FEWEST_KINDS


class WrongSolutionsGate:
    """Plays near misses."""

    name = GATE

    async def check(self, exam: Exam) -> GateResult:
        """Examine an environment; see `Gate.check`."""
        async with workbench(exam) as bench:
            suites = await side_by_side(
                exam.tasks,
                lambda task: _suite(bench, task, exam.seed),
                on_done=exam.counter(GATE, len(exam.tasks)),
            )
            findings = [one for suite in suites for one in _findings(suite)]
            accepted = await side_by_side(exam.tasks, lambda task: false_alternatives(bench, task))
            findings += [one for its in accepted for one in its]
            findings += _kind_findings(suites)
            return decided(GATE, findings, {**_figures(suites), **bench.figures})


async def _suite(bench: Workbench, task: Task, seed: int) -> _Suite:
    # Injected faults hit right and wrong solutions alike.
    calm = task.model_copy(update={"faults": None})
    suite = _Suite(calm, await bench.player.play(calm, gold_acts(calm)))
    for miss in NearMisses(calm, bench, random_stream(seed, GATE, task.id)):
        if suite.is_enough or suite.played >= MOST_PLAYED:
            break
        suite.played += 1
        _judge(suite, miss, await bench.player.play(calm, miss.acts))
    return suite


def _judge(suite: _Suite, miss: NearMiss, played: Played) -> None:
    if not played.ran_clean:
        suite.passed_over += 1
    elif played.reward <= suite.gold.reward - MARGIN + _ROUNDING:
        suite.kinds[miss.kind] += 1
        suite.best = max(suite.best, played.reward)
    elif _is_right_by_accident(suite, miss, played):
        suite.by_accident[miss.kind] += 1
    else:
        suite.rewarded.append((miss, played.reward))


def _is_right_by_accident(suite: _Suite, miss: NearMiss, played: Played) -> bool:
    """Tell whether the changed calls hold what the gold's do."""
    questions = [one for one in suite.task.sub_questions if one.id in miss.changed]
    return bool(questions) and all(
        _holds_the_same(question, suite.gold, played) for question in questions
    )


def _holds_the_same(question: SubQuestion, gold: Played, played: Played) -> bool:
    ours, its = _solved_by(gold, question.id), _solved_by(played, question.id)
    if ours is None or its is None:
        return False
    (_, result), (rule, came) = ours, its
    if rule == "arguments":
        return True
    where = question.answer.where
    if rule == "row" and where is not None:
        there, here = _row(question, result), _row(question, came)
        return there is not None and here is not None and same_json(there, here)
    answer = question.answer
    return any(
        answers_match(answer.kind, answer.value, _at(came, other.path), tolerance=answer.tolerance)
        for other in question.alternatives
    )


def _solved_by(played: Played, question: str) -> tuple[str, JsonObject] | None:
    """Return by which rule a sub-question was solved, and the reply."""
    component = played.verdict.component("f1")
    solved = None if component is None else component.evidence.get("solved_by")
    by = solved.get(question) if isinstance(solved, dict) else None
    if not isinstance(by, dict):
        return None
    index = by.get("call")
    call = next((one for one in played.record.calls if one.index == index), None)
    return None if call is None or call.result is None else (str(by.get("rule")), call.result)


def _row(question: SubQuestion, result: JsonObject) -> Json:
    where = question.answer.where
    rows = None if where is None else _at(result, where.rows)
    for row in rows if isinstance(rows, list) else []:
        if (
            where is not None
            and isinstance(row, dict)
            and all(name in row and same_json(row[name], v) for name, v in where.equals.items())
        ):
            return row
    return None


def _at(result: JsonObject, path: str) -> Json:
    try:
        return resolve_pointer(result, path)
    except SpecError:
        return None


def _findings(suite: _Suite) -> list[Finding]:
    found = [
        Finding(
            problem=f"a wrong solution earns {reward:.3g}, the gold {suite.gold.reward:.3g}: "
            f"{miss.kind}: {miss.what}",
            kind="a rewarded wrong solution",
            task=suite.task.id,
            evidence={"mistake": miss.kind, "what": miss.what, "reward": reward},
        )
        for miss, reward in suite.rewarded
    ]
    if suite.wrong < FEWEST:
        accidents = suite.by_accident.total()
        found.append(
            Finding(
                problem=f"expected at least {FEWEST} wrong solutions, got {suite.wrong} out of "
                f"{suite.played}: {suite.passed_over} did not run, {accidents} are right",
                kind="too few wrong solutions",
                task=suite.task.id,
                evidence={"kinds": dict[str, Json](suite.kinds)},
            )
        )
    return found


def task_type(task: Task) -> str:
    """Name the type that a task belongs to: its variant and how much it asks."""
    needed = len(task.needed)
    return f"{task.variant}: {'words alone' if not needed else 'one' if needed == 1 else 'several'}"


def _kinds_by_type(suites: list[_Suite]) -> dict[str, Counter[str]]:
    kinds: dict[str, Counter[str]] = {}
    for suite in suites:
        kinds.setdefault(task_type(suite.task), Counter()).update(suite.kinds)
    return dict(sorted(kinds.items()))


def _kind_findings(suites: list[_Suite]) -> list[Finding]:
    poor = {one for one, kinds in _kinds_by_type(suites).items() if len(kinds) < FEWEST_KINDS}
    return [
        Finding(
            problem=f"expected {FEWEST_KINDS} kinds of wrong solutions of tasks of its type "
            f"({task_type(suite.task)}), got fewer",
            kind="too few kinds of wrong solutions",
            task=suite.task.id,
        )
        for suite in suites
        if task_type(suite.task) in poor
    ]


def _figures(suites: list[_Suite]) -> JsonObject:
    accidents = sum((suite.by_accident for suite in suites), Counter[str]())
    by_type: JsonObject = {
        one: dict[str, Json](sorted(kinds.items())) for one, kinds in _kinds_by_type(suites).items()
    }
    return {
        "tasks": len(suites),
        "played": sum(suite.played for suite in suites),
        "wrong": sum(suite.wrong for suite in suites),
        "fewest_per_task": min((suite.wrong for suite in suites), default=0),
        "did_not_run": sum(suite.passed_over for suite in suites),
        "right_by_accident": dict[str, Json](sorted(accidents.items())),
        "highest_reward": round(max((suite.best for suite in suites), default=0.0), 4),
        "kinds_by_type": by_type,
    }
