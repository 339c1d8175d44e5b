"""What the report card says of how the tasks of a table environment came about."""

import math
from collections import Counter

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.tasks import Task, choices_of
from astra_arena.synthesizer.table_environment import TableEnvironment
from astra_arena.synthesizer.table_tasks import TaskSet
from astra_arena.synthesizer.tasks.task_splits import splits_json


def synthesis_report(environment: TableEnvironment, made: TaskSet) -> JsonObject:
    """Return the figures of a synthesis, without those of the gates."""
    base = made.tasks[: len(made.tasks) - len(made.variants.tasks)]
    return {
        "profiles": environment.analysis.profiles_json(),
        "sampling": {
            "asked_for": environment.options.tasks,
            "tasks": len(made.tasks),
            "plans_checked": made.sample.drawn,
            "refused": dict[str, Json](made.sample.refused),
            "alternatives_proposed": _alternatives(made.proposed),
            "alternatives_kept": _alternatives(base),
        },
        "changes": {
            "tasks": sum(task.final_state is not None for task in base),
            "refused": dict[str, Json]({**made.changes.refused, **made.unsettled}),
        },
        "variants": {
            "tasks": _counted_variants(made.variants.tasks),
            "refused": dict[str, Json](made.variants.refused),
        },
        "calls": {
            "execution": _proposed_calls(made.proposed),
            "per_task": round(_proposed_calls(made.proposed) / max(1, len(made.proposed)), 2),
        },
        **splits_json(made.tasks),
        "difficulty": {
            key: _counted(made.tasks, key) for key in ("topology", "shape", "hops", "sub_questions")
        },
    }


def _counted_variants(tasks: tuple[Task, ...]) -> JsonObject:
    counts = Counter(task.variant for task in tasks)
    return {name: counts[name] for name in sorted(counts)}


def _alternatives(tasks: tuple[Task, ...]) -> int:
    return sum(len(question.alternatives) for task in tasks for question in task.sub_questions)


def _proposed_calls(tasks: tuple[Task, ...]) -> int:
    """Return how many calls it takes to execute all alternatives proposed."""
    return sum(
        math.prod(len(choices_of(value)) for value in other.arguments.values())
        for task in tasks
        for question in task.sub_questions
        for other in question.alternatives
    )


def _counted(tasks: tuple[Task, ...], key: str) -> JsonObject:
    counts = Counter(str(task.difficulty[key]) for task in tasks)
    return {value: counts[value] for value in sorted(counts)}
