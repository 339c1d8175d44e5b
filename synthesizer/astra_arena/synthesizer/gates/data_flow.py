"""The gate of data flow: what a sub-question depends on must reach its call and matter there.

Three things are tried for each sub-question with parents. Other values are put in the place of each
parent's answer, and must change the child's answer. A parent whose answer the call does not take
must have changed the world for it, or the dependency is in the text only. And a solver that knows
the child's tool and everything but the parents' answers enumerates what it could put there, within
the task's budget: where that finds the answer, the parents were not needed.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import SubQuestion, Task, references_of
from astra_arena.sandbox.contract import Execution, Failed, Succeeded
from astra_arena.synthesizer.gates.categories import familiar_values
from astra_arena.synthesizer.gates.gate import (
    Exam,
    Finding,
    GateResult,
    TaskMean,
    decided,
    not_applicable,
)
from astra_arena.synthesizer.gates.mutations import mutations_of
from astra_arena.synthesizer.gates.workbench import (
    GoldStep,
    Trial,
    Workbench,
    alone_in,
    fingerprint,
    found_at,
    rule_that_accepts,
    workbench,
)
from astra_arena.synthesizer.side_by_side import side_by_side

GATE = "data_flow"
MOST_REPLACEMENTS = 8
FEWEST_REPLACEMENTS = 3
"""With fewer values in the world, neighbours are tried, too; a bound moved by one often keeps the
same rows."""
LEAST_CHANGED = 0.5
"""The share of other parent's values that must change the child's answer. Of the flights, 96 % do;
counts and extremes of a few rows are equal by chance more often."""
MOST_GUESSED = 0.1
"""The share of tasks in which a child may be solved by enumeration."""


@dataclass(slots=True)
class _Flow:
    """What came of the sub-questions with parents."""

    children: int = 0
    replaced: int = 0
    changed: int = 0
    ordered: int = 0
    """Dependencies through the world alone."""
    guessed: dict[str, int] = field(default_factory=dict[str, int])
    """Calls after which enumeration had all that is asked, by task."""
    tasks: set[str] = field(default_factory=set[str])
    findings: list[Finding] = field(default_factory=list[Finding])


class DataFlowGate:
    """Replaces and withholds parents' answers."""

    name = GATE

    async def check(self, exam: Exam) -> GateResult:
        """Examine an environment; see `Gate.check`."""
        if not any(question.depends_on for task in exam.tasks for question in task.needed):
            return not_applicable(GATE, "no sub-question depends on another")
        async with workbench(exam) as bench:
            examination = _Examination(bench, exam)
            done = exam.counter(GATE, len(exam.tasks))
            await side_by_side(exam.tasks, examination.look_at_task, on_done=done)
            return examination.result()


class _Examination:
    def __init__(self, bench: Workbench, exam: Exam) -> None:
        self._bench = bench
        self._exam = exam
        self._flow = _Flow()
        self._familiar = familiar_values(exam.bundle)

    async def look_at_task(self, task: Task) -> None:
        """Try the sub-questions of a task that have parents, and to do without these."""
        for step in self._bench.steps:
            if step.task.id == task.id and step.question.depends_on:
                await self._look_at(step)
        await self._enumerate_sinks(task)

    async def _look_at(self, step: GoldStep) -> None:
        self._flow.children += 1
        self._flow.tasks.add(step.task.id)
        parents = _tool_parents(step.task, step.question)
        taken = {
            parent
            for name in references_of(step.question.arguments)
            for parent in (name, *_tool_parents(step.task, _by_id(step.task, name)))
        }
        for parent in parents - taken:
            await self._only_in_order(step, parent)
        for name, value in step.question.arguments.items():
            if isinstance(value, dict) and "$from" in value:
                await self._replace(step, name)

    async def _only_in_order(self, step: GoldStep, parent: str) -> None:
        """A parent that the call takes nothing from must have made the world what it needs."""
        question = _by_id(step.task, parent)
        left: list[Trial] = [
            (other.tool, other.arguments)
            for other in self._bench.steps
            if other.task.id == step.task.id
            and (other.tool, other.arguments) in step.before
            and other.question.id != question.id
        ]
        gold = await self._bench.run_step(step)
        without = await self._bench.run(step.tool, step.arguments, after=left)
        if len(left) == len(step.before) or fingerprint(gold) == fingerprint(without):
            self._reject(
                step,
                f"depends on {parent!r}, but takes nothing from it and does the same without it",
                "a dependency in the text only",
                {"parent": parent},
            )
        else:
            self._flow.ordered += 1

    async def _replace(self, step: GoldStep, name: str) -> None:
        """Put other values in the place of a parent's answer."""
        parameter = self._bench.parameter(step.tool, name)
        if parameter is None:
            return
        gold = self._outcome(step, await self._bench.run_step(step))
        others = mutations_of(parameter, step.arguments, self._bench.seen, self._stream(step, name))
        tried = changed = 0
        for mutation in islice(others, MOST_REPLACEMENTS):
            near = mutation.kind == "off_by_one" and tried >= FEWEST_REPLACEMENTS
            if near or mutation.kind in ("null", "dropped", "other_format"):
                continue
            came = await self._bench.run(step.tool, mutation.arguments, after=step.before)
            if isinstance(came, Succeeded | Failed):
                tried += 1
                changed += not same_json(self._outcome(step, came), gold)
        self._flow.replaced += tried
        self._flow.changed += changed
        if tried and changed < LEAST_CHANGED * tried:
            self._reject(
                step,
                f"{changed} of {tried} other values in the place of the parent's answer "
                f"{name!r} change the answer, expected {LEAST_CHANGED:.0%} at least",
                "a parent's value that hardly matters",
                {"argument": name, "tried": tried, "changed": changed},
            )

    def _outcome(self, step: GoldStep, came: Execution | None) -> Json:
        """Return what a call is made for: its answer, or for one that writes all that it shows."""
        path = "" if step.tool in self._bench.writing else step.question.answer.path
        return found_at(came, path)

    async def _enumerate_sinks(self, task: Task) -> None:
        """Let a solver without the parents' answers enumerate them, for all that is asked."""
        parents = {name for question in task.sub_questions for name in question.depends_on}
        sinks = [
            step
            for step in self._bench.steps
            if step.task.id == task.id and step.question.id not in parents and _withheld(step)
        ]
        left = task.budget.calls
        for step in sinks:
            used = await self._enumerated(step, left)
            if used is None:
                return
            left -= used
        if sinks:
            self._flow.guessed[task.id] = task.budget.calls - left

    async def _enumerated(self, step: GoldStep, budget: int) -> int | None:
        """Return how many calls enumeration needs for a sub-question; `None` if beyond budget."""
        alone = alone_in(step.task, step.question)
        for used, arguments in enumerate(islice(self._guesses(step, _withheld(step)), budget)):
            came = await self._bench.run(step.tool, arguments, after=step.before)
            accepted = self._bench.accepted(step.tool, arguments)
            if rule_that_accepts(alone, step.tool, accepted, came) is not None:
                return used + 1
        return None

    def _guesses(self, step: GoldStep, withheld: Sequence[str]) -> Iterator[JsonObject]:
        """Give the calls that the solver makes: first without, then with what replies hold."""
        known = {name: v for name, v in step.arguments.items() if name not in withheld}
        yield known
        values = [self._candidates(step, name) for name in withheld]
        for chosen in product(*values):
            yield {**known, **dict(zip(withheld, chosen, strict=True))}

    def _candidates(self, step: GoldStep, name: str) -> list[Json]:
        """Return what may stand in an argument: members, else what anybody may know of that name.

        That is what is on view, and what columns of few values hold. They come in an order of their
        own for each call, for the solver has none to go by.
        """
        parameter = self._bench.parameter(step.tool, name)
        if parameter is None:
            return []
        named = [value for value in parameter.members if value is not None]
        familiar = self._familiar.get(name, ())
        values = named or list(dict.fromkeys([*self._bench.on_view.others(name, None), *familiar]))
        shuffled = self._stream(step, name, "withheld").sample(values, k=len(values))
        return [value for value in shuffled[: step.task.budget.calls] if parameter.takes(value)]

    def _reject(self, step: GoldStep, problem: str, kind: str, evidence: JsonObject) -> None:
        self._flow.findings.append(
            Finding(
                problem=f"{step.question.id} {problem}",
                kind=kind,
                task=step.task.id,
                tool=step.tool,
                evidence={"question": step.question.id, **evidence},
            )
        )

    def _stream(self, step: GoldStep, *names: Json) -> random.Random:
        return random_stream(self._exam.seed, GATE, step.task.id, step.question.id, *names)

    def result(self) -> GateResult:
        """Return what was found."""
        flow = self._flow
        order = {task.id: place for place, task in enumerate(self._exam.tasks)}
        findings = sorted(flow.findings, key=lambda one: order[one.task or ""])
        findings += self._too_many_guessed()
        guessed: JsonObject = dict(sorted(flow.guessed.items()))
        return decided(
            GATE,
            findings,
            {
                "tasks_with_parents": len(flow.tasks),
                "children": flow.children,
                "replacements": flow.replaced,
                "replacements_that_change": flow.changed,
                "dependencies_through_the_world": flow.ordered,
                "tasks_solved_by_enumeration": len(flow.guessed),
                "solved_by_enumeration": guessed,
                **self._bench.figures,
            },
            (self._share_guessed(),),
        )

    def _share_guessed(self) -> TaskMean:
        of = {task: float(task in self._flow.guessed) for task in self._flow.tasks}
        what = "the share of tasks that enumeration solves without the parents' answers"
        return TaskMean(what, MOST_GUESSED, of)

    def _too_many_guessed(self) -> Iterator[Finding]:
        """Reject tasks that enumeration solves, soonest first, until the others are few enough."""
        guessed, tasks = self._flow.guessed, len(self._flow.tasks)
        left, share = len(guessed), f"{len(guessed)} of {tasks} tasks"
        for task, calls in sorted(guessed.items(), key=lambda item: (item[1], item[0])):
            if left <= MOST_GUESSED * tasks:
                return
            left, tasks = left - 1, tasks - 1
            yield Finding(
                problem=f"without the parents' answers, {calls} calls find all that is asked by "
                f"enumeration; so it is in {share}, expected {MOST_GUESSED:.0%} at most",
                kind="solved without its parents",
                task=task,
                evidence={"calls": calls},
            )


def _by_id(task: Task, identifier: str) -> SubQuestion:
    return next(question for question in task.sub_questions if question.id == identifier)


def _tool_parents(task: Task, question: SubQuestion) -> set[str]:
    """Return the nearest ancestors that need a tool."""
    found: set[str] = set()
    for name in question.depends_on:
        parent = _by_id(task, name)
        found |= _tool_parents(task, parent) if parent.tool is None else {name}
    return found


def _withheld(step: GoldStep) -> list[str]:
    """Return the arguments that take parents' answers."""
    return [
        name
        for name, value in step.question.arguments.items()
        if isinstance(value, dict) and "$from" in value
    ]
