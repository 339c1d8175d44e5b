"""The user's side of a conversation: a state machine that follows rules and knows the task alone.

An agent ends its turn with a message of some kind: an `answer`, a `question`, or that it `cannot`
do what was asked. A question that names a slot, and two slots at most, is answered with what the
user knows; any other question gets no information. An answer or a refusal brings the next turn, or
the end. The same messages always get the same replies.
"""

from dataclasses import dataclass, replace
from typing import Literal

from astra_arena.core.answers import plain_text
from astra_arena.core.canonical import Json, canonical_bytes
from astra_arena.core.tasks import Slot, Task

ReplyKind = Literal["answer", "question", "cannot"]

MOST_NAMED = 2
"""A question that names more slots fishes for whatever there is."""

NOTHING_TO_ADD = "I have nothing to add to what I said."
ONE_AT_A_TIME = "That is a lot at once. Please ask for one thing at a time."


@dataclass(frozen=True, slots=True)
class UserState:
    """Where the conversation stands."""

    turn: int = 0
    """Index of the task's turn that the agent is in."""
    revealed: frozenset[str] = frozenset()
    """Slots that the user has told."""
    replies: int = 0
    """How often the agent has spoken."""
    done: bool = False


@dataclass(frozen=True, slots=True)
class UserReaction:
    """What an agent's message brings."""

    state: UserState
    text: str | None
    """What the user says next; `None` at the end."""
    named: tuple[str, ...] = ()
    """Slots that the message asked for."""
    needless: bool = False
    """Whether it was a question that got nothing new."""


def hear(task: Task, state: UserState, message: str, kind: ReplyKind) -> UserReaction:
    """Return how the user takes a message.

    Args:
        task: The task.
        state: Where the conversation stands; not over.
        message: What the agent said.
        kind: What it meant by it.
    """
    heard = replace(state, replies=state.replies + 1)
    reaction = _asked(task, heard, message) if kind == "question" else _ended(task, heard)
    if reaction.state.replies >= task.budget.turns and not reaction.state.done:
        return replace(reaction, state=replace(reaction.state, done=True), text=None)
    return reaction


def _asked(task: Task, state: UserState, message: str) -> UserReaction:
    slots = named_slots(task, message)
    names = tuple(slot.name for slot in slots)
    if len(slots) > MOST_NAMED:
        return UserReaction(state, ONE_AT_A_TIME, names, needless=True)
    if not slots:
        return UserReaction(state, NOTHING_TO_ADD, names, needless=True)
    told = replace(state, revealed=state.revealed | set(names))
    text = " ".join(telling(slot) for slot in slots)
    return UserReaction(told, text, names, needless=state.revealed.issuperset(names))


def _ended(task: Task, state: UserState) -> UserReaction:
    turn = state.turn + 1
    if turn >= len(task.turns):
        return UserReaction(replace(state, done=True), None)
    return UserReaction(replace(state, turn=turn), task.turns[turn].say)


def named_slots(task: Task, message: str) -> tuple[Slot, ...]:
    """Return the slots that a message names, by name or alias as whole words.

    Longer names come first and use their words up: who asks for the departure date has not asked
    for the date.
    """
    words = f" {_words(message)} "
    known = ((_words(name), slot) for slot in task.slots for name in (slot.name, *slot.aliases))
    found: set[str] = set()
    for name, slot in sorted(known, key=lambda one: (-len(one[0]), one[0])):
        # A name without a letter or digit would be in every message.
        if name and f" {name} " in words:
            found.add(slot.name)
            words = words.replace(f" {name} ", " \n ")
    return tuple(slot for slot in task.slots if slot.name in found)


def telling(slot: Slot) -> str:
    """Return the sentence in which the user tells a slot."""
    return slot.tell or f"The {_words(slot.name)} is {_spoken(slot.value)}."


def _spoken(value: Json) -> str:
    return value if isinstance(value, str) else canonical_bytes(value).decode("ascii")


def _words(text: str) -> str:
    plain = plain_text(text)
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())
