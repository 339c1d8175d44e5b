"""How a question falls apart: sub-questions that build on each other, with answers and sources.

A decomposition that is not sound cannot be made: ids are unique, what a sub-question depends on is
there, nothing depends on itself, and every sub-question leads to the final answer. Levels, parallel
flags and the topology are never stored; `structure` derives them.
"""

import re
from fractions import Fraction
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictBool, model_validator

from astra_arena.core.canonical import Json
from astra_arena.core.model import Model
from astra_arena.core.tasks import AnswerKind
from astra_arena.synthesizer.qa.structure import require_sound

Operator: TypeAlias = Literal[
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "sum",
    "average",
    "minimum",
    "maximum",
    "count",
    "greater",
]
"""What a step does with its operands. `sum`, `average`, `minimum`, `maximum` and `count` take any
number of them, all others two; `greater` gives yes or no."""

MANY: frozenset[Operator] = frozenset({"sum", "average", "minimum", "maximum", "count"})
"""Operators of any number of operands."""

_REFERENCE = re.compile(r"\{(q[\w-]*)\}")


class StatedAnswer(Model):
    """An answer as its source states it."""

    kind: AnswerKind
    value: Json
    tolerance: float = Field(default=0.0, ge=0.0)
    """Absolute, for numbers: half of the last digit that is stated, where it was rounded."""
    unit: str = ""
    """What the number counts: `percent`, `million`."""


class CellSource(Model):
    """A cell of the instance's table."""

    kind: Literal["cell"]
    row: int = Field(ge=0)
    column: int = Field(ge=0)


class SpanSource(Model):
    """A part of one of the instance's texts."""

    kind: Literal["span"]
    text: str
    """`question`, `context`, or the id of a paragraph."""
    start: int = Field(ge=0)
    end: int = Field(ge=1)

    @model_validator(mode="after")
    def _is_not_empty(self) -> "SpanSource":
        if self.end <= self.start:
            raise ValueError(
                f"expected a span with an end after its start, got {self.start} to {self.end}"
            )
        return self


class ParagraphSource(Model):
    """A paragraph of the instance that supports the answer."""

    kind: Literal["paragraph"]
    paragraph: str


class EvidenceSource(Model):
    """A triple of the instance's evidence."""

    kind: Literal["evidence"]
    index: int = Field(ge=0)


class KnowledgeSource(Model):
    """A sentence of the instance's knowledge."""

    kind: Literal["knowledge"]
    index: int = Field(ge=0)


FactSource: TypeAlias = Annotated[
    CellSource | SpanSource | ParagraphSource | EvidenceSource | KnowledgeSource,
    Field(discriminator="kind"),
]
"""Where a fact stands."""


class Operand(Model):
    """What a step works on: the answer of another sub-question, or a number that is given."""

    node: str | None = None
    number: str | None = None
    """A decimal or a fraction, written out, so that it is exact: `0.05`, `1/3`."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Operand":
        if (self.node is None) == (self.number is None):
            raise ValueError("expected either a node or a number as operand")
        if self.number is not None:
            try:
                Fraction(self.number)
            except (ValueError, ZeroDivisionError):
                raise ValueError(f"expected a number as operand, got {self.number!r}") from None
        return self


class ProgramStep(Model):
    """How an answer is computed from others."""

    operator: Operator
    operands: tuple[Operand, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _operands_fit(self) -> "ProgramStep":
        if self.operator not in MANY and len(self.operands) != 2:
            raise ValueError(f"{self.operator} takes 2 operands, got {len(self.operands)}")
        return self

    @property
    def nodes(self) -> tuple[str, ...]:
        """Ids of the sub-questions whose answers it takes, each once, in order."""
        return tuple(dict.fromkeys(one.node for one in self.operands if one.node is not None))


class QuestionNode(Model):
    """One sub-question."""

    id: str = Field(pattern=r"^q[\w-]*$")
    question: str = Field(min_length=1)
    """A reference to another's answer is written `{q1}`."""
    depends_on: tuple[str, ...] = ()
    answer: StatedAnswer | None = None
    """Absent where the source has none: it has to be authored."""
    source: FactSource | None = None
    step: ProgramStep | None = None
    needs_tool: StrictBool | None = None
    """Whether a tool has to be asked; `None` where nobody said so yet."""

    @model_validator(mode="after")
    def _references_are_declared(self) -> "QuestionNode":
        if self.step is not None and set(self.step.nodes) - set(self.depends_on):
            raise ValueError(
                f"{self.id}: expected the operands {sorted(self.step.nodes)} in depends_on, got "
                f"{sorted(self.depends_on)}"
            )
        loose = sorted(set(references_in(self.question)) - set(self.depends_on))
        if loose:
            raise ValueError(
                f"{self.id}: the question refers to {loose}, but depends_on is "
                f"{sorted(self.depends_on)}"
            )
        return self


class Decomposition(Model):
    """Sub-questions that lead to the answer of a main question."""

    nodes: tuple[QuestionNode, ...] = Field(min_length=1)
    finals: tuple[str, ...] = ()
    """Ids of the sub-questions whose answers make up the main answer, in its order; the only one
    that nothing depends on when absent."""

    @model_validator(mode="after")
    def _is_sound(self) -> "Decomposition":
        require_sound(self.parents, self.finals)
        return self

    @property
    def parents(self) -> list[tuple[str, tuple[str, ...]]]:
        """Each id with the ids that it depends on, in order."""
        return [(node.id, node.depends_on) for node in self.nodes]

    @property
    def final_ids(self) -> tuple[str, ...]:
        """Ids of the sub-questions whose answers make up the main answer."""
        if self.finals:
            return self.finals
        used = {parent for node in self.nodes for parent in node.depends_on}
        return tuple(node.id for node in self.nodes if node.id not in used)

    @property
    def is_answered(self) -> bool:
        """Whether every sub-question has an answer."""
        return all(node.answer is not None for node in self.nodes)

    def node(self, identifier: str) -> QuestionNode:
        """Return the sub-question with this id."""
        return next(node for node in self.nodes if node.id == identifier)


def references_in(question: str) -> tuple[str, ...]:
    """Return the ids that a question refers to, each once."""
    return tuple(dict.fromkeys(_REFERENCE.findall(question)))
