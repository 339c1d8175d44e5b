"""The gate of alternative solutions: what is as right as the gold must earn as much.

Two things are generated. Programs that differ from the gold in form alone are played: calls in
another order that keeps parents before children, defaults left out and spelled out, whole numbers
written `1.0`. And other calls that natural readers of the question would make are executed one by
one: another page size, a look-up by key in place of a search by key. Where the reply holds the
gold answer under the same name and the rules do not accept the call, an alternative is missing.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.gold_program import Act, CallAct, gold_acts
from astra_arena.core.pointers import escape_token
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Alternative, SubQuestion, Task
from astra_arena.sandbox.contract import Sandbox, Succeeded
from astra_arena.servers.bundle import Bundle
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.mutations import mutations_of
from astra_arena.synthesizer.gates.workbench import (
    GoldStep,
    Workbench,
    alone_in,
    found_at,
    rule_that_accepts,
    workbench,
)
from astra_arena.synthesizer.side_by_side import side_by_side

GATE = "alternative_solutions"
MOST_ORDERS = 4
"""Other orders that are played of one task."""
MOST_ROWS = 5
"""A reply of more rows is one to search in; it never solves."""
MOST_COMPARED = 3
"""Other values of each argument with which two tools are compared."""
ANOTHER_TOOL = "another tool with the same arguments"
PAGE_NAMES = ("limit", "page_size", "max_results", "count", "top", "n")
PAGE_SIZES = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class Variation:
    """A program that is as right as the gold."""

    kind: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A call that answers a sub-question and is not accepted."""

    question: str
    kind: str
    alternative: Alternative


class AlternativeSolutionsGate:
    """Looks for right solutions that are not accepted."""

    name = GATE

    async def check(self, exam: Exam) -> GateResult:
        """Examine an environment; see `Gate.check`."""
        async with workbench(exam) as bench:
            played: Counter[str] = Counter()
            lacking: Counter[str] = Counter()

            async def look_at(task: Task) -> list[Finding]:
                refused = await _refused(bench, task, exam.seed, played)
                missing = await missing_in(bench, task)
                lacking.update(one.kind for one in missing)
                return [*refused, *(_finding(task, one) for one in missing)]

            done = exam.counter(GATE, len(exam.tasks))
            found = await side_by_side(exam.tasks, look_at, on_done=done)
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


async def missing_in(bench: Workbench, task: Task) -> list[Missing]:
    """Return the calls that answer sub-questions of a task and are not accepted."""
    found: list[Missing] = []
    for step in bench.steps:
        if step.task.id != task.id:
            continue
        alone = alone_in(task, step.question)
        for kind, tool, arguments in _natural_calls(bench, step):
            accepted = bench.accepted(tool, arguments)
            came = await bench.run(tool, arguments, after=step.before)
            if accepted is None or not isinstance(came, Succeeded):
                continue
            path = _answer_path(step.question, came.result)
            if path is None or rule_that_accepts(alone, tool, accepted, came) is not None:
                continue
            if tool == step.tool or await _agrees(bench, step, tool, arguments, path):
                other = Alternative(tool=tool, arguments=_referring(step, accepted), path=path)
                found.append(Missing(step.question.id, kind, other))
    return found


async def _agrees(
    bench: Workbench, step: GoldStep, tool: str, arguments: JsonObject, path: str
) -> bool:
    """Tell whether another tool answers like the gold's when it is asked about other things, too.

    Two counts that are both 1 are no sign that they count the same.
    """
    if step.question.answer.where is not None:
        # The same row was found; no chance is involved.
        return True
    agreed = 0
    for name in arguments:
        parameter = bench.parameter(step.tool, name)
        if parameter is None:
            continue
        stream = random_stream(0, GATE, step.task.id, step.question.id, name)
        for mutation in islice(
            mutations_of(parameter, step.arguments, bench.seen, stream), MOST_COMPARED
        ):
            gold = await bench.run(step.tool, mutation.arguments, after=step.before)
            changed: JsonObject = {**arguments, name: mutation.value}
            other = await bench.run(tool, changed, after=step.before)
            if isinstance(gold, Succeeded) and isinstance(other, Succeeded):
                ours, its = found_at(gold, step.question.answer.path), found_at(other, path)
                if canonical_bytes(ours) != canonical_bytes(its):
                    return False
                agreed += 1
    return agreed > 0


def _natural_calls(bench: Workbench, step: GoldStep) -> Iterator[tuple[str, str, JsonObject]]:
    """Give other calls that ask the same: kind, tool, arguments."""
    if bench.writes(step.tool):
        return
    known: set[bytes] = {canonical_bytes([step.tool, step.arguments])}
    for name in PAGE_NAMES:
        parameter = bench.parameter(step.tool, name)
        for size in PAGE_SIZES if parameter is not None and parameter.has_default else ():
            arguments: JsonObject = {**step.arguments, name: size}
            if _is_new(known, step.tool, arguments):
                yield "another page size", step.tool, arguments
    given = {
        name: value
        for name, value in step.arguments.items()
        if (one := bench.parameter(step.tool, name)) is not None
        and (one.required or not one.is_default(step.arguments))
        and name not in PAGE_NAMES
    }
    for tool, parameters in bench.parameters.items():
        required = {name for name, one in parameters.items() if one.required}
        fits = required <= given.keys() <= parameters.keys() and bool(given)
        if tool == step.tool or bench.writes(tool) or not fits or not _offers(step.task, tool):
            continue
        takes_all = all(parameters[name].takes(value) for name, value in given.items())
        if takes_all and _is_new(known, tool, given):
            yield ANOTHER_TOOL, tool, given


def _offers(task: Task, tool: str) -> bool:
    return not task.tools or tool in task.tools


def _is_new(known: set[bytes], tool: str, arguments: JsonObject) -> bool:
    key = canonical_bytes([tool, arguments])
    is_new = key not in known
    known.add(key)
    return is_new


def _answer_path(question: SubQuestion, result: JsonObject) -> str | None:
    """Return where a reply holds the gold answer under the gold's name; `None` if not for sure.

    One row must hold it, or be singled out by what singles out the gold's row.
    """
    answer = question.answer
    name = answer.path.rpartition("/")[2]
    where = answer.where
    holders = [
        path
        for path, row in _rows(result)
        if name in row
        and answers_match(answer.kind, answer.value, row[name], tolerance=answer.tolerance)
        and (
            where is None
            or all(key in row and row[key] == value for key, value in where.equals.items())
        )
    ]
    return f"{holders[0]}/{escape_token(name)}" if len(holders) == 1 else None


def _rows(result: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Give the objects of a reply with their pointers; none of lists that are too long."""
    yield "", result
    for name, value in result.items():
        here = f"/{escape_token(name)}"
        if isinstance(value, dict):
            yield here, value
        elif isinstance(value, list) and len(value) <= MOST_ROWS:
            for index, row in enumerate(value):
                if isinstance(row, dict):
                    yield f"{here}/{index}", row


def _referring(step: GoldStep, arguments: JsonObject) -> JsonObject:
    """Return arguments that refer to parents' answers wherever the gold's do."""
    return {
        name: gold
        if isinstance(gold := step.question.arguments.get(name), dict)
        and "$from" in gold
        and canonical_bytes(step.arguments.get(name)) == canonical_bytes(value)
        else value
        for name, value in arguments.items()
    }


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
