"""Arithmetic as people write it, read without running it, and computed exactly.

`ast` parses the text; only numbers, the four operations, powers by small whole numbers and signs
are let through. Nothing is evaluated by Python itself.
"""

import ast
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias, assert_never

from astra_arena.core.errors import SpecError

MOST_CHARACTERS = 500
MOST_POWER = 12
MOST_DIGITS = 400
"""Digits of a numerator or denominator; more is no sum that anybody wrote down."""

BinaryOperator: TypeAlias = Literal["add", "subtract", "multiply", "divide", "power"]

OPERATORS: dict[type[ast.operator], BinaryOperator] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    # Written for a division that leaves no rest; where it does leave one, the value differs.
    ast.FloorDiv: "divide",
    ast.Pow: "power",
}
_SPELLINGS = str.maketrans(
    {
        "[": "(",
        "]": ")",
        "{": "(",
        "}": ")",
        "\u00d7": "*",
        "\u00f7": "/",
        "\u2212": "-",
        "\u2013": "-",
        "\u2014": "-",
        "^": "^",
        "$": " ",
        "\u20ac": " ",
        "\u00a3": " ",
        "\u00a5": " ",
        "\u00a0": " ",
    }
)
_THOUSANDS = re.compile(r"(?<=\d),\s?(?=\d{3}(?!\d))")
_PERCENT = re.compile(r"((?:\d+(?:\.\d*)?|\.\d+))\s*%")
_TIMES = re.compile(r"(?<=[\d)\s])[xX](?=[\d(\s])")
_LEADING_ZEROS = re.compile(r"(?<![\w.])0+(?=\d)")
_MARK = "_percent"


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is written down."""

    value: Fraction
    """As written: 5 for `5%`."""
    percent: bool = False
    explained: bool = False
    """Whether the expression itself explains it: how many there are, or a whole."""

    @property
    def worth(self) -> Fraction:
        """The number that is meant: 0.05 for `5%`."""
        return self.value / 100 if self.percent else self.value


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions put together."""

    operator: BinaryOperator
    left: "Expression"
    right: "Expression"


Expression: TypeAlias = Number | Operation


def parse_expression(text: str) -> Expression:
    """Read an expression.

    Raises:
        SpecError: if it is too long, no arithmetic, or holds anything else.
    """
    if len(text) > MOST_CHARACTERS:
        raise SpecError(
            f"expected arithmetic of up to {MOST_CHARACTERS} characters, got {len(text)}"
        )
    spelled = _THOUSANDS.sub("", text.translate(_SPELLINGS))
    spelled = _TIMES.sub("*", spelled).replace("^", "**")
    spelled = _LEADING_ZEROS.sub("", _PERCENT.sub(rf"{_MARK}(\1)", spelled)).strip()
    try:
        tree = ast.parse(spelled, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"expected arithmetic, got {text!r}") from None
    return _read(tree.body, spelled, text)


def _read(node: ast.expr, spelled: str, text: str) -> Expression:
    match node:
        case ast.Constant():
            return _number(node, spelled, text)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return _negated(_read(inner, spelled, text))
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _read(inner, spelled, text)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            return Operation(
                OPERATORS[type(operator)],
                _read(left, spelled, text),
                _read(right, spelled, text),
            )
        case ast.Call(func=ast.Name(id=name), args=[ast.Constant() as inner], keywords=[]) if (
            name == _MARK
        ):
            return Number(_number(inner, spelled, text).value, percent=True)
        case _:
            raise SpecError(f"expected numbers and + - * / alone, got {text!r}")


def _number(node: ast.Constant, spelled: str, text: str) -> Number:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise SpecError(f"expected numbers and + - * / alone, got {text!r}")
    # The text and not the parsed value: a float is not what was written.
    written = ast.get_source_segment(spelled, node) or ""
    try:
        return Number(Fraction(written))
    except ValueError:
        raise SpecError(f"expected a decimal number, got {written!r} in {text!r}") from None


def _negated(inner: Expression) -> Expression:
    if isinstance(inner, Number):
        return Number(-inner.value, inner.percent)
    return Operation("multiply", Number(Fraction(-1)), inner)


def evaluate(expression: Expression) -> Fraction:
    """Return the exact value of an expression.

    Raises:
        SpecError: for a division by zero, or a power that is too large or not whole.
    """
    if isinstance(expression, Number):
        return expression.worth
    return apply(expression.operator, evaluate(expression.left), evaluate(expression.right))


def apply(operator: BinaryOperator, left: Fraction, right: Fraction) -> Fraction:
    """Return what an operator makes of two numbers.

    Raises:
        SpecError: for a division by zero, or a power that is too large or not whole.
    """
    match operator:
        case "add":
            return left + right
        case "subtract":
            return left - right
        case "multiply":
            return _of_size(left * right)
        case "divide":
            if right == 0:
                raise SpecError("expected a divisor other than 0")
            return _of_size(left / right)
        case "power":
            if right.denominator != 1 or not 0 <= right <= MOST_POWER:
                raise SpecError(f"expected a whole power up to {MOST_POWER}, got {right}")
            return _of_size(left ** int(right))
        case _:
            assert_never(operator)


def _of_size(value: Fraction) -> Fraction:
    limit = 10**MOST_DIGITS
    if abs(value.numerator) > limit or value.denominator > limit:
        raise SpecError(f"expected numbers of up to {MOST_DIGITS} digits")
    return value


def with_explained(expression: Expression) -> Expression:
    """Return an expression whose numbers of addends and wholes are marked as explained.

    Of `(3 + 5) / 2` the 2 is how many are added, of `6 / 4 - 1` the 1 is a whole.
    """
    if isinstance(expression, Number):
        return expression
    left, right = with_explained(expression.left), with_explained(expression.right)
    if isinstance(right, Number):
        counts = expression.operator == "divide" and right.worth == _addends(left)
        is_whole = (
            expression.operator == "subtract"
            and right.worth == 1
            and isinstance(left, Operation)
            and left.operator == "divide"
        )
        right = replace(right, explained=counts or is_whole)
    return Operation(expression.operator, left, right)


def _addends(expression: Expression) -> int:
    if isinstance(expression, Operation) and expression.operator == "add":
        return _addends(expression.left) + _addends(expression.right)
    if isinstance(expression, Operation) and Number(Fraction(-1)) == expression.left:
        return _addends(expression.right)
    return 1


def leaves(expression: Expression) -> list[Number]:
    """Return the numbers that an expression is made of, from left to right."""
    if isinstance(expression, Number):
        return [expression]
    return [*leaves(expression.left), *leaves(expression.right)]
