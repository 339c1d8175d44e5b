"""The variant `faults`: the same task while a share of the calls fails."""

from astra_arena.core.canonical import JsonObject
from astra_arena.core.faults import FaultPlan, fault_of
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task, gold_answers, resolve_arguments

VARIANT = "faults"
MOST_SEEDS = 64


def with_faults(task: Task, plan: FaultPlan, *, seed: int) -> Task:
    """Return the variant of a task.

    The share of calls that fail follows from the episode's seed, so whether a gold call meets a
    fault does, too; the provenance names seeds with which one does.

    Args:
        task: A base task.
        plan: Which calls fail and how.
        seed: Decides which seeds are tried first.
    """
    stream = random_stream(seed, VARIANT, task.id)
    seeds = stream.sample(range(1 << 16), k=MOST_SEEDS)
    struck = [one for one in seeds if _strikes_gold(task, plan, one)][:3]
    budget = task.budget.model_copy(
        update={"calls": task.budget.calls + plan.streak * (len(task.needed) + 2)}
    )
    proof: JsonObject = {"seeds_with_a_fault_in_the_gold": [*struck]}
    return task.model_copy(
        update={
            "id": f"{task.id}-{VARIANT}",
            "variant": VARIANT,
            "faults": plan,
            "budget": budget,
            "provenance": {**task.provenance, "base": task.id, "proof": proof},
        }
    )


def _strikes_gold(task: Task, plan: FaultPlan, seed: int) -> bool:
    answers = gold_answers(task)
    return any(
        question.tool is not None
        and fault_of(
            plan,
            seed=seed,
            environment=question.environment,
            tool=question.tool,
            arguments=resolve_arguments(question.arguments, answers),
            attempt=0,
            read_only=True,
        )
        for question in task.needed
    )
