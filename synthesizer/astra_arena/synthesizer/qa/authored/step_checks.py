"""What code can find wrong with a sound decomposition, without asking a model.

Each finding names its dimension, so that what is decidable never depends on a vote.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Literal, NamedTuple

from astra_arena.core.answers import answers_match, plain_text
from astra_arena.core.canonical import Json
from astra_arena.synthesizer.qa.authored.grounding import states
from astra_arena.synthesizer.qa.decomposition import Decomposition, StatedAnswer, references_in
from astra_arena.synthesizer.qa.instance import HopRange
from astra_arena.synthesizer.qa.structure import structure_of

Dimension = Literal["dependency", "atomicity", "sequence", "completeness"]
DIMENSIONS: tuple[Dimension, ...] = ("dependency", "atomicity", "sequence", "completeness")


class Finding(NamedTuple):
    """One thing that is wrong."""

    dimension: Dimension
    text: str
    """In words for the model."""


def step_findings(
    question: str, decomposition: Decomposition, *, hops: HopRange | None = None
) -> Iterator[Finding]:
    """Say what is wrong with sub-questions that a model has written."""
    yield from _unused_dependencies(decomposition)
    yield from _doubles(decomposition)
    yield from _given_away(question, decomposition)
    if hops is not None:
        length = structure_of(decomposition.parents).hops
        if not hops.least <= length <= hops.most:
            told = f"expected {hops.least} to {hops.most} hops, got {length}"
            yield Finding("completeness", told)


def _unused_dependencies(decomposition: Decomposition) -> Iterator[Finding]:
    for node in decomposition.nodes:
        used = {*references_in(node.question), *(() if node.step is None else node.step.nodes)}
        for parent in node.depends_on:
            if parent not in used:
                told = f"{node.id} depends on {parent}, but its question does not use {{{parent}}}"
                yield Finding("dependency", told)


def _doubles(decomposition: Decomposition) -> Iterator[Finding]:
    for left, right in combinations(decomposition.nodes, 2):
        if plain_text(left.question) == plain_text(right.question):
            yield Finding("atomicity", f"{left.id} and {right.id} ask the same")


def _given_away(question: str, decomposition: Decomposition) -> Iterator[Finding]:
    """What the main question says is known; any other answer must not stand in a question."""
    for asked in decomposition.nodes:
        for other in decomposition.nodes:
            value = None if other.answer is None else other.answer.value
            if value is None or states(question, value) or not states(asked.question, value):
                continue
            if asked is other:
                yield Finding("dependency", f"{asked.id} states its own answer, {value!r}")
            else:
                told = f"{asked.id} states the answer of {other.id}; refer to it as {{{other.id}}}"
                yield Finding("dependency", told)


_NUMBER_AND_UNIT = re.compile(
    r"(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,12})?)(?P<unit>\D{0,24})"
)


def answer_findings(stated: StatedAnswer | None, decomposition: Decomposition) -> Iterator[str]:
    """Say what is wrong with the answers: the last must be the main one, and not all yes or no."""
    answers = [node.answer for node in decomposition.nodes]
    if all(answer is not None and isinstance(answer.value, bool) for answer in answers):
        yield "every answer is yes or no; ask for values, and decide by them at the end"
    if stated is None or any(answer is None for answer in answers):
        return
    finals = [decomposition.node(name).answer for name in decomposition.final_ids]
    values = [None if answer is None else answer.value for answer in finals]
    came: Json = values[0] if len(values) == 1 else values
    stated = stated_number(stated, came) or stated
    if not answers_match(stated.kind, stated.value, came, tolerance=stated.tolerance):
        yield (
            f"the answer of {', '.join(decomposition.final_ids)} must be the main answer, "
            f"{stated.value!r}, got {came!r}"
        )


def stated_number(stated: StatedAnswer, came: Json) -> StatedAnswer | None:
    """Return an answer in words as the number that it begins with, where a number came.

    >>> stated_number(StatedAnswer(kind="text", value="21,196 km"), 21196).unit
    'km'
    >>> stated_number(StatedAnswer(kind="text", value="3 Doors Down"), "3 Doors Down")
    """
    if stated.kind != "text" or isinstance(came, bool) or not isinstance(came, int | float):
        return None
    found = _NUMBER_AND_UNIT.fullmatch(str(stated.value).strip())
    if found is None:
        return None
    number = float(found["number"].replace(",", ""))
    value = int(number) if number.is_integer() else number
    return StatedAnswer(kind="number", value=value, unit=found["unit"].strip())
