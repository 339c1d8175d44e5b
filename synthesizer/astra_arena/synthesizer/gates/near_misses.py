"""Solutions that differ from the gold in one named way and should earn less.

They are generated from the gold alone; whether each runs and is wrong is decided by playing it.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from math import ceil
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, same_json
from astra_arena.core.gold_program import Act, CallAct, ReplyAct, gold_acts
from astra_arena.core.tasks import FinalAnswer, Task, gold_answers, references_of, resolve_arguments
from astra_arena.synthesizer.gates.mutations import Mutation, MutationKind, mutations_of
from astra_arena.synthesizer.gates.other_answers import other_answers, plain
from astra_arena.synthesizer.gates.workbench import Workbench

MistakeKind = Literal[
    "swapped_entity",
    "other_choice",
    "off_by_one",
    "other_format",
    "dropped_constraint",
    "wrong_parent_value",
    "skipped_parent",
    "swapped_order",
    "unfinished",
    "wrong_tool",
    "other_task",
    "needless_calls",
    "enumerated",
    "extra_write",
    "wrong_answer",
    "listed_answers",
    "no_answer",
    "needless_question",
    "vague_question",
    "declined",
    "answered",
    "guessed_slot",
    "silence",
]

MARGIN = 0.1
"""By how much a wrong solution must earn less than the gold."""
MOST_UNFINISHED = 5
"""A task of more sub-questions that lacks one earns more than the margin allows for a mistake."""
MOST_OF_KIND = 8

_MISTAKES: dict[MutationKind, MistakeKind] = {
    "other_value": "swapped_entity",
    "other_member": "other_choice",
    "off_by_one": "off_by_one",
    "other_day": "off_by_one",
    "other_format": "other_format",
    "null": "dropped_constraint",
    "dropped": "dropped_constraint",
}
_UNKNOWN_WORDS = (
    "Could you tell me anything else about it?",
    "What do you mean by that?",
    "Is there more that I should know?",
)
"""Questions that name nothing."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A solution that is wrong in one way."""

    kind: MistakeKind
    what: str
    """What is wrong with it."""
    acts: tuple[Act, ...]
    changed: tuple[str, ...] = ()
    """The sub-questions whose calls were changed."""


class NearMisses:
    """Generates near misses of one task.

    Args:
        task: The task.
        bench: Knows the tools, and what replies hold.
        stream: Decides which are drawn.
    """

    def __init__(self, task: Task, bench: Workbench, stream: random.Random) -> None:
        self._task = task
        self._bench = bench
        self._stream = stream
        self._gold = gold_acts(task)
        self._answers = gold_answers(task)
        self._calls = [
            (place, act) for place, act in enumerate(self._gold) if isinstance(act, CallAct)
        ]

    def __iter__(self) -> Iterator[NearMiss]:
        """Give the near misses, one of each kind in turn."""
        by_kind: dict[MistakeKind, list[NearMiss]] = {}
        known = {_key(self._gold)}
        for miss in chain(
            self._changed_arguments(),
            self._other_rows(),
            self._changed_parents(),
            self._changed_program(),
            self._other_tasks(),
            self._needless(),
            self._changed_words(),
        ):
            key = _key(miss.acts)
            if key not in known:
                known.add(key)
                by_kind.setdefault(miss.kind, []).append(miss)
        for misses in by_kind.values():
            self._stream.shuffle(misses)
        # Who plays them stops at enough that ran: of some kinds most are refused by the tools.
        for round_ in zip_longest(*by_kind.values()):
            yield from (miss for miss in round_ if miss is not None)

    def _changed_arguments(self) -> Iterator[NearMiss]:
        for place, act in self._calls:
            for name, value in act.arguments.items():
                if _is_reference(value) or not self._is_given(act, name):
                    continue
                for mutation in self._mutations(act, name):
                    left = mutation.arguments.get(name)
                    arguments = {key: own for key, own in act.arguments.items() if key != name}
                    if mutation.kind != "dropped":
                        arguments[name] = left
                    what = f"{act.tool}: {name} is {left!r} in place of {value!r}"
                    yield self._with(place, arguments, _MISTAKES[mutation.kind], what)

    def _other_rows(self) -> Iterator[NearMiss]:
        """Ask for another thing where several arguments together name it."""
        for place, act in self._calls:
            for row in self._rows_beside(act):
                what = f"{act.tool}: it is asked for {row!r}"
                yield self._with(place, {**act.arguments, **row}, "swapped_entity", what)

    def _rows_beside(self, act: CallAct) -> list[JsonObject]:
        """Return what else may stand in several arguments of a call at once."""
        own: JsonObject = {
            name: value
            for name, value in act.arguments.items()
            if not _is_reference(value) and self._is_given(act, name)
        }
        rows = self._bench.seen.rows_with(own) if len(own) > 1 else []
        return [row for row in rows if not same_json(row, own)][:MOST_OF_KIND]

    def _changed_parents(self) -> Iterator[NearMiss]:
        for place, act in self._calls:
            for name, value in act.arguments.items():
                if not _is_reference(value):
                    continue
                for mutation in self._mutations(act, name):
                    if mutation.kind in ("other_value", "other_member", "off_by_one", "other_day"):
                        arguments: JsonObject = {**act.arguments, name: mutation.value}
                        what = f"{act.tool}: {name} is {mutation.value!r}, not the parent's answer"
                        yield self._with(place, arguments, "wrong_parent_value", what)

    def _changed_program(self) -> Iterator[NearMiss]:
        """Leave calls out, put them in another order, or make them of another tool."""
        questions = self._task.sub_questions
        parents = {name for question in questions for name in question.depends_on}
        # Where no value is passed on, the order is nobody's mistake.
        used = {name for question in questions for name in references_of(question.arguments)}
        resolved = self._resolved()
        for place, act in self._calls:
            left = (*resolved[:place], *resolved[place + 1 :])
            asked = (act.question,) if act.question is not None else ()
            if act.question in parents:
                what = f"{act.question} is never found out, but its answer is used"
                yield NearMiss("skipped_parent", what, left, asked)
            if act.question in used:
                yield NearMiss("swapped_order", f"{act.question} comes last", self._last(place))
            # Of more, the share that is done is worth more than the margin allows for a mistake.
            if len(self._task.needed) <= MOST_UNFINISHED:
                yield NearMiss("unfinished", f"{act.question} is left out", left)
            for tool in self._siblings(act):
                arguments = self._shared(act, tool)
                other = replace(act, tool=tool, arguments=arguments)
                acts = (*resolved[:place], other, *resolved[place + 1 :])
                yield NearMiss("wrong_tool", f"{tool} in place of {act.tool}", acts, asked)
        if self._gold:
            yield NearMiss("silence", "nothing is done", ())

    def _other_tasks(self) -> Iterator[NearMiss]:
        """Do what was asked for elsewhere."""
        if self._task.needs_reply:
            return
        ours = {_key([replace(act, arguments=self._literal(act))]) for _, act in self._calls}
        every = tuple(question.id for question in self._task.sub_questions)
        for name, other in {step.task.id: step.task for step in self._bench.steps}.items():
            answers = gold_answers(other)
            done = tuple(
                replace(act, arguments=resolve_arguments(act.arguments, answers))
                for act in gold_acts(other)
                if isinstance(act, CallAct)
            )
            if all(self._has(act.tool) for act in done) and not ours & {_key([a]) for a in done}:
                yield NearMiss("other_task", f"the gold of {name} is played", done, every)

    def _needless(self) -> Iterator[NearMiss]:
        """Do more than was asked for."""
        needed = len(self._task.needed)
        if not needed:
            return
        more = max(1, ceil(2 * needed * MARGIN / (1 - MARGIN) + 1e-9))
        yield from self._enumerated(more)
        end = self._calls[-1][0] + 1 if self._calls else 0
        before, after = self._gold[:end], self._gold[end:]
        for _, act in self._calls:
            again = replace(act, arguments=self._literal(act), question=None)
            what = f"{act.tool} is called {more} times more"
            yield NearMiss("needless_calls", what, (*before, *[again] * more, *after))
            for tool in self._siblings(act):
                if not self._bench.writes(tool):
                    other = replace(again, tool=tool, arguments=self._shared(act, tool))
                    what = f"{tool} is called, too, {more} times"
                    yield NearMiss("needless_calls", what, (*before, *[other] * more, *after))
        for step in self._bench.steps:
            if step.task.id != self._task.id and self._has(step.tool):
                extra = CallAct(step.question.environment, step.tool, step.arguments)
                if self._bench.writes(step.tool):
                    what = f"{step.tool} is called, too"
                    yield NearMiss("extra_write", what, (*before, extra, *after))

    def _enumerated(self, more: int) -> Iterator[NearMiss]:
        """Try other values before the right one."""
        spare = self._task.budget.calls - len(self._calls)
        for place, act in self._calls:
            if self._bench.writes(act.tool):
                continue
            rows = [
                replace(act, arguments={**self._literal(act), **row}, question=None)
                for row in self._rows_beside(act)
            ][:spare]
            if len(rows) >= more:
                what = f"{act.tool}: {len(rows)} others are asked for before the right one"
                acts = (*self._gold[:place], *rows, *self._gold[place:])
                yield NearMiss("enumerated", what, acts)
            for name, value in act.arguments.items():
                if _is_reference(value) or not self._is_given(act, name):
                    continue
                others = [
                    replace(act, arguments=one.arguments, question=None)
                    for one in self._mutations(act, name)
                    if one.kind in ("other_value", "other_member")
                ][:spare]
                if len(others) >= more:
                    what = f"{act.tool}: {len(others)} values of {name} are tried before {value!r}"
                    acts = (*self._gold[:place], *others, *self._gold[place:])
                    yield NearMiss("enumerated", what, acts)

    def _changed_words(self) -> Iterator[NearMiss]:
        """Say something else."""
        if not self._task.needs_reply:
            return
        final = self._task.final_answer
        for place, act in enumerate(self._gold):
            if not isinstance(act, ReplyAct):
                continue
            rest = self._gold[place + 1 :]
            before = self._gold[:place]
            if act.kind == "question":
                yield NearMiss("guessed_slot", "what had to be asked is guessed", (*before, *rest))
                # All in one: a name that any of them holds is no name.
                vague = ReplyAct(" ".join(_UNKNOWN_WORDS), "question")
                asked = (*before, vague, *rest)
                yield NearMiss("vague_question", "it does not say what it asks for", asked)
            elif act.kind == "cannot":
                words = ReplyAct("Done.", "answer")
                yield NearMiss(
                    "answered", "it answers what it cannot know", (*before, words, *rest)
                )
            else:
                words = ReplyAct("I cannot do that.", "cannot")
                yield NearMiss("declined", "it declines what it can do", (*before, words, *rest))
        yield NearMiss(
            "needless_question",
            "it asks for nothing in particular",
            (ReplyAct(_UNKNOWN_WORDS[0], "question"), *self._gold),
        )
        if self._task.final_answer is not None:
            yield NearMiss("no_answer", "it ends without a word", self._gold[:-1])
        if final is not None and isinstance(self._gold[-1], ReplyAct):
            yield from self._wrong_answers(final)

    def _wrong_answers(self, final: FinalAnswer) -> Iterator[NearMiss]:
        before = self._gold[:-1]
        others = other_answers(final, self._bench.seen, self._stream)
        for other in others[:MOST_OF_KIND]:
            words = ReplyAct(f"The answer is {other}.", "answer")
            yield NearMiss("wrong_answer", f"it answers {other}", (*before, words))
        if len(others) >= MOST_OF_KIND:
            listed = ", ".join([*others[:MOST_OF_KIND], plain(final.value)])
            words = ReplyAct(f"It is one of {listed}.", "answer")
            yield NearMiss("listed_answers", "it lists guesses", (*before, words))

    def _with(self, place: int, arguments: JsonObject, kind: MistakeKind, what: str) -> NearMiss:
        act = self._gold[place]
        assert isinstance(act, CallAct)
        changed = replace(act, arguments=arguments)
        acts = (*self._gold[:place], changed, *self._gold[place + 1 :])
        return NearMiss(kind, what, acts, () if act.question is None else (act.question,))

    def _mutations(self, act: CallAct, name: str) -> Iterator[Mutation]:
        parameter = self._bench.parameter(act.tool, name, act.environment)
        if parameter is not None:
            arguments = self._literal(act)
            yield from mutations_of(
                parameter, arguments, self._bench.seen, self._stream, most=MOST_OF_KIND
            )

    def _is_given(self, act: CallAct, name: str) -> bool:
        parameter = self._bench.parameter(act.tool, name, act.environment)
        return parameter is not None and not parameter.is_default(act.arguments)

    def _literal(self, act: CallAct) -> JsonObject:
        return resolve_arguments(act.arguments, self._answers)

    def _resolved(self) -> tuple[Act, ...]:
        """Return the gold with its answers put in, as by somebody who knows them already."""
        return tuple(
            replace(act, arguments=self._literal(act)) if isinstance(act, CallAct) else act
            for act in self._gold
        )

    def _last(self, place: int) -> tuple[Act, ...]:
        """Return the gold with one call moved behind all others of its turn."""
        acts = list(self._resolved())
        moved = acts.pop(place)
        end = place
        while end < len(acts) and isinstance(acts[end], CallAct):
            end += 1
        acts.insert(end, moved)
        return tuple(acts)

    def _siblings(self, act: CallAct) -> list[str]:
        """Return the other tools that take what the call gives, most alike first."""
        if act.environment != self._bench.environment:
            return []
        given = {name for name in act.arguments if self._is_given(act, name)}
        fitting = [
            (len(given - parameters.keys()), tool)
            for tool, parameters in self._bench.parameters.items()
            if tool != act.tool and self._has(tool) and given & parameters.keys()
        ]
        return [tool for _, tool in sorted(fitting)][:4]

    def _shared(self, act: CallAct, tool: str) -> JsonObject:
        """Return arguments for another tool: the call's, and whatever else it needs."""
        parameters = self._bench.parameters[tool]
        literal = self._literal(act)
        shared = {
            name: value
            for name, value in literal.items()
            if name in parameters and parameters[name].takes(value)
        }
        needed = {
            name: self._bench.any_value(one)
            for name, one in parameters.items()
            if one.required and name not in shared
        }
        return {**shared, **needed}

    def _has(self, tool: str) -> bool:
        return not self._task.tools or tool in self._task.tools


def _is_reference(value: Json) -> bool:
    return isinstance(value, dict) and "$from" in value


def _key(acts: Sequence[Act]) -> bytes:
    told: list[Json] = [
        [act.environment, act.tool, act.arguments]
        if isinstance(act, CallAct)
        else [act.message, act.kind]
        for act in acts
    ]
    return canonical_bytes(told)
