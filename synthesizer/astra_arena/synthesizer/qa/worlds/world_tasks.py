"""Instances of a finished world become tasks."""

from collections.abc import Sequence

from astra_arena.core.canonical import Json
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import (
    Answer,
    Expectation,
    FinalAnswer,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.synthesizer.qa.decomposition import QuestionNode
from astra_arena.synthesizer.qa.environments.question_tasks import GENERATOR
from astra_arena.synthesizer.qa.structure import structure_of
from astra_arena.synthesizer.qa.worlds.data_findings import answer_of, decomposition_of
from astra_arena.synthesizer.qa.worlds.grown import FoundCall, Grown, compared_as
from astra_arena.synthesizer.qa.worlds.shared_world import SharedWorld

MOST_WORDS = 12
"""A longer final answer is more than a rule can compare."""
MOST_RIVALS = 12


def task_of(number: int, member: Grown, world: SharedWorld) -> Task:
    """Return the task of an instance.

    Args:
        number: Of the task, from 1.
        member: The instance with its calls.
        world: For values that could be taken for the answer.

    Raises:
        SpecError: saying why it cannot be a task.
    """
    instance = member.instance
    decomposition = decomposition_of(instance)
    calls = {call.id: call for call in member.calls}
    questions = tuple(
        _sub_question(decomposition.node(name), calls.get(name), member.world)
        for name in structure_of(decomposition.parents).order
    )
    # As the gates count: what follows from answers alone is no hop.
    shape = structure_of(
        [
            (node.id, tuple(name for name in node.depends_on if name in calls))
            for node in decomposition.nodes
            if node.id in calls
        ]
    )
    return Task(
        id=f"qa-{number:04}",
        environments=("",),
        difficulty={
            "topology": shape.topology,
            "hops": shape.hops,
            "sub_questions": len(questions),
        },
        provenance={
            "generator": GENERATOR,
            "instance": instance.id,
            "language": instance.language,
            "translated": instance.translated,
            "source": instance.source.to_json(),
        },
        turns=(Turn(say=instance.question.strip(), expect=Expectation(kind="answer")),),
        sub_questions=questions,
        final_answer=_final_answer(member, world),
    )


def _sub_question(node: QuestionNode, call: FoundCall | None, environment: str) -> SubQuestion:
    assert node.answer is not None, "the stages before see to it"
    if call is None:
        return SubQuestion(
            id=node.id,
            question=node.question,
            environment=environment,
            tool=None,
            arguments={},
            depends_on=node.depends_on,
            answer=Answer(
                path="",
                kind=compared_as(node.answer),
                value=node.answer.value,
                tolerance=node.answer.tolerance,
            ),
        )
    return SubQuestion(
        id=node.id,
        question=node.question,
        environment=environment,
        tool=call.tool,
        arguments=call.arguments,
        depends_on=node.depends_on,
        answer=Answer(
            path=call.path,
            where=call.where,
            kind=call.kind,
            value=call.answer,
            tolerance=node.answer.tolerance,
        ),
    )


def _final_answer(member: Grown, world: SharedWorld) -> FinalAnswer:
    """Return the final answer: of the instance, in the form in which it is compared."""
    stated = member.instance.answer
    items = stated.value if isinstance(stated.value, list) else [stated.value]
    if any(isinstance(one, str) and len(one.split()) > MOST_WORDS for one in items):
        raise SpecError(f"the final answer is longer than {MOST_WORDS} words")
    return FinalAnswer(
        kind=compared_as(stated),
        value=stated.value,
        tolerance=stated.tolerance,
        rivals=_rivals(items, member, world),
    )


def _rivals(items: Sequence[Json], member: Grown, world: SharedWorld) -> tuple[Json, ...]:
    """Return other texts of the columns in which an answer stands."""
    own = {str(answer_of(node)).casefold() for node in decomposition_of(member.instance).nodes}
    wanted = [one.casefold() for one in items if isinstance(one, str)]
    found: dict[str, None] = {}
    for table in world.tables.values():
        for place in range(len(table.columns)):
            values = [row[place] for row in table.rows.values()]
            texts = [value for value in values if isinstance(value, str)]
            if not any(text.casefold() in wanted for text in texts):
                continue
            found |= dict.fromkeys(
                text
                for text in texts
                if text.casefold() not in own
                and not any(text.casefold() in one or one in text.casefold() for one in wanted)
            )
    return tuple(found)[:MOST_RIVALS]
