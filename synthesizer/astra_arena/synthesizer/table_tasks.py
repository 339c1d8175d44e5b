"""The tasks of an environment made from tables: what is read, what is changed, and variants."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from astra_arena.core.tasks import Task
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.changes.change_tasks import ChangeSample, sample_changes
from astra_arena.synthesizer.changes.final_states import settle_states
from astra_arena.synthesizer.checkpoints import Checkpoints, Log
from astra_arena.synthesizer.gates.alternative_solutions import missing_alternatives
from astra_arena.synthesizer.stage_timer import StageTimer
from astra_arena.synthesizer.table_environment import TableEnvironment
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.gold_runs import keep_true_alternatives
from astra_arena.synthesizer.tasks.task_sampler import Sample, sample_tasks
from astra_arena.synthesizer.tasks.task_splits import SplitKeeper
from astra_arena.synthesizer.variants.long_context import VARIANT as LONG_CONTEXT
from astra_arena.synthesizer.variants.long_context import LongListings
from astra_arena.synthesizer.variants.unsaid_values import UnsaidValues
from astra_arena.synthesizer.variants.variant_maker import (
    TaskPlan,
    VariantMaker,
    VariantSample,
)
from astra_arena.synthesizer.watching import Watcher

SPARE_SHARE = 0.05
"""Tasks that are made beyond those asked for."""


@dataclass(frozen=True, slots=True)
class TaskSet:
    """All tasks that were made, before the gates, and how they came about."""

    tasks: tuple[Task, ...]
    proposed: tuple[Task, ...]
    """The tasks that read, with all other ways to ask that were proposed."""
    sample: Sample
    changes: ChangeSample
    unsettled: dict[str, int]
    """Changes that did not go through, by reason."""
    variants: VariantSample


class TaskMaker:
    """Makes the tasks of one environment.

    Args:
        environment: What they are about.
        folder: Where drafts of the bundle are written.
        finished: What an earlier run has finished.
        timer: Told how long each stage takes.
        watch: Told how far it is.
    """

    def __init__(
        self,
        environment: TableEnvironment,
        folder: Path,
        finished: Checkpoints,
        timer: StageTimer,
        watch: Watcher,
    ) -> None:
        self._environment = environment
        self._options = environment.options
        self._folder = folder
        self._finished = finished
        self._timer = timer
        self._watch = watch
        self._queries = GoldQueries(environment.loaded.connection, environment.catalogue)

    def make(self) -> TaskSet:
        """Make the tasks.

        Raises:
            SynthesisError: if the data allows no task at all.
        """
        writes = any(design.writes for design in self._environment.designs)
        share = self._options.changes if writes else 0.0
        # Some will not pass the gates; what is left over is not released.
        wanted = self._options.tasks + ceil(SPARE_SHARE * self._options.tasks)
        reading = max(1, round(wanted * (1 - share)))
        with self._timer.stage("sampling"):
            sample = self._sample(reading)
            changed = self._sample_changes(sample, wanted - reading)
        writer = self._environment.task_writer()
        proposed = tuple(writer.write(n, task) for n, task in enumerate(sample.tasks, start=1))
        return asyncio.run(self._proved(sample, proposed, changed))

    async def _proved(
        self, sample: Sample, proposed: tuple[Task, ...], changed: ChangeSample
    ) -> TaskSet:
        draft = self._environment.write(self._folder, (*proposed, *changed.tasks))
        async with ProcessSandbox() as sandbox:
            with self._timer.stage("execution"):
                self._watch("execute other ways to ask", 0, 0)
                reads = await _executed(sandbox, draft, proposed, self._finished.log("executed"))
                reads = await missing_alternatives(draft, sandbox, reads, seed=self._options.seed)
                changes, unsettled = await self._settled(sandbox, draft, changed)
            with self._timer.stage("variants"):
                variants = await self._variants(sandbox, sample, changed, (*reads, *changes))
        tasks = (*reads, *changes, *variants.tasks)
        return TaskSet(tasks, proposed, sample, changed, unsettled, variants)

    def _sample(self, count: int) -> Sample:
        self._watch("sample tasks", 0, count)
        return sample_tasks(
            self._environment.loaded.connection,
            self._environment.catalogue,
            self._environment.designs,
            count=count,
            seed=self._options.seed,
            topologies=self._options.topologies,
            splits=self._options.splits,
            final_answers=self._options.final_answers,
            log=self._finished.log("sampled"),
            progress=self._told("sample tasks", count),
        )

    def _sample_changes(self, sample: Sample, count: int) -> ChangeSample:
        splits = self._splits()
        for one in sample.tasks:
            splits.note(one.plan, one.split)
        return sample_changes(
            self._environment.catalogue,
            self._environment.designs,
            self._queries,
            self._environment.task_writer(),
            count=count,
            seed=self._options.seed,
            splits=splits,
            progress=self._told("sample changes", count),
        )

    async def _settled(
        self, sandbox: ProcessSandbox, draft: Bundle, changed: ChangeSample
    ) -> tuple[tuple[Task, ...], dict[str, int]]:
        self._watch("execute changes", 0, 0)
        unbound = [draft.task(task.id) for task in changed.tasks]
        settled = await settle_states(
            sandbox, draft.program(), unbound, environment=self._environment.name
        )
        problems: dict[str, int] = {}
        for one in settled:
            if one.task is None:
                problems[one.problem] = problems.get(one.problem, 0) + 1
        return tuple(one.task for one in settled if one.task is not None), problems

    async def _variants(
        self,
        sandbox: ProcessSandbox,
        sample: Sample,
        changed: ChangeSample,
        tasks: tuple[Task, ...],
    ) -> VariantSample:
        if not self._options.variants:
            return VariantSample((), {})
        plans: dict[str, TaskPlan] = {
            task.id: one.plan for task, one in zip(tasks, sample.tasks, strict=False)
        }
        plans |= changed.plans
        environment = self._environment
        maker = VariantMaker(
            bundle=environment.write(self._folder, tasks),
            sandbox=sandbox,
            plans=plans,
            unsaid=UnsaidValues(environment.catalogue, environment.designs, self._queries),
            listings=self._listings(tasks),
            seed=self._options.seed,
        )
        made = await maker.make(
            maker.bundle.tasks,
            self._options.variants,
            log=self._finished.log("variants"),
            progress=self._told("prove variants", 0),
        )
        return replace(made, tasks=await self._with_ways(sandbox, maker.bundle, made.tasks))

    def _listings(self, tasks: tuple[Task, ...]) -> LongListings:
        environment = self._environment
        splits = self._splits()
        for task in tasks:
            splits.note_task(task)
        return LongListings(
            environment.catalogue,
            environment.designs,
            self._queries,
            environment.task_writer(),
            splits,
            self._options.seed,
        )

    async def _with_ways(
        self, sandbox: ProcessSandbox, bundle: Bundle, tasks: tuple[Task, ...]
    ) -> tuple[Task, ...]:
        """Return variants whose gold is their own with all other ways to ask that hold."""
        own = [task for task in tasks if task.variant == LONG_CONTEXT]
        if not own:
            return tasks
        kept = await keep_true_alternatives(sandbox, bundle.program(), own)
        held = await missing_alternatives(bundle, sandbox, kept, seed=self._options.seed)
        done = {task.id: task for task in held}
        return tuple(done.get(task.id, task) for task in tasks)

    def _splits(self) -> SplitKeeper:
        return SplitKeeper(
            self._options.splits, self._environment.catalogue, self._queries, self._options.seed
        )

    def _told(self, doing: str, total: int) -> Callable[[int], None]:
        return lambda done: self._watch(doing, done, total)


async def _executed(
    sandbox: ProcessSandbox, draft: Bundle, tasks: tuple[Task, ...], log: Log
) -> tuple[Task, ...]:
    """Return the tasks with the alternatives that hold; those of an earlier run as they are."""
    finished = [Task.from_json(line, what="a finished task") for line in log.lines]
    known = {task.id: task for task in finished}
    missing = [draft.task(task.id) for task in tasks if task.id not in known]

    def keep(task: Task) -> None:
        known[task.id] = task
        log.add(task.to_json())

    if missing:
        await keep_true_alternatives(sandbox, draft.program(), missing, on_task=keep)
    return tuple(known[task.id] for task in tasks)
