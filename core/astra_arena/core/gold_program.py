"""The gold of a task as a program: the calls and messages, in order, that earn the full reward."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.tasks import Slot, Task, Turn
from astra_arena.core.user import ReplyKind


@dataclass(frozen=True, slots=True)
class CallAct:
    """A call to make. Arguments may refer to answers of earlier calls."""

    environment: str
    tool: str
    arguments: JsonObject
    question: str | None = None
    """The sub-question that it answers."""
    path: str = ""
    """Pointer to the answer in its reply."""


@dataclass(frozen=True, slots=True)
class ReplyAct:
    """A message to the user."""

    message: str
    kind: ReplyKind


Act: TypeAlias = CallAct | ReplyAct


def gold_acts(task: Task) -> tuple[Act, ...]:
    """Return what earns the full reward, in order."""
    slots = {slot.name: slot for slot in task.slots}
    return tuple(
        act for number, turn in enumerate(task.turns) for act in _turn(task, number, turn, slots)
    )


def _turn(task: Task, number: int, turn: Turn, slots: dict[str, Slot]) -> Iterator[Act]:
    if turn.expect.slot is not None:
        yield ReplyAct(asking_for(slots[turn.expect.slot]), "question")
    for question in task.in_order():
        if question.tool is not None and question.turn == number:
            yield CallAct(
                question.environment,
                question.tool,
                question.arguments,
                question.id,
                question.answer.path,
            )
    if not task.needs_reply:
        return
    if turn.expect.kind == "decline":
        yield ReplyAct("I cannot do that: none of the tools that I have does it.", "cannot")
    else:
        last = number == last_spoken_turn(task)
        yield ReplyAct(closing_message(task) if last else "Done.", "answer")


def last_spoken_turn(task: Task) -> int:
    """Return the last turn that ends in an answer; -1 when all are to be declined."""
    return max(
        (n for n, turn in enumerate(task.turns) if turn.expect.kind != "decline"), default=-1
    )


def asking_for(slot: Slot) -> str:
    """Return a question that names one slot."""
    return f"What is the {slot.name.replace('_', ' ')}?"


def closing_message(task: Task) -> str:
    """Return a last message that states the final answer, where the task has one."""
    if task.final_answer is None:
        return "Done."
    return f"The answer is {_stated(task.final_answer.value)}."


def _stated(value: Json) -> str:
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case None | []:
            return "none"
        case float():
            return format(Decimal(repr(value)), "f")
        case list():
            return ", ".join(_stated(item) for item in value)
        case _:
            return canonical_bytes(value).decode("ascii")
