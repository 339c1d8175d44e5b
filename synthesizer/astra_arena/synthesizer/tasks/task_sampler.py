"""Samples tasks over the references between tables, in all topologies.

Plans are drawn at random and kept only when every check passes, so what makes a good task stands in
the checks and not in the drawing.
"""

import itertools
import random
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from astra_arena.core.errors import SynthesisError
from astra_arena.core.randomness import random_stream
from astra_arena.synthesizer.checkpoints import Log
from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tasks.answer_uses import AnswerUses
from astra_arena.synthesizer.tasks.closings import Closing, are_comparable, draw_closing
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.plan_shapes import Shapes
from astra_arena.synthesizer.tasks.questions import Storyteller, Wording, wording_finding
from astra_arena.synthesizer.tasks.step_sampler import StepSampler
from astra_arena.synthesizer.tasks.task_checks import PlanChecks
from astra_arena.synthesizer.tasks.task_graphs import TOPOLOGY_OF, Plan, Shape, Topology
from astra_arena.synthesizer.tasks.task_splits import DEFAULT_SPLIT, SplitKeeper
from astra_arena.synthesizer.tasks.task_variety import TaskVariety

MOST_RIVALS = 30
"""Other values of a column that a final answer must not be listed with."""
COMPARABLE_DRAWS: dict[Shape, int] = {"singles": 60, "branches": 30}
"""Draws for two answers that something can be computed from."""
SMALLEST_PAIR: dict[Shape, int] = {"singles": 2, "branches": 4}
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
    closing: Closing | None = None
    """What is computed from its answers, where the task ends with an answer in words."""
    rivals: tuple[SqlValue, ...] = ()
    """Other values that a final answer could have had."""


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
    final_answers: bool = False,
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
        final_answers: Whether tasks may end with what is computed from their answers.
        homes: The environment of each table, where there are several; then only plans are taken in
            which a value goes from one to another.
        log: Holds the draws of a run that was cut off, and takes those of this one.
        progress: Told how many tasks there are, each time one is added.

    Raises:
        SynthesisError: if the data allows no task at all.
    """
    sampler = _TaskSampler(connection, catalogue, designs, count, seed, splits or {}, homes or {})
    sampler.final_answers = final_answers
    wanted = _shares(count, topologies)
    courses: list[tuple[str, Shape]] = [
        (split, shape) for split in sampler.splits.names for shape in wanted
    ]
    tasks: list[SampledTask] = []
    for draw in _draws(sampler, courses, wanted, tasks, log or Log(None)):
        if draw.task is not None:
            tasks.append(draw.task)
            if progress is not None:
                progress(len(tasks))
        if len(tasks) == count:
            break
    if not tasks:
        raise _no_task(sampler.refused)
    return Sample(tuple(tasks), sampler.drawn, dict(sorted(sampler.refused.items())))


def _draws(
    sampler: "_TaskSampler",
    courses: list[tuple[str, Shape]],
    wanted: dict[Shape, float],
    tasks: list[SampledTask],
    log: Log,
) -> Iterator[Draw]:
    """Draw, or take from the log, until the data is worked out."""
    known = [_DRAWS.validate_python(line) for line in log.lines]
    failures: Counter[tuple[str, Shape]] = Counter()
    drawn_before: deque[int] = deque(maxlen=SCARCE_TASKS)
    for number in itertools.count():
        scarce = len(drawn_before) == SCARCE_TASKS and (
            sampler.attempts - drawn_before[0] > SCARCE_TASKS * ATTEMPTS_PER_TASK
        )
        course = _next_course(
            [one for one in courses if failures[one] < FAILURES_IN_A_ROW],
            wanted,
            sampler.splits,
            tasks,
        )
        if scarce or course is None:
            return
        split, shape = course
        if number < len(known):
            draw = known[number]
        else:
            draw = sampler.sample(shape, split, number)
            log.add(_DRAWS.dump_python(draw, mode="json"))
        sampler.take(draw)
        failures[course] = failures[course] + 1 if draw.task is None else 0
        if draw.task is not None:
            drawn_before.append(sampler.attempts)
        yield draw


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
) -> tuple[str, Shape] | None:
    """Return the split and shape that lag most behind their share; `None` where all are out."""
    done = Counter((task.split, task.plan.shape) for task in tasks)

    def progress(course: tuple[str, Shape]) -> float:
        split, shape = course
        return (done[course] + 0.5) / (wanted[shape] * splits.share(split))

    return min(courses, key=progress, default=None)


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
        self._variety = TaskVariety(catalogue, count)
        self._seed = seed
        self._queries = GoldQueries(connection, catalogue)
        self._queries.prepare(designs)
        self._uses = AnswerUses(catalogue, designs, homes)
        self.splits = SplitKeeper(splits, catalogue, self._queries, seed)
        self.final_answers = False
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
            plan = self._plan(shapes, shape, size)
            if plan is None:
                continue
            if self._homes and not plan.crosses(self._homes):
                refused["stays in one environment"] += 1
                continue
            complete += 1
            wording, closing = None, None
            finding = self._variety.finding(plan) or self.splits.finding(plan, split)
            if finding is None:
                closing = draw_closing(plan, stream) if self.final_answers else None
                wording = Storyteller(self._catalogue, plan, stream, closing).tell()
                finding = wording_finding(plan, wording, closing) or checks.finding(plan)
            if wording is not None and self._variety.was_asked(wording.question):
                finding = finding or "the question was asked before"
            if finding is None and wording is not None:
                rivals = self._rivals(plan, stream) if self.final_answers else ()
                task = SampledTask(plan, wording, split, closing, rivals)
                return Draw(task, attempt, complete, dict(refused))
            refused[_kind_of(finding or "")] += 1
        return Draw(None, ATTEMPTS_PER_TASK, complete, dict(refused))

    def _plan(self, shapes: Shapes, shape: Shape, size: int) -> Plan | None:
        """Draw a plan; where something is to be computed from two answers, one that has such."""
        tries = COMPARABLE_DRAWS.get(shape, 1) if self.final_answers else 1
        for _ in range(tries):
            steps = shapes.draw(shape, min(size, SMALLEST_PAIR[shape]) if tries > 1 else size)
            if steps is not None and (tries == 1 or are_comparable(Plan(shape, steps))):
                return Plan(shape, steps)
        return None

    def _rivals(self, plan: Plan, stream: random.Random) -> tuple[SqlValue, ...]:
        """Return other answers of the plan's steps, and other values of the last one's column."""
        leaf = plan.leaves[-1]
        others = [step.answer for step in plan.steps if step not in plan.leaves]
        if leaf.column is not None and leaf.kind not in ("summary", "period"):
            values = self._queries.values(leaf.table, leaf.column)
            others += stream.sample(values, k=min(len(values), MOST_RIVALS))
        answers = {answer for one in plan.leaves for answer in (one.answer,)}
        return tuple(value for value in dict.fromkeys(others) if value not in answers)

    def take(self, draw: Draw) -> None:
        """Count a draw, and what its task uses, so that later ones differ."""
        self.attempts += draw.attempts
        self.drawn += draw.complete
        self.refused.update(draw.refused)
        if draw.task is not None:
            self._variety.note(draw.task.plan, draw.task.wording.question)
            self.splits.note(draw.task.plan, draw.task.split)


def _kind_of(finding: str) -> str:
    """Return a finding without the ids and values in it."""
    words = [word for word in finding.split(" ") if not (word[:1] == "q" and word[1:].isdigit())]
    return " ".join(words).split(":")[0]
