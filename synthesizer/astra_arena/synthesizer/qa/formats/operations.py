"""Programs of FinQA and ConvFinQA: `subtract(5829, 5735), divide(#0, 5735)`, or Python per turn."""

import ast
import re
from dataclasses import dataclass
from fractions import Fraction

from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import Operand, Operator
from astra_arena.synthesizer.qa.expression import OPERATORS, Number, parse_expression
from astra_arena.synthesizer.qa.programs import ProgramBuilder, given
from astra_arena.synthesizer.qa.report_facts import ReportFacts

_CALL = re.compile(r"\s*([a-z_]+)\s*\(([^()]*)\)\s*(?:,|$)")
_CONSTANT = re.compile(r"const_(m?)(\d+(?:\.\d+)?)")
_STEPS: dict[str, Operator] = {
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "divide": "divide",
    "exp": "power",
    "greater": "greater",
}
_ROWS: dict[str, Operator] = {
    "table_sum": "sum",
    "table_average": "average",
    "table_min": "minimum",
    "table_max": "maximum",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of a program."""

    operation: str
    arguments: tuple[str, ...]


def parse_program(text: str) -> list[Call]:
    """Read a program of operations.

    Raises:
        SpecError: if it is none.
    """
    calls: list[Call] = []
    at = 0
    while at < len(text.rstrip()):
        found = _CALL.match(text, at)
        if found is None:
            raise SpecError(f"expected operations like subtract(5, 3), got {text[at:][:60]!r}")
        arguments = tuple(part.strip() for part in found[2].split(","))
        calls.append(Call(found[1], arguments))
        at = found.end()
    if not calls:
        raise SpecError("expected a program, got none")
    return calls


def run_program(text: str, builder: ProgramBuilder, facts: ReportFacts) -> Operand:
    """Add the steps of a program; return its result.

    Raises:
        SpecError: if it names an unknown operation, a later step, or a row that is not there.
    """
    calls = parse_program(text)
    numbers = [_literal(one) for call in calls for one in call.arguments]
    facts.expect([one.value for one in numbers if one is not None])
    results: list[Operand] = []
    for call in calls:
        if call.operation in _ROWS:
            row = facts.row(call.arguments[0])
            if not row:
                raise SpecError(f"the table has no row {call.arguments[0]!r} with figures")
            results.append(builder.step(_ROWS[call.operation], row))
        elif call.operation in _STEPS and len(call.arguments) == 2:
            operands = [_operand(one, results, facts) for one in call.arguments]
            if all(one.number is not None for one in operands):
                raise SpecError(f"{call.operation} works on given numbers alone")
            results.append(builder.step(_STEPS[call.operation], operands))
        else:
            known = ", ".join([*_STEPS, *_ROWS])
            raise SpecError(
                f"expected one of {known}, got {call.operation} of {len(call.arguments)}"
            )
    return results[-1]


def _operand(text: str, results: list[Operand], facts: ReportFacts) -> Operand:
    if text.startswith("#"):
        if not text[1:].isdecimal() or int(text[1:]) >= len(results):
            raise SpecError(f"{text} refers to no earlier step; there are {len(results)}")
        return results[int(text[1:])]
    constant = _CONSTANT.fullmatch(text)
    if constant:
        return given(Fraction(constant[2]) * (-1 if constant[1] else 1))
    literal = _literal(text)
    if literal is None:
        raise SpecError(f"expected a number, a constant or a step like #0, got {text!r}")
    return facts.number(literal)


def _literal(text: str) -> Number | None:
    if text.startswith("#") or _CONSTANT.fullmatch(text):
        return None
    try:
        expression = parse_expression(text)
    except SpecError:
        return None
    return expression if isinstance(expression, Number) else None


def run_python(source: str, builder: ProgramBuilder, facts: ReportFacts) -> Operand:
    """Add the steps of a few Python assignments; return what the last one computes.

    The code is read, never run: arithmetic on numbers and on names assigned before.

    Raises:
        SpecError: if there is anything else in it.
    """
    text = source.strip()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"expected Python assignments, got {text[:60]!r}") from None
    reader = _Python(text, builder, facts)
    last: Operand | None = None
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                last = reader.known[name] = reader.value(value)
            case ast.Expr(value=value):
                last = reader.value(value)
            case _:
                raise SpecError(f"expected assignments alone, got {ast.unparse(statement)[:60]!r}")
    if last is None:
        raise SpecError("expected Python assignments, got none")
    return last


class _Python:
    """Reads arithmetic of a Python program."""

    def __init__(self, text: str, builder: ProgramBuilder, facts: ReportFacts) -> None:
        self._text = text
        self._builder = builder
        self._facts = facts
        self.known: dict[str, Operand] = {}

    def value(self, node: ast.expr) -> Operand:
        match node:
            case ast.Name(id=name) if name in self.known:
                return self.known[name]
            case ast.Constant():
                return self._number(node, "")
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as inner):
                return self._number(inner, "-")
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self._builder.combined("multiply", given(Fraction(-1)), self.value(inner))
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
                name = OPERATORS[type(operator)]
                return self._builder.combined(name, self.value(left), self.value(right))
            case _:
                shown = ast.get_source_segment(self._text, node) or ""
                raise SpecError(f"expected arithmetic on numbers and names, got {shown[:60]!r}")

    def _number(self, node: ast.Constant, sign: str) -> Operand:
        written = ast.get_source_segment(self._text, node) or ""
        literal = _literal(f"{sign}{written}")
        if literal is None:
            raise SpecError(f"expected a number, got {written[:60]!r}")
        return self._facts.number(literal)
