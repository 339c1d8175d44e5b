"""Executes changes and makes what they leave the gold: the answers, the state, each difference."""

import asyncio
from collections.abc import Iterable
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
    gate = asyncio.Semaphore(SESSIONS)

    async def settle(task: Task) -> Settled:
        async with gate:
            session = await sandbox.open_session(program, seed=0)
            try:
                return await _settled(session, task, environment)
            finally:
                await session.close()

    return list(await asyncio.gather(*(settle(task) for task in tasks)))


async def _settled(session: Session, task: Task, environment: str) -> Settled:
    before = await session.state_digest()
    answers: JsonObject = {}
    questions: list[SubQuestion] = []
    for question in task.in_order():
        assert question.tool is not None
        arguments = resolve_arguments(question.arguments, answers)
        execution = await session.call(question.tool, arguments)
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
    digest = await session.state_digest()
    difference = await session.state_difference()
    if not isinstance(digest, str) or not isinstance(difference, dict):
        return Settled(None, "the state afterwards cannot be had")
    if digest == before:
        return Settled(None, "nothing changes")
    assertions = assertions_of(environment, difference)
    if len(assertions) > MOST_ASSERTIONS or difference.get("truncated") is True:
        return Settled(None, "too much changes")
    state = FinalState(digests={environment: digest}, assertions=assertions)
    by_id = {question.id: question for question in questions}
    return Settled(
        task.model_copy(
            update={
                "final_state": state,
                "sub_questions": tuple(by_id[q.id] for q in task.sub_questions),
            }
        )
    )


def assertions_of(environment: str, difference: JsonObject) -> tuple[StateAssertion, ...]:
    """Return an assertion for every place that changed."""
    return tuple(
        StateAssertion(environment=environment, path=path, equals=_at(difference, path))
        for path in changed_places(difference)
    )


def _at(difference: JsonObject, path: str) -> Json:
    return resolve_pointer(difference, path)
