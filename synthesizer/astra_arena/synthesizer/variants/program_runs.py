"""Runs a task's gold program with other values than the gold's, and tells how it comes out."""

from collections.abc import Mapping
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import SubQuestion, Task, resolve_arguments
from astra_arena.sandbox.contract import Program, Sandbox, Session, Succeeded


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a gold program came out."""

    answers: JsonObject
    """By sub-question, those that need a tool."""
    state_digest: str | None
    """Of the world after it, for programs that write."""

    @property
    def key(self) -> bytes:
        """Equal for equal outcomes."""
        return canonical_bytes([self.answers, self.state_digest])

    def to_json(self, final: Mapping[str, SubQuestion]) -> JsonObject:
        """Return what the user would get: the final answers, and the state if it changed."""
        told: JsonObject = {name: value for name, value in self.answers.items() if name in final}
        return {"answers": told, "state": self.state_digest} if self.state_digest else told


async def run_program(
    sandbox: Sandbox,
    program: Program,
    task: Task,
    *,
    instead: Mapping[tuple[str, str], Json],
    writes: bool,
) -> RunOutcome | None:
    """Run the gold program in a fresh session; `None` when a call fails or lacks its answer.

    Args:
        sandbox: Opens the session.
        program: The environment's.
        task: Whose gold is run.
        instead: Values by (sub-question, argument) that take the place of the gold's.
        writes: Whether the state afterwards is part of the outcome.
    """
    session = await sandbox.open_session(program, seed=0)
    try:
        return await _run(session, task, instead, writes)
    finally:
        await session.close()


async def _run(
    session: Session, task: Task, instead: Mapping[tuple[str, str], Json], writes: bool
) -> RunOutcome | None:
    answers: JsonObject = {}
    got: JsonObject = {}
    for question in task.in_order():
        if question.tool is None:
            # What follows from its parents by thought is not run again; nothing may hang on it.
            answers[question.id] = question.answer.value
            continue
        try:
            arguments = resolve_arguments(question.arguments, answers)
            for (where, name), value in instead.items():
                if where == question.id:
                    arguments[name] = value
            execution = await session.call(question.tool, arguments)
            if not isinstance(execution, Succeeded):
                return None
            answer = resolve_pointer(execution.result, question.answer.path)
        except SpecError:
            return None
        answers[question.id] = got[question.id] = answer
    digest = await session.state_digest() if writes else None
    return RunOutcome(got, digest if isinstance(digest, str) else None)
