"""Draws tasks that need several environments, and makes their gold by execution."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SynthesisError
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Program, Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.changes.change_tasks import sample_changes
from astra_arena.synthesizer.changes.final_states import settled
from astra_arena.synthesizer.checkpoints import Checkpoints
from astra_arena.synthesizer.suites.joined_worlds import JoinedWorlds
from astra_arena.synthesizer.suites.joint_sessions import with_sessions
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.gold_runs import with_true_alternatives
from astra_arena.synthesizer.tasks.task_graphs import Topology
from astra_arena.synthesizer.tasks.task_sampler import sample_tasks
from astra_arena.synthesizer.tasks.task_splits import SplitKeeper
from astra_arena.synthesizer.tasks.task_writer import TaskWriter

GENERATOR = "suite"
CHANGES_SHARE = 0.25
"""How many of the joint tasks change a world, where the environments have tools for it."""
SPARE_CHANGES = 1.5
"""Changes drawn for one that is wanted: execution refuses some."""
TOPOLOGIES: dict[Topology, float] = {"multi_hop": 60, "parallel_multi_hop": 40}
"""Only steps that build on each other can hand a value over."""


@dataclass(frozen=True, slots=True)
class JointTasks:
    """Tasks that need several environments, and what did not become one."""

    tasks: tuple[Task, ...]
    figures: JsonObject = field(default_factory=JsonObject)


class JointTaskMaker:
    """Makes the tasks over joined environments.

    Args:
        joined: The environments.
        seed: Decides every draw.
        watch: Told how many tasks were drawn.
        finished: What an earlier run has done.
    """

    def __init__(
        self,
        joined: JoinedWorlds,
        *,
        seed: int,
        watch: Callable[[int], None],
        finished: Checkpoints,
    ) -> None:
        self._joined = joined
        self._seed = seed
        self._watch = watch
        self._finished = finished
        self._homes = joined.environment_of
        self._programs = {one.name: one.bundle.program() for one in joined.members}
        self._writer = TaskWriter(
            self._homes,
            joined.catalogue,
            joined.designs,
            joined.specs,
            version=metadata.version("astra-arena"),
            seed=seed,
            generator=GENERATOR,
        )

    @property
    def programs(self) -> Mapping[str, Program]:
        """The environments' programs, by name."""
        return self._programs

    async def make(self, sandbox: Sandbox, count: int) -> JointTasks:
        """Make tasks; fewer come when the data holds no more.

        Raises:
            SynthesisError: if the data allows none.
        """
        changes, refused = await self._changes(sandbox, round(CHANGES_SHARE * count))
        reads, figures = await self._reads(sandbox, count - len(changes), len(changes))
        if not reads and not changes:
            raise SynthesisError(
                "the environments share names, but the data allows no task that needs two of "
                f"them: of the plans drawn, {figures['refused'] or 'none was complete'}"
            )
        bundles = [member.bundle for member in self._joined.members]
        tasks = tuple(with_environments(task, bundles) for task in (*reads, *changes))
        refused_json: JsonObject = {**refused}
        return JointTasks(tasks, {**figures, "changes_refused": refused_json})

    async def _changes(self, sandbox: Sandbox, count: int) -> tuple[list[Task], dict[str, int]]:
        if not count:
            return [], {}
        queries = GoldQueries(self._joined.connection, self._joined.catalogue)
        queries.prepare(self._joined.designs)
        sample = sample_changes(
            self._joined.catalogue,
            self._joined.designs,
            queries,
            self._writer,
            count=round(SPARE_CHANGES * count),
            seed=self._seed,
            splits=SplitKeeper({}, self._joined.catalogue, queries, self._seed),
            homes=self._homes,
        )
        refused = dict(sample.refused)
        results = await with_sessions(sandbox, self._programs, sample.tasks, settled)
        for result in results:
            if result.task is None:
                refused[result.problem] = refused.get(result.problem, 0) + 1
        kept = [result.task for result in results if result.task is not None][:count]
        return kept, dict(sorted(refused.items()))

    async def _reads(
        self, sandbox: Sandbox, count: int, others: int
    ) -> tuple[list[Task], JsonObject]:
        if not count:
            return [], {"plans_checked": 0, "refused": {}}
        try:
            sample = sample_tasks(
                self._joined.connection,
                self._joined.catalogue,
                self._joined.designs,
                count=count,
                seed=self._seed,
                topologies=TOPOLOGIES,
                homes=self._homes,
                log=self._finished.log("sampled"),
                progress=lambda done: self._watch(others + done),
            )
        except SynthesisError as error:
            return [], {"plans_checked": 0, "refused": {error.message: 1}}
        drawn = [self._writer.write(n, task) for n, task in enumerate(sample.tasks, start=1)]
        log = self._finished.log("executed")
        known = {
            task.id: task for task in (Task.from_json(x, what="a finished task") for x in log.lines)
        }
        fresh = await with_sessions(
            sandbox,
            self._programs,
            [task for task in drawn if task.id not in known],
            with_true_alternatives,
            on_done=lambda task: log.add(task.to_json()),
        )
        known.update((task.id, task) for task in fresh)
        figures: JsonObject = {"plans_checked": sample.drawn, "refused": {**sample.refused}}
        return [known[task.id] for task in drawn], figures


def with_environments(task: Task, bundles: Sequence[Bundle]) -> Task:
    """Return a task bound to those of the bundles whose tools its gold uses."""
    used = {question.environment for question in task.sub_questions}
    digests = tuple(b.digests.environment for b in bundles if b.name in used)
    return task.model_copy(update={"environments": digests})
