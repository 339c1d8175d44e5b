"""Which instances become tasks of a world, and the tasks that they become."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Expectation, Task, Turn
from astra_arena.synthesizer.qa.environments.question_world import PlannedTask, QuestionWorld
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.structure import Structure, structure_of
from astra_arena.synthesizer.tasks.task_graphs import Topology

GENERATOR = "astra-arena synth qa"
INDIRECT = 0.4
"""The share of tasks in which what is asked about has to be found first, where it can be."""
SPARE_SHARE = 0.1
"""Tasks that are made beyond those asked for: some do not pass the gates."""


@dataclass(slots=True)
class Candidates:
    """The instances of a world that can become tasks, by topology."""

    seed: int
    places: dict[Topology, list[int]] = field(default_factory=dict[Topology, list[int]])
    """Places of instances in the source."""

    def note(self, place: int, topology: Topology) -> None:
        """Take note of an instance."""
        self.places.setdefault(topology, []).append(place)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are, by topology."""
        return {name: len(self.places[name]) for name in sorted(self.places)}

    def drawn(self, count: int) -> set[int]:
        """Return places of so many, the topologies in turn while they last."""
        shuffled: list[list[int]] = []
        for topology in sorted(self.places):
            stream = random_stream(self.seed, "qa", topology)
            shuffled.append(stream.sample(self.places[topology], k=len(self.places[topology])))
        chosen: set[int] = set()
        while len(chosen) < count and any(shuffled):
            for places in shuffled:
                if places and len(chosen) < count:
                    chosen.add(places.pop())
        return chosen


def with_spare(count: int) -> int:
    """Return how many tasks are made where so many are asked for."""
    return count + ceil(SPARE_SHARE * count)


def is_indirect(instance: QAInstance, seed: int) -> bool:
    """Decide whether what an instance is about has to be found first."""
    return random_stream(seed, "qa", "indirect", instance.id).random() < INDIRECT


def planned(
    world: QuestionWorld, instance: QAInstance, environment: str, seed: int
) -> tuple[PlannedTask, Structure]:
    """Return the task of an instance, before it is one.

    Raises:
        SpecError: saying why it cannot become one.
    """
    try:
        plan = world.plan(instance, environment, indirect=is_indirect(instance, seed))
    except ValueError as error:
        raise SpecError(" ".join(str(error).split())) from None
    calls = [(question.id, question.depends_on) for question in plan.sub_questions]
    return plan, structure_of(calls)


def task_of(number: int, instance: QAInstance, plan: PlannedTask, structure: Structure) -> Task:
    """Return the task of a plan."""
    source = instance.source
    difficulty: JsonObject = {
        "topology": structure.topology,
        "hops": structure.hops,
        "sub_questions": len(plan.sub_questions),
    }
    return Task(
        id=f"qa-{number:04}",
        environments=("",),
        difficulty=difficulty,
        provenance={
            "generator": GENERATOR,
            "instance": instance.id,
            "language": instance.language,
            "translated": instance.translated,
            "source": source.to_json(),
        },
        turns=(Turn(say=plan.say, expect=Expectation(kind="answer")),),
        sub_questions=plan.sub_questions,
        final_answer=plan.final_answer,
    )


def tasks_of(
    world: QuestionWorld,
    instances: Iterable[tuple[int, QAInstance]],
    chosen: set[int],
    environment: str,
    seed: int,
) -> Iterator[Task]:
    """Give the tasks of chosen instances, in the order of the source."""
    number = 0
    for place, instance in instances:
        if place in chosen:
            number += 1
            plan, structure = planned(world, instance, environment, seed)
            yield task_of(number, instance, plan, structure)


def spread(tasks: Iterable[Task], key: str) -> JsonObject:
    """Count tasks by a measure of their difficulty."""
    counts = Counter(str(task.difficulty[key]) for task in tasks)
    return {name: counts[name] for name in sorted(counts)}
