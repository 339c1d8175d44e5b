"""Tasks: what a user asks, and the gold that decides the reward.

A task's sub-questions form a directed acyclic graph. An argument of a sub-question is a JSON value
or a reference `{"$from": id, "path": pointer}`: the value at `pointer` in the *answer* of the
sub-question `id`, which must be one of its parents. In an alternative, an argument may also be a
choice `{"$any": [values]}`: any one of the values listed.
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import product
from typing import Literal, TypeGuard

from pydantic import Field, model_validator

from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.environment import EnvironmentName
from astra_arena.core.errors import SpecError
from astra_arena.core.faults import FaultPlan
from astra_arena.core.model import Model
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tool_mixing import ToolMixing

Scalar = bool | int | float | str | None
"""What a row field may be compared with."""

AnswerKind = Literal["exact", "number", "date", "text", "set", "list"]


class RowSelector(Model):
    """Selects the row of a reply that must hold the answer, in whatever order rows come."""

    rows: str
    """Pointer to the array of rows in the reply."""
    equals: dict[str, Scalar] = Field(min_length=1)
    """Row fields and the values that single the row out."""
    field: str
    """Pointer, inside the row, to the answer."""
    gold_rows: int = Field(ge=1)
    """How many rows the gold call's reply holds."""


class Answer(Model):
    """The gold answer: where the gold reply holds it, what it is and how it is compared."""

    path: str
    """Pointer to the answer in the gold call's reply."""
    where: RowSelector | None = None
    kind: AnswerKind
    value: Json
    tolerance: float = Field(default=0.0, ge=0.0)
    """Absolute; for numbers, and seconds for dates."""


class Alternative(Model):
    """Another call that answers the sub-question, found by execution when the task was made."""

    tool: str
    arguments: JsonObject
    """The exact arguments; they may hold references, and choices among listed values."""
    path: str
    """Pointer to the answer in that call's reply."""

    @model_validator(mode="after")
    def _choices_are_lists(self) -> "Alternative":
        for name, value in self.arguments.items():
            if is_choice(value) and not (len(value) == 1 and choices_of(value)):
                raise ValueError(f"argument {name!r}: '$any' stands alone and lists values")
        return self


class SubQuestion(Model):
    """One node of a task's decomposition."""

    id: str = Field(min_length=1)
    question: str
    environment: EnvironmentName
    tool: str | None
    """The tool that answers it; `None` when it follows from its parents alone."""
    arguments: JsonObject
    depends_on: tuple[str, ...] = ()
    answer: Answer
    alternatives: tuple[Alternative, ...] = ()
    turn: int = Field(default=0, ge=0)
    """The turn in which the gold answers it."""


class Expectation(Model):
    """What the agent should do in a turn."""

    kind: Literal["act", "answer", "ask", "decline"]
    slot: str | None = None
    """With `ask`: the slot that must be asked for."""
    tool: str | None = None
    """With `decline`: the tool that is missing."""

    @model_validator(mode="after")
    def _subject_fits_kind(self) -> "Expectation":
        if (self.slot is not None) != (self.kind == "ask"):
            raise ValueError("'slot' belongs to 'ask', and 'ask' needs it")
        if (self.tool is not None) != (self.kind == "decline"):
            raise ValueError("'tool' belongs to 'decline', and 'decline' needs it")
        return self


class Turn(Model):
    """What the user says, and what changes with it.

    Tools are named as the agent sees them: `tool` where the task has one environment, else
    `environment__tool`. What a turn changes holds from there on.
    """

    say: str = Field(min_length=1)
    tools_added: tuple[str, ...] = ()
    tools_removed: tuple[str, ...] = ()
    expect: Expectation


class Filling(Model):
    """An argument that takes a slot's value."""

    tool: str
    argument: str


class Slot(Model):
    """Something that the user knows and tells only when asked."""

    name: str = Field(min_length=1)
    value: Json
    aliases: tuple[str, ...] = ()
    """Other words by which a question may name it."""
    tell: str = ""
    """How the user says it; a plain sentence is made when absent."""
    fills: tuple[Filling, ...] = ()
    """Where its value goes; a call that fills one of these before the user told has guessed."""


class Budget(Model):
    """How much an episode may use before it ends."""

    calls: int = Field(default=32, ge=1)
    turns: int = Field(default=8, ge=1)
    seconds: float = Field(default=600.0, gt=0.0)


class BudgetChange(Model):
    """A budget for one episode; what is not given is the task's."""

    calls: int | None = Field(default=None, ge=1)
    turns: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0.0)

    def applied(self, budget: Budget) -> Budget:
        """Return a task's budget with these changes."""
        return budget.model_copy(update=self.to_json())


class FinalAnswer(Model):
    """The answer that the agent's last message must state."""

    kind: AnswerKind
    value: Json
    tolerance: float = Field(default=0.0, ge=0.0)
    rivals: tuple[Json, ...] = ()
    """Other values of the same kind; a message that states several of them answers nothing."""


class StateAssertion(Model):
    """What one place of an environment's state difference must hold."""

    environment: EnvironmentName
    path: str
    """Pointer into the difference: `/tables/orders/{"id":17}/after/status`."""
    equals: Json


class FinalState(Model):
    """What the worlds must have become; a world that is not named must be as it was.

    A world is right when its state has the digest, or when it has assertions and all hold.
    """

    digests: dict[EnvironmentName, str] = Field(default_factory=dict[str, str])
    assertions: tuple[StateAssertion, ...] = ()
    ignored_paths: tuple[str, ...] = ()
    """Pointers into the difference whose changes do not matter; `*` stands for any one token."""

    @property
    def is_graded(self) -> bool:
        """Whether it asks for anything; one that only ignores changes does not."""
        return bool(self.digests or self.assertions or not self.ignored_paths)


class Task(Model):
    """One task; a line of `tasks.jsonl`. Holds gold: never readable on the agent's side."""

    id: str = Field(min_length=1)
    environments: tuple[str, ...] = Field(min_length=1)
    """Environment digests of the members in use."""
    split: str = "train"
    variant: str = "base"
    budget: Budget = Budget()
    difficulty: JsonObject = Field(default_factory=dict)
    provenance: JsonObject = Field(default_factory=dict)
    turns: tuple[Turn, ...] = Field(min_length=1)
    slots: tuple[Slot, ...] = ()
    sub_questions: tuple[SubQuestion, ...] = ()
    final_answer: FinalAnswer | None = None
    final_state: FinalState | None = None
    forbidden: tuple[str, ...] = ()
    """Tools that no call may name."""
    tools: tuple[str, ...] = ()
    """The only tools that this task may offer; empty for all of its environments."""
    faults: FaultPlan | None = None
    mixing: ToolMixing | None = None
    """What is done with the tools that an agent is offered, and with its calls."""

    @model_validator(mode="after")
    def _graph_is_sound(self) -> "Task":
        check_graph(self.sub_questions)
        return self

    @model_validator(mode="after")
    def _conversation_is_sound(self) -> "Task":
        names = [slot.name for slot in self.slots]
        if len(set(names)) != len(names):
            raise ValueError("slot names must be unique")
        for turn in self.turns:
            if turn.expect.slot is not None and turn.expect.slot not in names:
                raise ValueError(
                    f"a turn expects the slot {turn.expect.slot!r}, which is not there"
                )
        asked = [turn.expect.slot for turn in self.turns if turn.expect.slot is not None]
        if len(set(asked)) != len(asked):
            raise ValueError("a slot is to be asked for in one turn: then the user has told it")
        if self.budget.turns < self.messages_needed:
            raise ValueError(
                f"the budget of {self.budget.turns} turns is below the {self.messages_needed} "
                "messages needed"
            )
        return self

    @property
    def messages_needed(self) -> int:
        """How many messages of the agent it takes to come to the end; 0 where none is needed."""
        asked = sum(turn.expect.slot is not None for turn in self.turns)
        return len(self.turns) + asked if self.needs_reply else 0

    @property
    def needs_reply(self) -> bool:
        """Whether the task can only be played by an agent that can end its turn in words."""
        return (
            len(self.turns) > 1
            or bool(self.slots)
            or self.final_answer is not None
            or any(turn.expect.kind != "act" for turn in self.turns)
        )

    @property
    def prompt(self) -> str:
        """What the user says first."""
        return self.turns[0].say

    @property
    def needed(self) -> tuple[SubQuestion, ...]:
        """The sub-questions that need a tool: `n` of the reward."""
        return tuple(question for question in self.sub_questions if question.tool is not None)

    def in_order(self) -> tuple[SubQuestion, ...]:
        """Return the sub-questions with every parent before its children, else as written."""
        by_id = {question.id: question for question in self.sub_questions}
        sorter = TopologicalSorter({q.id: q.depends_on for q in self.sub_questions})
        return tuple(by_id[identifier] for identifier in sorter.static_order())


def check_graph(sub_questions: tuple[SubQuestion, ...]) -> None:
    """Check ids, parents, references and acyclicity.

    Raises:
        ValueError: naming the sub-question and what is wrong with it.
    """
    ids = [question.id for question in sub_questions]
    if len(set(ids)) != len(ids):
        raise ValueError("sub-question ids must be unique")
    for question in sub_questions:
        unknown = sorted(set(question.depends_on) - set(ids))
        if unknown:
            raise ValueError(f"sub-question {question.id!r} depends on unknown {unknown}")
        if any(is_choice(value) for value in question.arguments.values()):
            raise ValueError(f"sub-question {question.id!r}: gold arguments leave no choice")
        loose = sorted(references_of(question.arguments) - set(question.depends_on))
        if loose:
            raise ValueError(f"sub-question {question.id!r} refers to {loose}, not its parents")
    try:
        TopologicalSorter({q.id: q.depends_on for q in sub_questions}).prepare()
    except CycleError as error:
        raise ValueError(
            f"sub-questions depend on each other in a circle: {error.args[1]}"
        ) from None


def references_of(arguments: JsonObject) -> set[str]:
    """Return the ids that the arguments take values from."""
    return {
        str(value["$from"])
        for value in arguments.values()
        if isinstance(value, dict) and "$from" in value
    }


def resolve_arguments(arguments: JsonObject, answers: JsonObject) -> JsonObject:
    """Replace every reference by the value that it stands for.

    Args:
        arguments: Arguments of a sub-question or an alternative.
        answers: Answers by sub-question id: the gold ones, or those that an agent received.

    Raises:
        SpecError: if an answer is missing or holds nothing at the path.
    """
    resolved: JsonObject = {}
    for name, value in arguments.items():
        if isinstance(value, dict) and "$from" in value:
            parent, path = str(value["$from"]), str(value.get("path", ""))
            if parent not in answers:
                raise SpecError(
                    f"argument {name!r} needs the answer of {parent!r}, which is missing"
                )
            resolved[name] = resolve_pointer(answers[parent], path)
        else:
            resolved[name] = value
    return resolved


def is_choice(value: Json) -> TypeGuard[JsonObject]:
    """Tell whether an argument of an alternative is a choice among values."""
    return isinstance(value, dict) and "$any" in value


def choices_of(value: Json) -> list[Json]:
    """Return the values that an argument of an alternative may have."""
    if not is_choice(value):
        return [value]
    listed = value["$any"]
    return listed if isinstance(listed, list) else []


def spelt_out(arguments: JsonObject) -> Iterator[JsonObject]:
    """Return the arguments once for every combination of the choices in them."""
    for values in product(*(choices_of(value) for value in arguments.values())):
        yield dict(zip(arguments, values, strict=True))


def fits_alternative(alternative: Alternative, came: Json, answers: JsonObject) -> bool:
    """Tell whether a call's arguments are those of an alternative.

    Args:
        alternative: The alternative, whose tool is the call's.
        came: The complete arguments of the call.
        answers: What references stand for, by sub-question id.
    """
    wanted = resolve_arguments(alternative.arguments, answers)
    if not isinstance(came, dict) or wanted.keys() != came.keys():
        return False
    return all(
        any(same_json(came[name], choice) for choice in choices_of(value))
        if is_choice(alternative.arguments[name])
        else same_json(came[name], value)
        for name, value in wanted.items()
    )


def gold_answers(task: Task) -> JsonObject:
    """Return the gold answers by sub-question id."""
    return {question.id: question.answer.value for question in task.sub_questions}
