"""Samples the tasks of an environment that change its world."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.synthesizer.changes.change import Change, ChangePlan, NamedRow
from astra_arena.synthesizer.changes.change_sampler import ChangeSampler
from astra_arena.synthesizer.changes.change_wording import ChangeWording
from astra_arena.synthesizer.changes.change_writer import ChangeWriter
from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.write_kinds import WriteTool
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.task_checks import PlanChecks
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Step
from astra_arena.synthesizer.tasks.task_splits import SplitKeeper, Thing, entities_of
from astra_arena.synthesizer.tasks.task_writer import TaskWriter

ATTEMPTS_PER_TASK = 60
FAILURES_IN_A_ROW = 12
TWO_CHANGES_SHARE = 0.2
"""How many tasks ask for two changes, where there are tools for it."""


@dataclass(frozen=True, slots=True)
class ChangeSample:
    """The tasks drawn, without their states, and why draws were refused."""

    tasks: tuple[Task, ...]
    plans: dict[str, ChangePlan]
    """By task."""
    refused: dict[str, int]


def sample_changes(
    catalogue: Catalogue,
    designs: tuple[EntityTools, ...],
    queries: GoldQueries,
    writer: TaskWriter,
    *,
    count: int,
    seed: int,
    splits: SplitKeeper,
    homes: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> ChangeSample:
    """Sample tasks that change the world; none where no tool writes.

    Args:
        catalogue: The entities.
        designs: Their tools.
        queries: Answers what is read first.
        writer: Writes what is read first.
        count: How many tasks are wanted; fewer come back when the data holds no more.
        seed: Decides every draw.
        splits: Keeps splits apart; it knows what other tasks use.
        homes: The environment of each table, where there are several; then only plans are taken in
            which it takes reading in one to write in another.
        progress: Told how many tasks there are, each time one is added.
    """
    sampler = _TaskSampler(catalogue, designs, queries, writer, splits, seed, homes or {})
    tasks: list[Task] = []
    plans: dict[str, ChangePlan] = {}
    done: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for number in range(count * 4):
        courses = [name for name in splits.names if failures[name] < FAILURES_IN_A_ROW]
        if len(tasks) >= count or not courses or not sampler.can_write:
            break
        split = min(courses, key=lambda name: (done[name] + 0.5) / splits.share(name))
        drawn = sampler.sample(number, len(tasks) + 1, split)
        failures[split] = failures[split] + 1 if drawn is None else 0
        if drawn is not None:
            task, plan = drawn
            done[split] += 1
            tasks.append(task)
            plans[task.id] = plan
            if progress is not None:
                progress(len(tasks))
    return ChangeSample(tuple(tasks), plans, dict(sorted(sampler.refused.items())))


class _TaskSampler:
    def __init__(
        self,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        queries: GoldQueries,
        writer: TaskWriter,
        splits: SplitKeeper,
        seed: int,
        homes: Mapping[str, str],
    ) -> None:
        self._splits = splits
        self._homes = homes
        self._catalogue = catalogue
        self._designs = designs
        self._queries = queries
        self._writer = ChangeWriter(writer, catalogue)
        self._seed = seed
        self._asked: set[str] = set()
        self._changed: set[bytes] = set()
        self._used: Counter[str] = Counter()
        self._tried: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    @property
    def can_write(self) -> bool:
        """Whether any tool writes."""
        return any(design.writes for design in self._designs)

    def sample(self, number: int, place: int, split: str) -> tuple[Task, ChangePlan] | None:
        """Draw until a plan passes; `None` when none does."""
        stream = random_stream(self._seed, "changes", number)
        sampler = ChangeSampler(self._catalogue, self._designs, self._queries, stream, self._homes)
        checks = PlanChecks(self._catalogue, self._designs, self._queries, stream)
        two = len(sampler.tools) > 1 and stream.random() < TWO_CHANGES_SHARE
        for _ in range(ATTEMPTS_PER_TASK):
            ranked = self._ranked(sampler, stream)
            plan = self._drawn(sampler, ranked, two=two)
            if plan is None:
                self.refused["nothing drawn"] += 1
                continue
            if self._homes and not plan.crosses(self._homes):
                self.refused["stays in one environment"] += 1
                continue
            wording = ChangeWording(self._catalogue, plan, stream)
            patterns, entities = frozenset({plan.template}), self._entities(plan)
            finding = self._splits.finding_of(patterns, entities, split)
            finding = finding or self._finding(plan, wording, checks)
            if finding is not None:
                self.refused[finding] += 1
                continue
            self._note(plan, wording)
            self._splits.note_of(patterns, entities, split)
            return self._writer.write(place, plan, wording, entities, split), plan
        return None

    def _entities(self, plan: ChangePlan) -> frozenset[Thing]:
        """Return the rows that a plan reads or names."""
        read = entities_of(self._catalogue, Plan("chain", plan.reads))
        named = {
            (row.table, tuple(row.row[name] for name in self._catalogue.by_name[row.table].key))
            for change in plan.changes
            for row in change.rows
        }
        return read | named

    def _ranked(self, sampler: ChangeSampler, stream: random.Random) -> list[tuple[str, WriteTool]]:
        """Return the tools, those that were used or tried least first, so that none is left out."""
        worn = {
            tool.name: self._used[tool.name] + self._tried[tool.name] / 8
            for _, tool in sampler.tools
        }
        return sorted(sampler.tools, key=lambda item: (worn[item[1].name], stream.random()))

    def _drawn(
        self, sampler: ChangeSampler, ranked: list[tuple[str, WriteTool]], *, two: bool
    ) -> ChangePlan | None:
        first = self._first_drawn(sampler, ranked, number=1)
        if first is None or not two:
            return first
        number = len(first.reads) + 2
        others = [item for item in ranked if item[0] != first.changes[0].table]
        second = self._first_drawn(sampler, others, number=number)
        if second is None:
            return None
        return _together(first, second)

    def _first_drawn(
        self, sampler: ChangeSampler, ranked: list[tuple[str, WriteTool]], *, number: int
    ) -> ChangePlan | None:
        for table, tool in ranked[:3]:
            plan = sampler.draw(table, tool, number=number)
            if plan is not None:
                return plan
            self._tried[tool.name] += 1
        return None

    def _finding(self, plan: ChangePlan, wording: ChangeWording, checks: PlanChecks) -> str | None:
        if wording.request() in self._asked:
            return "the request was made before"
        if any(_change_key(change) in self._changed for change in plan.changes):
            return "the change was asked for before"
        for chain in _chains(plan):
            if len(chain) > 1:
                found = checks.finding(Plan("chain", chain))
                if found is not None:
                    return "what is read first does not need its parent"
        return None

    def _note(self, plan: ChangePlan, wording: ChangeWording) -> None:
        self._asked.add(wording.request())
        for change in plan.changes:
            self._changed.add(_change_key(change))
            self._used[change.tool.name] += 1


def _change_key(change: Change) -> bytes:
    """Tell changes apart: by the row for those of a row, by what is said for new ones."""
    said: JsonObject = {**(change.values if change.target is None else change.target.row)}
    return canonical_bytes([change.tool.name, said])


def _chains(plan: ChangePlan) -> list[tuple[Step, ...]]:
    """Return the reading steps behind each row that is found, parents first."""
    by_id = {step.id: step for step in plan.reads}
    chains: list[tuple[Step, ...]] = []
    for change in plan.changes:
        for source in change.sources:
            chain = [by_id[source]]
            while chain[0].sources:
                chain.insert(0, by_id[chain[0].sources[0]])
            chains.append(tuple(chain))
    return chains


def _together(first: ChangePlan, second: ChangePlan) -> ChangePlan:
    """Return one plan with what is read before what is written, numbered anew."""
    names: dict[str, str] = {}
    for step in (*first.reads, *second.reads):
        names[step.id] = f"q{len(names) + 1}"
    for change in (*first.changes, *second.changes):
        names[change.id] = f"q{len(names) + 1}"
    reads = tuple(_renamed_step(step, names) for step in (*first.reads, *second.reads))
    changes = tuple(_renamed_change(c, names) for c in (*first.changes, *second.changes))
    return ChangePlan(reads, changes)


def _renamed_step(step: Step, names: dict[str, str]) -> Step:
    conditions: tuple[Condition, ...] = tuple(
        replace(c, source=names[c.source]) if c.source else c for c in step.conditions
    )
    return replace(step, id=names[step.id], conditions=conditions)


def _renamed_change(change: Change, names: dict[str, str]) -> Change:
    def renamed(row: NamedRow) -> NamedRow:
        return replace(row, source=names[row.source]) if row.source else row

    return replace(
        change,
        id=names[change.id],
        target=None if change.target is None else renamed(change.target),
        others={parameter: renamed(row) for parameter, row in change.others.items()},
    )
