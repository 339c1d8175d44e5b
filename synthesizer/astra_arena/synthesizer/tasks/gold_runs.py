"""Runs calls of tasks through the sandbox: tool code is executed in no other way."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import (
    Alternative,
    SubQuestion,
    Task,
    choices_of,
    gold_answers,
    is_choice,
    resolve_arguments,
    spelt_out,
)
from astra_arena.sandbox import Execution, Failed, ProcessSandbox, Program, Session, Succeeded
from astra_arena.synthesizer.side_by_side import side_by_side
from astra_arena.synthesizer.tasks.task_writer import is_gold_answer

SESSIONS = 4
"""Sessions that are open at once."""


@dataclass(frozen=True, slots=True)
class GoldCall:
    """One gold call as it was made, with what came of it."""

    question: SubQuestion
    arguments: JsonObject
    execution: Execution
    answer: Json
    """What stood at the answer's path; `None` when nothing did."""

    @property
    def result(self) -> JsonObject | None:
        """The reply, when the call succeeded."""
        return self.execution.result if isinstance(self.execution, Succeeded) else None

    @property
    def finding(self) -> str | None:
        """Why the call does not bear the gold out, or `None`."""
        match self.execution:
            case Succeeded():
                gold = self.question.answer
                if is_gold_answer(gold, self.answer):
                    return None
                return f"{self.question.id}: {gold.path} is {self.answer!r}, not {gold.value!r}"
            case Failed(message):
                return f"{self.question.id}: the gold call failed: {message}"
            case broke:
                return f"{self.question.id}: the tool broke: {broke.kind}: {broke.detail}"


async def play_gold(
    sandbox: ProcessSandbox,
    program: Program,
    tasks: Iterable[Task],
    *,
    on_task: Callable[[], None] | None = None,
) -> dict[str, tuple[GoldCall, ...]]:
    """Play the gold calls of each task in a session of its own.

    Arguments that come from parents are taken from the replies, not from the gold.
    """

    async def play(task: Task) -> tuple[str, tuple[GoldCall, ...]]:
        session = await sandbox.open_session(program, seed=0)
        try:
            return task.id, tuple([call async for call in _gold_calls(session, task)])
        finally:
            await session.close()

    def tell(played: tuple[str, tuple[GoldCall, ...]]) -> None:
        del played
        if on_task is not None:
            on_task()

    return dict(await side_by_side(tasks, play, at_once=SESSIONS, on_done=tell))


async def _gold_calls(session: Session, task: Task) -> AsyncGenerator[GoldCall]:
    answers: JsonObject = {}
    for question in task.in_order():
        if question.tool is None:
            answers[question.id] = question.answer.value
            continue
        arguments = resolve_arguments(question.arguments, answers)
        execution = await session.call(question.tool, arguments)
        answer = _found(execution, question.answer.path)
        answers[question.id] = answer
        yield GoldCall(question, arguments, execution, answer)


async def keep_true_alternatives(
    sandbox: ProcessSandbox,
    program: Program,
    tasks: Iterable[Task],
    *,
    on_task: Callable[[Task], None] | None = None,
) -> tuple[Task, ...]:
    """Return the tasks with those alternatives alone that answer when executed."""

    async def keep(task: Task) -> Task:
        session = await sandbox.open_session(program, seed=0)
        try:
            names = {question.environment for question in task.sub_questions}
            return await with_true_alternatives(dict.fromkeys(names, session), task)
        finally:
            await session.close()

    return tuple(await side_by_side(tasks, keep, at_once=SESSIONS, on_done=on_task))


async def with_true_alternatives(sessions: Mapping[str, Session], task: Task) -> Task:
    """Return a task with those alternatives alone that answer when executed.

    Args:
        sessions: A session of each environment that the task is about, by name.
        task: The task.
    """
    answers = gold_answers(task)
    questions: list[SubQuestion] = []
    for question in task.sub_questions:
        session = sessions[question.environment]
        kept: list[Alternative] = []
        for other in question.alternatives:
            held: list[JsonObject] = []
            for spelt in spelt_out(other.arguments):
                execution = await session.call(other.tool, resolve_arguments(spelt, answers))
                if is_gold_answer(question.answer, _found(execution, other.path)):
                    held.append(spelt)
            kept += _narrowed(other, held)
        questions.append(question.model_copy(update={"alternatives": tuple(kept)}))
    return task.model_copy(update={"sub_questions": tuple(questions)})


def _narrowed(other: Alternative, held: list[JsonObject]) -> list[Alternative]:
    """Return the alternative with those choices alone that held; none where they do not combine."""
    arguments: JsonObject = dict(other.arguments)
    combined = 1
    for name, value in other.arguments.items():
        if is_choice(value):
            left = [one for one in choices_of(value) if any(h[name] == one for h in held)]
            arguments[name] = {"$any": left}
            combined *= len(left)
    whole = bool(held) and combined == len(held)
    return [other.model_copy(update={"arguments": arguments})] if whole else []


def _found(execution: Execution, path: str) -> Json:
    if not isinstance(execution, Succeeded):
        return None
    try:
        return resolve_pointer(execution.result, path)
    except SpecError:
        return None
