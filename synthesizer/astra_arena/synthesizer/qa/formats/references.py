"""Human decompositions: questions that refer to earlier answers as `#1` become sub-questions.

People write them by hand. What refers to a later step, or to none at all, is refused; an answer
that is only a reference is that step's answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import (
    Decomposition,
    FactSource,
    QuestionNode,
    StatedAnswer,
)
from astra_arena.synthesizer.qa.structure import require_sound

_REFERENCE = re.compile(r"#\s?(\d+)(?!\d)")


@dataclass(frozen=True, slots=True)
class HumanStep:
    """One step as a person wrote it."""

    question: str
    answer: str | None = None
    source: FactSource | None = None


def decomposition_of(steps: Sequence[HumanStep]) -> Decomposition:
    """Return the steps as sub-questions; the last one gives the final answer.

    Raises:
        SpecError: if a reference leads nowhere, or a step does not lead to the last one.
    """
    if not steps:
        raise SpecError("expected steps, got none")
    answers = [step.answer for step in steps]
    nodes = [_node(number, step, answers) for number, step in enumerate(steps, start=1)]
    try:
        require_sound([(node.id, node.depends_on) for node in nodes], [nodes[-1].id])
    except ValueError as error:
        raise SpecError(str(error)) from None
    return Decomposition(nodes=tuple(nodes), finals=(nodes[-1].id,))


def _node(number: int, step: HumanStep, answers: Sequence[str | None]) -> QuestionNode:
    if not step.question.strip():
        raise SpecError(f"step {number} asks nothing")
    parents = [int(found) for found in _REFERENCE.findall(step.question)]
    for parent in parents:
        _require_earlier(parent, number)
    question = _REFERENCE.sub(lambda found: f"{{q{int(found[1])}}}", step.question.strip())
    answer = _resolved(number, answers)
    return QuestionNode(
        id=f"q{number}",
        question=question,
        depends_on=tuple(dict.fromkeys(f"q{parent}" for parent in parents)),
        answer=None if answer is None else StatedAnswer(kind="text", value=answer),
        source=step.source,
    )


def _resolved(number: int, answers: Sequence[str | None]) -> str | None:
    """Return the answer of a step, with references to earlier answers put in."""
    answer = answers[number - 1]
    if answer is None:
        return None

    def put_in(found: "re.Match[str]") -> str:
        parent = int(found[1])
        _require_earlier(parent, number)
        return _resolved(parent, answers) or found[0]

    resolved = _REFERENCE.sub(put_in, answer).strip()
    if not resolved:
        raise SpecError(f"step {number} has an empty answer")
    return resolved


def _require_earlier(parent: int, number: int) -> None:
    if not 1 <= parent < number:
        raise SpecError(
            f"step {number} refers to #{parent}; expected "
            + (f"#1 to #{number - 1}" if number > 1 else "no reference in the first step")
        )
