"""Programs as decompositions: facts and steps become sub-questions, and are computed exactly.

Every step is one operation on facts, on other steps, or on numbers that are given. Equal facts and
equal steps are one sub-question.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeAlias

from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import (
    MANY,
    Decomposition,
    FactSource,
    Operand,
    Operator,
    ProgramStep,
    QuestionNode,
    StatedAnswer,
)
from astra_arena.synthesizer.qa.expression import (
    BinaryOperator,
    Expression,
    Number,
    apply,
)
from astra_arena.synthesizer.qa.number_text import number_text, plain_number
from astra_arena.synthesizer.qa.structure import require_sound, structure_of

Value: TypeAlias = Fraction | bool

_WORDS: dict[Operator, str] = {
    "add": "What is {0} plus {1}?",
    "subtract": "What is {0} minus {1}?",
    "multiply": "What is {0} times {1}?",
    "divide": "What is {0} divided by {1}?",
    "power": "What is {0} to the power of {1}?",
    "greater": "Is {0} greater than {1}?",
}
_MANY_WORDS: dict[Operator, str] = {
    "sum": "What is the sum of {0}?",
    "average": "What is the average of {0}?",
    "minimum": "What is the least of {0}?",
    "maximum": "What is the greatest of {0}?",
    "count": "How many are there of {0}?",
}


class ProgramBuilder:
    """Collects the sub-questions of a program."""

    def __init__(self) -> None:
        self._nodes: list[QuestionNode] = []
        self._values: dict[str, Value] = {}
        self._known: dict[object, Operand] = {}

    def fact(
        self, question: str, value: Fraction, source: FactSource, *, unit: str = ""
    ) -> Operand:
        """Add a fact that has to be looked up; one place is one fact."""
        stated = StatedAnswer(kind="number", value=plain_number(value), unit=unit)
        return self._added(source.to_json(), question, value, stated, source=source)

    def text_fact(self, question: str, value: str, source: FactSource) -> Operand:
        """Add a fact that is no number."""
        stated = StatedAnswer(kind="text", value=value)
        return self._added(source.to_json(), question, Fraction(1), stated, source=source)

    def step(self, operator: Operator, operands: Sequence[Operand]) -> Operand:
        """Add a step.

        Raises:
            SpecError: if it cannot be computed.
        """
        step = ProgramStep(operator=operator, operands=tuple(operands))
        value = computed(step, self._values)
        kind, plain = (
            ("exact", value)
            if isinstance(value, bool)
            else (
                "number",
                plain_number(value),
            )
        )
        stated = StatedAnswer.model_validate({"kind": kind, "value": plain})
        return self._added(step.to_json(), _worded(step), value, stated, step=step)

    def expression(self, expression: Expression, leaf: Callable[[Number], Operand]) -> Operand:
        """Add the steps of an expression.

        Args:
            expression: What is computed.
            leaf: Finds what a number of it stands for.

        Raises:
            SpecError: if it cannot be computed.
        """
        if isinstance(expression, Number):
            return leaf(expression)
        left = self.expression(expression.left, leaf)
        return self.combined(expression.operator, left, self.expression(expression.right, leaf))

    def combined(self, operator: BinaryOperator, left: Operand, right: Operand) -> Operand:
        """Add a step, or return a given number where two of them are put together.

        Raises:
            SpecError: if it cannot be computed.
        """
        if left.number is not None and right.number is not None:
            return given(apply(operator, Fraction(left.number), Fraction(right.number)))
        return self.step(operator, (left, right))

    def value(self, operand: Operand) -> Value:
        """Return the exact value of an operand."""
        if operand.node is not None:
            return self._values[operand.node]
        return Fraction(operand.number or "0")

    def decomposition(self, *finals: Operand) -> Decomposition:
        """Return the sub-questions with those named as the final answer.

        Raises:
            SpecError: if a final answer is no sub-question, or one does not lead there.
        """
        names = [one.node for one in finals if one.node is not None]
        if len(names) != len(finals):
            raise SpecError("expected an answer that is looked up or computed, got a given number")
        try:
            require_sound([(node.id, node.depends_on) for node in self._nodes], names)
        except ValueError as error:
            raise SpecError(str(error)) from None
        return Decomposition(nodes=tuple(self._nodes), finals=tuple(names))

    def _added(
        self,
        key: object,
        question: str,
        value: Value,
        answer: StatedAnswer,
        *,
        source: FactSource | None = None,
        step: ProgramStep | None = None,
    ) -> Operand:
        spelled = repr(key)
        if spelled not in self._known:
            name = f"q{len(self._nodes) + 1}"
            self._nodes.append(
                QuestionNode(
                    id=name,
                    question=question,
                    depends_on=() if step is None else step.nodes,
                    answer=answer,
                    source=source,
                    step=step,
                )
            )
            self._values[name] = value
            self._known[spelled] = Operand(node=name)
        return self._known[spelled]


def given(value: Fraction) -> Operand:
    """Return a number that is given as an operand."""
    return Operand(number=number_text(value))


def computed(step: ProgramStep, values: "dict[str, Value]") -> Value:
    """Return what a step makes of the values of other sub-questions.

    Raises:
        SpecError: if a value is missing or no number, or the operation is not defined.
    """
    numbers = [_operand_value(one, values) for one in step.operands]
    match step.operator:
        case "add" | "subtract" | "multiply" | "divide" | "power":
            operator: BinaryOperator = step.operator
            return apply(operator, numbers[0], numbers[1])
        case "greater":
            return numbers[0] > numbers[1]
        case "sum":
            return sum(numbers, Fraction(0))
        case "average":
            return sum(numbers, Fraction(0)) / len(numbers)
        case "minimum":
            return min(numbers)
        case "maximum":
            return max(numbers)
        case "count":
            return Fraction(len(numbers))


def _operand_value(operand: Operand, values: "dict[str, Value]") -> Fraction:
    if operand.node is None:
        return Fraction(operand.number or "0")
    value = values.get(operand.node)
    if value is None or isinstance(value, bool):
        raise SpecError(f"expected a number as the answer of {operand.node}, got {value}")
    return value


def evaluate_program(decomposition: Decomposition) -> dict[str, Value]:
    """Compute every sub-question from the facts alone; stated answers of steps are not looked at.

    Raises:
        SpecError: if a fact is no number, or a step cannot be computed.
    """
    values: dict[str, Value] = {}
    for name in structure_of(decomposition.parents).order:
        node = decomposition.node(name)
        if node.step is not None:
            values[name] = computed(node.step, values)
        elif node.answer is not None and isinstance(node.answer.value, int | float):
            values[name] = Fraction(repr(node.answer.value))
        elif node.answer is not None and node.answer.kind == "text":
            values[name] = Fraction(1)
        else:
            raise SpecError(f"{name} has neither a number nor a step")
    return values


def _worded(step: ProgramStep) -> str:
    shown = [f"{{{one.node}}}" if one.node is not None else one.number for one in step.operands]
    if step.operator in MANY:
        return _MANY_WORDS[step.operator].format(", ".join(map(str, shown)))
    return _WORDS[step.operator].format(*shown)
