"""What the words of an episode earned: asking, declining, answering, and needless questions.

The conversation is read from the log: the agent's messages are calls to the host's own tool
`reply`, and the user's side is played again by its rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast, get_args

from astra_arena.core.calls import ELICIT_TOOL, REPLY_TOOL, CallRecord
from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.components import Component, ComponentKind
from astra_arena.core.offers import SEPARATOR
from astra_arena.core.stated_answers import states_answer
from astra_arena.core.tasks import Slot, Task
from astra_arena.core.user import ReplyKind, UserReaction, UserState, hear

NEEDLESS_COST = 0.25
"""What a question that gets nothing new takes off the reward, as a share."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the agent and how the user took it."""

    call: int
    """Index of its record in the log."""
    turn: int
    """The turn that it was said in."""
    message: str
    kind: ReplyKind
    reaction: UserReaction


def conversation_of(task: Task, calls: tuple[CallRecord, ...]) -> tuple[Heard, ...]:
    """Return what the agent said and how the user took it, from the log."""
    state = UserState()
    heard: list[Heard] = []
    for call in calls:
        if state.done:
            break
        state = replace(state, revealed=state.revealed | _elicited(call))
        said = _said(call)
        if said is None:
            continue
        message, kind = said
        reaction = hear(task, state, message, kind)
        heard.append(Heard(call.index, state.turn, message, kind, reaction))
        state = reaction.state
    return tuple(heard)


def _said(call: CallRecord) -> tuple[str, ReplyKind] | None:
    """Return message and kind of a reply that was accepted; `None` for other calls."""
    if not call.own or call.tool != REPLY_TOOL or call.outcome != "ok":
        return None
    arguments = call.arguments
    if not isinstance(arguments, dict):
        return None
    message, kind = arguments.get("message"), arguments.get("kind", "answer")
    if not isinstance(message, str) or kind not in get_args(ReplyKind):
        return None
    return message, cast("ReplyKind", kind)


def _elicited(call: CallRecord) -> set[str]:
    """Return the slots that the user told when the host asked for them."""
    if not call.own or call.tool != ELICIT_TOOL or call.outcome != "ok" or call.result is None:
        return set()
    told = call.result.get("told")
    return set(told) if isinstance(told, dict) else set()


def turn_components(task: Task, calls: tuple[CallRecord, ...]) -> Iterator[Component]:
    """Yield the components that the task's turns call for."""
    if not task.needs_reply:
        return
    heard = conversation_of(task, calls)
    yield from _asking(task, calls, heard)
    yield from _ending(task, heard, "decline", "cannot", "declining", "graded")
    # Saying something is no work by itself: it would earn as much as the work.
    yield from _ending(task, heard, "answer", "answer", "answering", "factor")
    if task.final_answer is not None:
        yield _final_answer(task, heard)
    yield from _refusals(task, heard)
    needless = [one.call for one in heard if one.reaction.needless or not _is_due(task, one)]
    if needless:
        value = max(0.0, 1.0 - NEEDLESS_COST * len(needless))
        evidence: JsonObject = {"calls": list[Json](needless)}
        yield Component(name="needless_questions", value=value, evidence=evidence, kind="factor")


def _is_due(task: Task, one: Heard) -> bool:
    """Whether a message is no question, or one where something may be asked."""
    if one.kind != "question" or task.turns[one.turn].expect.kind == "ask":
        return True
    # There the host may ask the user, so the agent may as well; `hear` knows what was new.
    return task.variant == "elicitation"


def _refusals(task: Task, heard: tuple[Heard, ...]) -> Iterator[Component]:
    """Yield a factor of 0 where the agent refused what it could do."""
    refused = [
        one.call
        for one in heard
        if one.kind == "cannot" and task.turns[one.turn].expect.kind in ("act", "ask")
    ]
    if refused:
        evidence: JsonObject = {"calls": list[Json](refused)}
        yield Component(name="needless_refusals", value=0.0, evidence=evidence, kind="factor")


def _asking(
    task: Task, calls: tuple[CallRecord, ...], heard: tuple[Heard, ...]
) -> Iterator[Component]:
    slots = {slot.name: slot for slot in task.slots}
    wanted = [
        (number, slots[turn.expect.slot])
        for number, turn in enumerate(task.turns)
        if turn.expect.kind == "ask" and turn.expect.slot is not None
    ]
    if not wanted:
        return
    found: list[Json] = []
    asked = 0
    for number, slot in wanted:
        question = _question_for(slot, number, heard)
        guess = _first_guess(slot, calls, since=_start_of(number, heard))
        due = question is not None and (guess is None or guess > question)
        asked += due
        found.append({"slot": slot.name, "question": question, "guess": guess, "asked": due})
    yield Component(name="asking", value=asked / len(wanted), evidence={"slots": found})


def _question_for(slot: Slot, turn: int, heard: tuple[Heard, ...]) -> int | None:
    """Return the record of the question that the slot was told on, in that turn."""
    for one in heard:
        told = slot.name in one.reaction.state.revealed
        if one.turn == turn and one.kind == "question" and told and slot.name in one.reaction.named:
            return one.call
    return None


def _start_of(turn: int, heard: tuple[Heard, ...]) -> int:
    """Return the record of the message that brought a turn; -1 for the first turn."""
    return max((one.call for one in heard if one.turn < turn), default=-1)


def _first_guess(slot: Slot, calls: tuple[CallRecord, ...], *, since: int) -> int | None:
    """Return the first call after a record that fills the slot, whatever with.

    In earlier turns the same argument was about something else.
    """
    return next(
        (
            call.index
            for call in calls
            if call.index > since and not call.own and _fills(slot, call)
        ),
        None,
    )


def _fills(slot: Slot, call: CallRecord) -> bool:
    if call.foreign or not isinstance(call.arguments, dict):
        return False
    if not slot.fills:
        return any(same_json(value, slot.value) for value in call.arguments.values())
    names = (call.tool, f"{call.environment}{SEPARATOR}{call.tool}")
    return any(
        fill.tool in names and call.arguments.get(fill.argument) is not None for fill in slot.fills
    )


def _ending(
    task: Task,
    heard: tuple[Heard, ...],
    expected: str,
    said: ReplyKind,
    name: str,
    kind: ComponentKind,
) -> Iterator[Component]:
    turns = [number for number, turn in enumerate(task.turns) if turn.expect.kind == expected]
    if not turns:
        return
    ends = {one.turn: one for one in reversed(heard) if one.kind != "question"}
    right = [number for number in turns if number in ends and ends[number].kind == said]
    evidence: JsonObject = {"turns": list[Json](turns), "right": list[Json](right)}
    yield Component(name=name, value=len(right) / len(turns), evidence=evidence, kind=kind)


def _final_answer(task: Task, heard: tuple[Heard, ...]) -> Component:
    assert task.final_answer is not None
    last = next((one for one in reversed(heard) if one.kind == "answer"), None)
    said = " ".join(turn.say for turn in task.turns)
    stated = last is not None and states_answer(task.final_answer, last.message, prompt=said)
    evidence: JsonObject = {"call": None if last is None else last.call}
    return Component(name="final_answer", value=float(stated), evidence=evidence)
