"""Distractor tasks of a suite: tasks of one member, offered beside tools of the others."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.variants.distractors import (
    VARIANT,
    DistractorPool,
    with_distractors,
)
from astra_arena.synthesizer.variants.missing_function import NoVariant
from astra_arena.synthesizer.variants.reach_search import Executor


@dataclass(frozen=True, slots=True)
class Distracted:
    """Distractor tasks, and why there are no more."""

    tasks: tuple[Task, ...]
    refused: dict[str, int]

    def kept(self, tasks: Collection[Task]) -> "Distracted":
        """Return what is left when only these tasks of a suite are kept."""
        ids = {task.id for task in tasks}
        return Distracted(tuple(task for task in self.tasks if task.id in ids), self.refused)

    def to_json(self) -> JsonObject:
        """Return the figures for the report."""
        bands = {"high": 0, "medium": 0, "low": 0}
        solving = 0
        for task in self.tasks:
            proof = task.provenance["proof"]
            drawn = proof["bands"] if isinstance(proof, dict) else None
            for band in bands:
                names = drawn.get(band) if isinstance(drawn, dict) else None
                bands[band] += len(names) if isinstance(names, list) else 0
            left_out = proof.get("left_out_as_solving") if isinstance(proof, dict) else None
            solving += len(left_out) if isinstance(left_out, list) else 0
        return {
            "tasks": len(self.tasks),
            "distractors": dict[str, Json](bands),
            "left_out_as_solving": solving,
            "refused": dict[str, Json](sorted(self.refused.items())),
        }


async def distractor_tasks(
    members: Sequence[Bundle],
    sandbox: Sandbox,
    *,
    count: int,
    seed: int,
    watch: Callable[[int], None],
) -> Distracted:
    """Make distractor tasks from the members' own tasks, from each in turn.

    Args:
        members: The bundles.
        sandbox: Runs the tools that might solve.
        count: How many tasks are wanted; fewer come where the members have fewer of one turn.
        seed: Decides which tasks and tools are drawn.
        watch: Told how many there are.
    """
    executors = {
        bundle.name: Executor(
            sandbox, bundle.program(), {spec.name: spec for spec in bundle.environment.tools}
        )
        for bundle in members
    }
    pools = {
        home.name: DistractorPool(home, [one for one in members if one is not home], executors)
        for home in members
    }
    alike = {name: pool.similarity() for name, pool in pools.items()}
    made: list[Task] = []
    refused: dict[str, int] = {}
    try:
        for home, task in _in_turn(members, seed):
            if len(made) >= count:
                break
            variant = await with_distractors(task, pools[home], alike[home], seed=seed)
            if isinstance(variant, NoVariant):
                refused[variant.reason] = refused.get(variant.reason, 0) + 1
                continue
            # Members number their tasks alike.
            made.append(variant.model_copy(update={"id": f"{home}-{variant.id}"}))
            watch(len(made))
    finally:
        for executor in executors.values():
            await executor.close()
    return Distracted(tuple(made), refused)


def _in_turn(members: Sequence[Bundle], seed: int) -> list[tuple[str, Task]]:
    """Return the members' base tasks of one turn in a drawn order, one of each member at a time."""
    columns: list[list[tuple[str, Task]]] = []
    for member in members:
        own = [task for task in member.tasks if task.variant == "base" and len(task.turns) == 1]
        random_stream(seed, VARIANT, member.name).shuffle(own)
        columns.append([(member.name, task) for task in own])
    longest = max(map(len, columns), default=0)
    return [column[row] for row in range(longest) for column in columns if row < len(column)]
