"""What a synthesis reports of its tasks, and the execution of other ways to ask."""

import math
from collections import Counter

from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import Task, choices_of
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundle import Bundle
from astra_arena.synthesizer.checkpoints import Log
from astra_arena.synthesizer.tasks.gold_runs import keep_true_alternatives


async def executed(bundle: Bundle, log: Log) -> tuple[Task, ...]:
    """Return the tasks with the alternatives that hold; those of an earlier run as they are."""
    finished = [Task.from_json(line, what="a finished task") for line in log.lines]
    known = {task.id: task for task in finished}
    missing = [task for task in bundle.tasks if task.id not in known]

    def keep(task: Task) -> None:
        known[task.id] = task
        log.add(task.to_json())

    if missing:
        async with ProcessSandbox() as sandbox:
            await keep_true_alternatives(sandbox, bundle.program(), missing, on_task=keep)
    return tuple(known[task.id] for task in bundle.tasks)


def count_alternatives(tasks: tuple[Task, ...]) -> int:
    """Return how many other ways to ask the tasks list."""
    return sum(len(question.alternatives) for task in tasks for question in task.sub_questions)


def calls_json(
    candidates: tuple[Task, ...], tasks: tuple[Task, ...], *, replayed: int
) -> JsonObject:
    """Return how many calls were made for the tasks, by stage and for each task kept."""
    proposed = _proposed_calls(candidates)
    return {
        "execution": proposed,
        "replay": replayed,
        "per_task": round((proposed + replayed) / len(tasks), 2),
    }


def _proposed_calls(tasks: tuple[Task, ...]) -> int:
    """Return how many calls it takes to execute all alternatives proposed."""
    return sum(
        math.prod(len(choices_of(value)) for value in other.arguments.values())
        for task in tasks
        for question in task.sub_questions
        for other in question.alternatives
    )


def counted(tasks: tuple[Task, ...], key: str) -> JsonObject:
    """Return how many tasks have which value of a part of their difficulty."""
    counts = Counter(str(task.difficulty[key]) for task in tasks)
    return {value: counts[value] for value in sorted(counts)}
