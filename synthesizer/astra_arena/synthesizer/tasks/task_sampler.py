"""Samples tasks over the references between tables, in all topologies.

Plans are drawn at random and kept only when every check passes, so what makes a good task stands in
the checks and not in the drawing.
"""

import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from astra_arena.core.errors import SynthesisError
from astra_arena.core.randomness import random_stream
from astra_arena.synthesizer.checkpoints import Log
from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tasks.answer_uses import AnswerUses
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.plan_shapes import Shapes
from astra_arena.synthesizer.tasks.questions import Storyteller, Wording, wording_finding
from astra_arena.synthesizer.tasks.step_sampler import StepSampler
from astra_arena.synthesizer.tasks.task_checks import PlanChecks
from astra_arena.synthesizer.tasks.task_graphs import TOPOLOGY_OF, Plan, Shape, Step, Topology
from astra_arena.synthesizer.tasks.task_splits import DEFAULT_SPLIT, SplitKeeper

MOST_COMMON_SHARE = 0.15
"""The share of tasks, overall and among those that ask for one column, with one final answer."""
MOST_ROOT_SHARE = 0.03
"""The share of tasks that may begin with one call; two may in any case."""
ATTEMPTS_PER_TASK = 240
"""Draws for one task before another shape is tried."""
FAILURES_IN_A_ROW = 3
"""Tasks that a shape may fail to give before it is given up."""
SCARCE_TASKS = 50
"""When this many tasks took more than `ATTEMPTS_PER_TASK` draws each, the data is worked out."""
ATTEMPTS_PER_SIZE = 80
"""Draws for a number of steps: small plans pass more often, and would crowd the others out."""

TOPOLOGIES: dict[Topology, float] = {
    "single_hop": 5,
    "parallel_single_hop": 10,
    "multi_hop": 50,
    "parallel_multi_hop": 35,
}
"""How many of a hundred tasks have which topology when nothing else is asked for."""

SHAPES: tuple[tuple[Shape, float], ...] = (
    ("single", 1),
    ("singles", 1),
    ("chain", 9),
    ("fork", 4),
    ("join", 4),
    ("branches", 1),
)
"""The shapes with their parts of their topology's share, where the data allows them."""


@dataclass(frozen=True, slots=True)
class SampledTask:
    """A plan that passed every check, with its words."""

    plan: Plan
    wording: Wording
    split: str = DEFAULT_SPLIT


@dataclass(frozen=True, slots=True)
class Draw:
    """What came of drawing for one task."""

    task: SampledTask | None
    """`None` when every plan was refused."""
    attempts: int
    complete: int
    """Plans that were complete and went into the checks."""
    refused: dict[str, int]


_DRAWS = TypeAdapter(Draw)


@dataclass(frozen=True, slots=True)
class Sample:
    """The tasks drawn, and why others were not."""

    tasks: tuple[SampledTask, ...]
    drawn: int
    """Plans that were complete and went into the checks."""
    refused: dict[str, int]
    """How many failed, by check."""


def sample_tasks(
    connection: sqlite3.Connection,
    catalogue: Catalogue,
    designs: tuple[EntityTools, ...],
    *,
    count: int,
    seed: int,
    topologies: Mapping[Topology, float] = TOPOLOGIES,
    splits: Mapping[str, float] | None = None,
    homes: Mapping[str, str] | None = None,
    log: Log | None = None,
    progress: Callable[[int], None] | None = None,
) -> Sample:
    """Sample tasks.

    Args:
        connection: The world.
        catalogue: Its entities.
        designs: Their tools.
        count: How many tasks are wanted; fewer come back when the data holds no more.
        seed: Decides every draw.
        topologies: The shares of the topologies, as parts of their sum; others are not drawn.
        splits: The splits to make, with their shares; they have no entity and no pattern in common.
        homes: The environment of each table, where there are several; then only plans are taken in
            which a value goes from one to another.
        log: Holds the draws of a run that was cut off, and takes those of this one.
        progress: Told how many tasks there are, each time one is added.

    Raises:
        SynthesisError: if the data allows no task at all.
    """
    sampler = _TaskSampler(connection, catalogue, designs, count, seed, splits or {}, homes or {})
    wanted = _shares(count, topologies)
    courses: list[tuple[str, Shape]] = [
        (split, shape) for split in sampler.splits.names for shape in wanted
    ]
    tasks: list[SampledTask] = []
    failures: Counter[tuple[str, Shape]] = Counter()
    drawn_before: deque[int] = deque(maxlen=SCARCE_TASKS)
    log = log or Log(None)
    known = [_DRAWS.validate_python(line) for line in log.lines]
    number = 0
    while len(tasks) < count:
        if (
            len(drawn_before) == SCARCE_TASKS
            and sampler.attempts - drawn_before[0] > SCARCE_TASKS * ATTEMPTS_PER_TASK
        ):
            break
        open_courses: list[tuple[str, Shape]] = [
            one for one in courses if failures[one] < FAILURES_IN_A_ROW
        ]
        if not open_courses:
            break
        split, shape = _next_course(open_courses, wanted, sampler.splits, tasks)
        if number < len(known):
            draw = known[number]
        else:
            draw = sampler.sample(shape, split, number)
            log.add(_DRAWS.dump_python(draw, mode="json"))
        number += 1
        sampler.take(draw)
        if draw.task is None:
            failures[split, shape] += 1
            continue
        failures[split, shape] = 0
        tasks.append(draw.task)
        drawn_before.append(sampler.attempts)
        if progress is not None:
            progress(len(tasks))
    if not tasks:
        raise _no_task(sampler.refused)
    return Sample(tuple(tasks), sampler.drawn, dict(sorted(sampler.refused.items())))


def _no_task(refused: Counter[str]) -> SynthesisError:
    reasons = ", ".join(f"{why} ({n})" for why, n in refused.most_common(3)) or "none drawn"
    return SynthesisError(
        "the data allows no task of several steps: expected tables that refer to each other "
        "or one with values that rows share and numbers to compare; every draw was refused: "
        + reasons
    )


def _shares(count: int, topologies: Mapping[Topology, float]) -> dict[Shape, float]:
    parts: dict[Topology, float] = {}
    for shape, part in SHAPES:
        parts[TOPOLOGY_OF[shape]] = parts.get(TOPOLOGY_OF[shape], 0.0) + part
    whole = sum(topologies.values())
    wanted: dict[Shape, float] = {}
    for shape, part in SHAPES:
        topology = TOPOLOGY_OF[shape]
        share = topologies.get(topology, 0.0)
        if share > 0:
            wanted[shape] = count * share / whole * part / parts[topology]
    return wanted


def _next_course(
    courses: list[tuple[str, Shape]],
    wanted: dict[Shape, float],
    splits: SplitKeeper,
    tasks: list[SampledTask],
) -> tuple[str, Shape]:
    """Return the split and shape that lag most behind their share."""
    done = Counter((task.split, task.plan.shape) for task in tasks)

    def progress(course: tuple[str, Shape]) -> float:
        split, shape = course
        return (done[course] + 0.5) / (wanted[shape] * splits.share(split))

    return min(courses, key=progress)


class _TaskSampler:
    def __init__(
        self,
        connection: sqlite3.Connection,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        count: int,
        seed: int,
        splits: Mapping[str, float],
        homes: Mapping[str, str],
    ) -> None:
        self._homes = homes
        self._catalogue = catalogue
        self._designs = designs
        self._most_of_root = max(2, int(MOST_ROOT_SHARE * count))
        self._seed = seed
        self._queries = GoldQueries(connection, catalogue)
        self._queries.prepare(designs)
        self._uses = AnswerUses(catalogue, designs, homes)
        self.splits = SplitKeeper(splits, catalogue, self._queries, seed)
        self._questions: set[str] = set()
        self._calls: list[frozenset[object]] = []
        self._roots: Counter[object] = Counter()
        self._answers: Counter[str] = Counter()
        self._column_answers: dict[tuple[str, str], Counter[str]] = {}
        self.attempts = 0
        self.drawn = 0
        self.refused: Counter[str] = Counter()

    def sample(self, shape: Shape, split: str, number: int) -> Draw:
        """Draw until a plan of the shape passes, or too many have not."""
        stream = random_stream(self._seed, "tasks", number)
        steps = StepSampler(self._catalogue, self._designs, self._queries, self._uses, stream)
        shapes = Shapes(self._catalogue, self._designs, self._uses, steps, stream.random)
        checks = PlanChecks(self._catalogue, self._designs, self._queries, stream)
        size = shapes.size(shape)
        complete, refused = 0, Counter[str]()
        for attempt in range(1, ATTEMPTS_PER_TASK + 1):
            if attempt % ATTEMPTS_PER_SIZE == 0:
                size = shapes.size(shape)
            drawn = shapes.draw(shape, size)
            if drawn is None:
                continue
            plan = Plan(shape, drawn)
            if self._homes and not plan.crosses(self._homes):
                refused["stays in one environment"] += 1
                continue
            complete += 1
            wording = None
            finding = self._too_common(plan) or self.splits.finding(plan, split)
            if finding is None:
                wording = Storyteller(self._catalogue, plan, stream).tell()
                finding = wording_finding(plan, wording) or checks.finding(plan)
            if wording is not None and wording.question in self._questions:
                finding = finding or "the question was asked before"
            if finding is None and wording is not None:
                return Draw(SampledTask(plan, wording, split), attempt, complete, dict(refused))
            refused[_kind_of(finding or "")] += 1
        return Draw(None, ATTEMPTS_PER_TASK, complete, dict(refused))

    def take(self, draw: Draw) -> None:
        """Count a draw, and what its task uses, so that later ones differ."""
        self.attempts += draw.attempts
        self.drawn += draw.complete
        self.refused.update(draw.refused)
        if draw.task is not None:
            self._note(draw.task.plan, draw.task.wording)
            self.splits.note(draw.task.plan, draw.task.split)

    def _too_common(self, plan: Plan) -> str | None:
        if self._is_diverse(plan):
            return None
        return "answer or calls too much like those of earlier tasks"

    def _is_diverse(self, plan: Plan) -> bool:
        calls = _calls(plan)
        if any(calls <= earlier for earlier in self._calls):
            return False
        if any(self._roots[root] >= self._most_of_root for root in _roots(plan)):
            return False
        return all(
            _stays_rare(answers, _answer_text(leaf.answer))
            for leaf in plan.leaves
            for answers in (self._answers, self._answers_of(leaf))
        )

    def _answers_of(self, leaf: Step) -> Counter[str]:
        column = leaf.column or "" if leaf.kind != "count" else "count"
        return self._column_answers.setdefault((leaf.table, column), Counter())

    def _note(self, plan: Plan, wording: Wording) -> None:
        self._questions.add(wording.question)
        self._calls.append(_calls(plan))
        self._roots.update(_roots(plan))
        for leaf in plan.leaves:
            for answers in (self._answers, self._answers_of(leaf)):
                answers[_answer_text(leaf.answer)] += 1


def _calls(plan: Plan) -> frozenset[object]:
    return frozenset(step.call for step in plan.steps)


def _roots(plan: Plan) -> frozenset[object]:
    return frozenset(step.call for step in plan.steps if not step.sources)


def _answer_text(answer: SqlValue) -> str:
    return str(answer).casefold()


def _stays_rare(answers: Counter[str], answer: str) -> bool:
    # A column that is asked for once or twice has each answer once; the share counts from then on.
    return answers[answer] + 1 <= max(1, int(MOST_COMMON_SHARE * (answers.total() + 1)))


def _kind_of(finding: str) -> str:
    """Return a finding without the ids and values in it."""
    words = [word for word in finding.split(" ") if not (word[:1] == "q" and word[1:].isdigit())]
    return " ".join(words).split(":")[0]
