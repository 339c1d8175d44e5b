"""The gate of alternative solutions: what is as right as the gold must earn as much.

Two things are generated. Programs that differ from the gold in form alone are played: calls in
another order that keeps parents before children, defaults left out and spelled out, whole numbers
written `1.0`. And other calls that natural readers of the question would make are executed one by
one; where one answers and the rules do not accept it, an alternative is missing. As wrong is a task
that is to be declined if the tools on offer can do it, and one that is to be asked about if nothing
is open.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.gold_program import Act, CallAct, gold_acts
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.asked_slots import closed_slots
from astra_arena.synthesizer.gates.declined_tasks import DeclinedTasks
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.other_ways import Missing, missing_in
from astra_arena.synthesizer.gates.workbench import (
    Workbench,
    workbench,
)
from astra_arena.synthesizer.side_by_side import side_by_side

GATE = "alternative_solutions"
MOST_ORDERS = 4
"""Other orders that are played of one task."""


@dataclass(frozen=True, slots=True)
class Variation:
    """A program that is as right as the gold."""

    kind: str
    acts: tuple[Act, ...]


class AlternativeSolutionsGate:
    """Looks for right solutions that are not accepted."""

    name = GATE

    async def check(self, exam: Exam) -> GateResult:
        """Examine an environment; see `Gate.check`."""
        async with workbench(exam) as bench:
            played: Counter[str] = Counter()
            lacking: Counter[str] = Counter()

            declined = DeclinedTasks(exam.bundle, exam.sandbox)

            async def look_at(task: Task) -> list[Finding]:
                refused = await _refused(bench, task, exam.seed, played)
                missing = await missing_in(bench, task)
                lacking.update(one.kind for one in missing)
                words = [*await declined.findings(task), *await closed_slots(bench, task)]
                return [*refused, *words, *(_finding(task, one) for one in missing)]

            done = exam.counter(GATE, len(exam.tasks))
            try:
                found = await side_by_side(exam.tasks, look_at, on_done=done)
            finally:
                await declined.close()
            findings = [one for its in found for one in its]
            figures: JsonObject = {
                "tasks": len(exam.tasks),
                "played": dict[str, Json](sorted(played.items())),
                "missing": dict[str, Json](sorted(lacking.items())),
                **bench.figures,
            }
            return decided(GATE, findings, figures)


async def missing_alternatives(
    bundle: Bundle, sandbox: Sandbox, tasks: Sequence[Task], *, seed: int = 0
) -> tuple[Task, ...]:
    """Return the tasks with those alternatives added that execution shows to be missing.

    Raises:
        PolicyError: if the tool code was refused.
        SandboxUnavailableError: if the machinery broke.
    """
    async with workbench(Exam(replace(bundle, tasks=tuple(tasks)), sandbox, seed)) as bench:
        missing = await side_by_side(tasks, lambda task: missing_in(bench, task))
        return tuple(map(_with, tasks, missing))


def _with(task: Task, missing: Sequence[Missing]) -> Task:
    questions = tuple(
        question.model_copy(
            update={
                "alternatives": (
                    *question.alternatives,
                    *(one.alternative for one in missing if one.question == question.id),
                )
            }
        )
        for question in task.sub_questions
    )
    return task.model_copy(update={"sub_questions": questions})


async def _refused(bench: Workbench, task: Task, seed: int, played: Counter[str]) -> list[Finding]:
    """Play variations in form; return those that earn less than the gold."""
    calm = task.model_copy(update={"faults": None})
    gold = await bench.player.play(calm, gold_acts(calm))
    findings: list[Finding] = []
    for one in variations_of(calm, bench, random_stream(seed, GATE, task.id)):
        came = await bench.player.play(calm, one.acts)
        played[one.kind] += 1
        if came.reward < gold.reward:
            findings.append(
                Finding(
                    problem=f"the gold with {one.kind} earns {came.reward:.3g}, "
                    f"not {gold.reward:.3g}: {came.unmade or 'it is not accepted'}",
                    kind="a right solution that earns less",
                    task=task.id,
                    evidence={"variation": one.kind, "reward": came.reward},
                )
            )
    return findings


def variations_of(task: Task, bench: Workbench, stream: random.Random) -> Iterator[Variation]:
    """Give programs that differ from the gold in form alone.

    Args:
        task: The task, without faults.
        bench: Knows the tools.
        stream: Decides which orders are taken.
    """
    gold = gold_acts(task)
    for order in islice(_orders(task, gold, stream), MOST_ORDERS):
        yield Variation("calls in another order", order)
    forms: dict[str, Callable[[CallAct], JsonObject]] = {
        "defaults left out": lambda act: _without_defaults(act, bench),
        "defaults spelled out": lambda act: _with_defaults(act, bench),
        "whole numbers written as 1.0": lambda act: _with_floats(act.arguments),
        "arguments in another order": lambda act: dict(reversed(act.arguments.items())),
    }
    for kind, form in forms.items():
        acts = tuple(
            replace(act, arguments=form(act)) if isinstance(act, CallAct) else act for act in gold
        )
        if _spelt(acts) != _spelt(gold):
            yield Variation(kind, acts)


def _orders(task: Task, gold: tuple[Act, ...], stream: random.Random) -> Iterator[tuple[Act, ...]]:
    """Give the gold with neighbouring calls swapped that do not depend on each other.

    Only reading calls change places: the order of writes is part of what was asked.
    """
    parents = {question.id: set(question.depends_on) for question in task.sub_questions}
    places = [
        place
        for place, (first, second) in enumerate(pairwise(gold))
        if isinstance(first, CallAct)
        and isinstance(second, CallAct)
        and first.question not in _ancestors(second.question, parents)
    ]
    for place in stream.sample(places, k=len(places)):
        yield (*gold[:place], gold[place + 1], gold[place], *gold[place + 2 :])


def _ancestors(question: str | None, parents: dict[str, set[str]]) -> set[str]:
    above = parents.get(question or "", set())
    return above | {name for parent in above for name in _ancestors(parent, parents)}


def _without_defaults(act: CallAct, bench: Workbench) -> JsonObject:
    return {
        name: value
        for name, value in act.arguments.items()
        if (parameter := bench.parameter(act.tool, name, act.environment)) is None
        or not (parameter.has_default and parameter.is_default(act.arguments))
    }


def _with_defaults(act: CallAct, bench: Workbench) -> JsonObject:
    if act.environment != bench.environment:
        return act.arguments
    spelled = {
        name: one.default
        for name, one in bench.parameters.get(act.tool, {}).items()
        if one.has_default
    }
    return {**spelled, **act.arguments}


def _with_floats(arguments: JsonObject) -> JsonObject:
    return {
        name: float(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
        else value
        for name, value in arguments.items()
    }


def _spelt(acts: tuple[Act, ...]) -> str:
    return repr(acts)


def _finding(task: Task, missing: Missing) -> Finding:
    other = missing.alternative
    return Finding(
        problem=f"{missing.question} is answered by {other.tool} as well, at {other.path}, and "
        f"that is not accepted: {missing.kind}",
        kind="a missing alternative",
        task=task.id,
        tool=other.tool,
        evidence={"question": missing.question, "alternative": other.to_json()},
    )
