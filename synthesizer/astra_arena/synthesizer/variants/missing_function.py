"""The variant `missing_function`: the tool that is needed is not there until the user brings it.

Withheld is the tool of one sub-question, and with it every other tool by which a search by
execution still reaches an answer that hangs on that sub-question. The right thing to do is to say
that it cannot be done; the user then offers the tools.
"""

from dataclasses import dataclass

from astra_arena.core.canonical import Json
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Expectation, SubQuestion, Task, Turn
from astra_arena.synthesizer.qa.languages import Language, language_of_task
from astra_arena.synthesizer.variants.reach_search import (
    MOST_CALLS,
    Executor,
    Reach,
    search_reach,
)
from astra_arena.synthesizer.variants.task_knowledge import TaskKnowledge

VARIANT = "missing_function"
FEWEST_TOOLS_LEFT = 3

_OFFERS: dict[Language, tuple[str, ...]] = {
    "en": (
        "You have more tools now: {}. Please go on.",
        "I have given you {}. Please try again.",
        "Now you can also use {}. Please do it.",
    ),
    "zh": (
        "现在你多了这些工具：{}。请继续。",
        "我给了你{}，请再试一次。",
        "现在你还可以使用{}，请完成它。",
    ),
}


@dataclass(frozen=True, slots=True)
class NoVariant:
    """Why a task has no such variant."""

    reason: str


async def missing_function(
    task: Task, executor: Executor, *, seed: int, most_calls: int = MOST_CALLS
) -> Task | NoVariant:
    """Return the variant of a task, or why there is none.

    Args:
        task: A base task of one turn.
        executor: Runs calls on the environment's world.
        seed: Decides which tool is withheld, among those that allow it.
        most_calls: The bound of each search.
    """
    stream = random_stream(seed, VARIANT, task.id)
    needed = list(task.needed)
    stream.shuffle(needed)
    offers = _OFFERS[language_of_task(task)]
    reason = "no sub-question needs a tool"
    for question in needed:
        proved = await _withhold(task, question, executor, most_calls)
        if isinstance(proved, NoVariant):
            reason = proved.reason
            continue
        withheld, reach = proved
        return _variant(task, question, withheld, reach, stream.choice(offers))
    return NoVariant(reason)


async def _withhold(
    task: Task,
    question: SubQuestion,
    executor: Executor,
    most_calls: int,
) -> tuple[tuple[str, ...], Reach] | NoVariant:
    assert question.tool is not None
    withheld = {question.tool}
    knowledge = TaskKnowledge(task, question)
    depth = depth_of(task) + 1
    while True:
        left = [name for name in executor.tools if name not in withheld]
        if len(left) < FEWEST_TOOLS_LEFT:
            return NoVariant("too few tools are left when those that reach the answer are withheld")
        reach = await search_reach(executor, knowledge, left, depth=depth, most_calls=most_calls)
        if reach.tool is None:
            return tuple(sorted(withheld)), reach
        withheld.add(reach.tool)


def depth_of(task: Task) -> int:
    """Return how many sub-questions stand on the longest path."""
    depth: dict[str, int] = {}
    for question in task.in_order():
        depth[question.id] = 1 + max((depth[parent] for parent in question.depends_on), default=0)
    return max(depth.values())


def _variant(
    task: Task, question: SubQuestion, withheld: tuple[str, ...], reach: Reach, offer: str
) -> Task:
    first = task.turns[0]
    proof: dict[str, Json] = {
        "withheld": list[Json](withheld),
        "question": question.id,
        "search": reach.to_json(),
    }
    return task.model_copy(
        update={
            "id": f"{task.id}-{VARIANT}",
            "variant": VARIANT,
            "turns": (
                Turn(
                    say=first.say,
                    tools_removed=withheld,
                    expect=Expectation(kind="decline", tool=question.tool),
                ),
                Turn(
                    say=offer.format(_listed(withheld, language_of_task(task))),
                    tools_added=withheld,
                    expect=Expectation(kind="act"),
                ),
            ),
            "sub_questions": tuple(
                one.model_copy(update={"turn": 1}) for one in task.sub_questions
            ),
            "provenance": {**task.provenance, "base": task.id, "proof": proof},
        }
    )


def _listed(names: tuple[str, ...], language: Language) -> str:
    if language == "zh":
        return "、".join(names)
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
