"""Executes changes and makes what they leave the gold: the answers, the state, each difference."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.state_verdicts import changed_places
from astra_arena.core.tasks import (
    FinalState,
    StateAssertion,
    SubQuestion,
    Task,
    resolve_arguments,
)
from astra_arena.sandbox.contract import Program, Sandbox, Session, Succeeded
from astra_arena.synthesizer.side_by_side import side_by_side

SESSIONS = 4
MOST_ASSERTIONS = 40
"""A change of more places is none that a request describes."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of executing a task that changes the world."""

    task: Task | None
    """With its gold; `None` when it is no good one."""
    problem: str = ""


async def settle_states(
    sandbox: Sandbox, program: Program, tasks: Iterable[Task], *, environment: str
) -> list[Settled]:
    """Execute the gold of each task in a session of its own and add what it leaves.

    Args:
        sandbox: Opens the sessions.
        program: The environment's.
        tasks: Tasks whose changes have no answers yet.
        environment: The environment's name.
    """

    async def settle(task: Task) -> Settled:
        session = await sandbox.open_session(program, seed=0)
        try:
            return await settled({environment: session}, task)
        finally:
            await session.close()

    return await side_by_side(tasks, settle, at_once=SESSIONS)


async def settled(sessions: Mapping[str, Session], task: Task) -> Settled:
    """Execute the gold of a task and add what it leaves in each world.

    Args:
        sessions: A fresh session of each environment that the task is about, by name.
        task: A task whose changes have no answers yet.
    """
    before = {name: await session.state_digest() for name, session in sessions.items()}
    answers: JsonObject = {}
    questions: list[SubQuestion] = []
    for question in task.in_order():
        assert question.tool is not None
        arguments = resolve_arguments(question.arguments, answers)
        execution = await sessions[question.environment].call(question.tool, arguments)
        if not isinstance(execution, Succeeded):
            return Settled(None, "the change is refused")
        try:
            answers[question.id] = resolve_pointer(execution.result, question.answer.path)
        except SpecError:
            return Settled(None, "the reply does not show what has come of the change")
        if question.answer.value is None:
            answer = question.answer.model_copy(update={"value": answers[question.id]})
            questions.append(question.model_copy(update={"answer": answer}))
        else:
            questions.append(question)
    state = await _state_left(sessions, before)
    if isinstance(state, str):
        return Settled(None, state)
    by_id = {question.id: question for question in questions}
    return Settled(
        task.model_copy(
            update={
                "final_state": state,
                "sub_questions": tuple(by_id[q.id] for q in task.sub_questions),
            }
        )
    )


async def _state_left(
    sessions: Mapping[str, Session], before: Mapping[str, object]
) -> FinalState | str:
    """Return what has become of the worlds that changed, or why it is no gold."""
    digests: dict[str, str] = {}
    assertions: list[StateAssertion] = []
    for name, session in sorted(sessions.items()):
        digest = await session.state_digest()
        difference = await session.state_difference()
        if not isinstance(digest, str) or not isinstance(difference, dict):
            return "the state afterwards cannot be had"
        if digest == before[name]:
            continue
        if difference.get("truncated") is True:
            return "too much changes"
        digests[name] = digest
        assertions += assertions_of(name, difference)
    if not digests:
        return "nothing changes"
    if len(assertions) > MOST_ASSERTIONS:
        return "too much changes"
    return FinalState(digests=digests, assertions=tuple(assertions))


def assertions_of(environment: str, difference: JsonObject) -> tuple[StateAssertion, ...]:
    """Return an assertion for every place that changed."""
    return tuple(
        StateAssertion(environment=environment, path=path, equals=_at(difference, path))
        for path in changed_places(difference)
    )


def _at(difference: JsonObject, path: str) -> Json:
    return resolve_pointer(difference, path)
