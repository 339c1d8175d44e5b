"""Programs as calls: the steps of a decomposition become calls of tools that calculate.

Where a tool does several steps at once, they are one call: then no shorter program exists than the
gold. Every value is computed here, by rational numbers, and not by the tools.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import permutations

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import (
    Alternative,
    Answer,
    SubQuestion,
    references_of,
    resolve_arguments,
)
from astra_arena.synthesizer.qa.decomposition import Decomposition, Operand, Operator
from astra_arena.synthesizer.qa.environments.arithmetic_tools import (
    BY_NAME,
    DECIMALS,
    LARGEST,
    ArithmeticTool,
)
from astra_arena.synthesizer.qa.number_text import plain_number
from astra_arena.synthesizer.qa.structure import structure_of

MOST_CALLS = 10
"""More sub-questions are no task: a mistake in one of them would cost less than a tenth."""
_HUNDRED = Operand(number="100")
_ONE = Operand(number="1")
_TOOLS: dict[Operator, str] = {
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "divide": "divide",
    "average": "average",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A call of a tool that calculates."""

    tool: str
    operands: tuple[Operand, ...]


class CallProgram:
    """The calculating calls of a decomposition.

    Args:
        decomposition: The sub-questions; facts are those without a step.
        tools: The tools on offer, by name.

    Raises:
        SpecError: if no tool does what a step asks for.
    """

    def __init__(self, decomposition: Decomposition, tools: frozenset[str]) -> None:
        self._decomposition = decomposition
        self._tools = tools
        self.steps = self._shortened()
        self.facts = tuple(
            node for node in decomposition.nodes if node.step is None and self._is_used(node.id)
        )
        """Sub-questions that are looked up."""
        if len(self.steps) + len(self.facts) > MOST_CALLS:
            raise SpecError(
                f"expected up to {MOST_CALLS} calls, got {len(self.steps) + len(self.facts)}"
            )
        _require_no_factor(self.steps)

    def _is_used(self, name: str) -> bool:
        used = {one.node for step in self.steps.values() for one in step.operands}
        return name in used or name in self._decomposition.final_ids

    def _shortened(self) -> dict[str, Step]:
        """Return the steps, those that one tool does at once put together."""
        plain: dict[str, Step] = {}
        for name in structure_of(self._decomposition.parents).order:
            step = self._decomposition.node(name).step
            if step is not None:
                if step.operator not in _TOOLS:
                    raise SpecError(f"no tool does {step.operator!r}")
                plain[name] = Step(_TOOLS[step.operator], step.operands)
        uses = Counter(one.node for step in plain.values() for one in step.operands if one.node)
        merger = _Merger(plain, {name for name, count in uses.items() if count == 1}, self._tools)
        merged = {name: merger.merged(step) for name, step in plain.items()}
        kept: dict[str, Step] = {}
        wanted = list(self._decomposition.final_ids)
        while wanted:
            name = wanted.pop()
            if name in merged and name not in kept:
                kept[name] = merged[name]
                wanted += [one.node for one in merged[name].operands if one.node is not None]
        missing = sorted({step.tool for step in kept.values()} - self._tools)
        if missing:
            raise SpecError(f"no tool does {missing[0]!r}")
        return {name: step for name, step in merged.items() if name in kept}

    def questions(
        self, environment: str, facts: Mapping[str, SubQuestion]
    ) -> tuple[SubQuestion, ...]:
        """Return all sub-questions of the task, facts first.

        Args:
            environment: The environment's name.
            facts: How the facts are looked up, by id.

        Raises:
            SpecError: if a value is too large, or the exact and the rounded values differ.
        """
        values = {
            name: Fraction(repr(fact.answer.value))
            for name, fact in facts.items()
            if isinstance(fact.answer.value, int | float)
        }
        made: list[SubQuestion] = []
        for name, step in self.steps.items():
            numbers = [_value(one, values) for one in step.operands]
            values[name] = rounded(applied(step.tool, numbers))
            if max(map(abs, [*numbers, values[name]])) > LARGEST:
                raise SpecError(f"{name}: expected numbers up to {LARGEST}")
            made.append(self._question(name, step, environment, values[name]))
        questions = (*facts.values(), *made)
        _require_distinct(questions)
        return questions

    def _question(self, name: str, step: Step, environment: str, value: Fraction) -> SubQuestion:
        tool = BY_NAME[step.tool]
        return SubQuestion(
            id=name,
            question=self._decomposition.node(name).question,
            environment=environment,
            tool=step.tool,
            arguments=_arguments(tool, step.operands),
            depends_on=tuple(
                dict.fromkeys(one.node for one in step.operands if one.node is not None)
            ),
            answer=Answer(path="/result", kind="number", value=plain_number(value)),
            alternatives=_other_orders(tool, step),
        )


def _require_distinct(questions: Sequence[SubQuestion]) -> None:
    """Refuse programs in which one call would answer two sub-questions, if only by chance.

    Raises:
        SpecError: naming both.
    """
    answers: JsonObject = {one.id: one.answer.value for one in questions}
    known: dict[bytes, str] = {}
    for one in questions:
        if references_of(one.arguments) <= answers.keys():
            key = canonical_bytes([one.tool, resolve_arguments(one.arguments, answers)])
            first = known.setdefault(key, one.id)
            if first != one.id:
                raise SpecError(f"{first} and {one.id} are answered by one call")


@dataclass(frozen=True, slots=True)
class _Merger:
    """Puts steps together that one tool does at once."""

    steps: Mapping[str, Step]
    once: set[str]
    """Ids of steps that one other step alone uses."""
    tools: frozenset[str]

    def merged(self, step: Step) -> Step:
        """Return what does the same as a step and those that it alone uses."""
        for found in (self._percentage(step), self._average(step)):
            if found is not None and found.tool in self.tools:
                return found
        return step

    def _inner(self, operand: Operand, tool: str) -> Step | None:
        if operand.node is None or operand.node not in self.once:
            return None
        step = self.steps.get(operand.node)
        return step if step is not None and step.tool == tool else None

    def _percentage(self, step: Step) -> Step | None:
        if step.tool != "multiply" or _HUNDRED not in step.operands:
            return None
        share = step.operands[0] if step.operands[1] == _HUNDRED else step.operands[1]
        quotient = self._inner(share, "divide")
        if quotient is not None:
            part, whole = quotient.operands
            change = self._inner(part, "subtract")
            if change is not None and change.operands[1] == whole:
                return Step("percent_change", (whole, change.operands[0]))
            return Step("percent_of", (part, whole))
        less_one = self._inner(share, "subtract")
        ratio = None if less_one is None else self._inner(less_one.operands[0], "divide")
        if ratio is not None and less_one is not None and less_one.operands[1] == _ONE:
            return Step("percent_change", (ratio.operands[1], ratio.operands[0]))
        return None

    def _average(self, step: Step) -> Step | None:
        if step.tool != "divide" or step.operands[1].number is None:
            return None
        addends = self._addends(step.operands[0], top=True)
        most = len(BY_NAME["average"].parameters) + len(BY_NAME["average"].optional)
        if not 2 <= len(addends) <= most or Fraction(step.operands[1].number) != len(addends):
            return None
        return Step("average", tuple(addends))

    def _addends(self, operand: Operand, *, top: bool = False) -> list[Operand]:
        total = self._inner(operand, "add")
        if total is None:
            return [] if top else [operand]
        return [one for part in total.operands for one in self._addends(part)]


def _require_no_factor(steps: Mapping[str, Step]) -> None:
    """Refuse `a * b + a * c`: `a * (b + c)` would be shorter.

    Raises:
        SpecError: naming the step.
    """
    for name, step in steps.items():
        if step.tool not in ("add", "subtract"):
            continue
        products = [steps.get(one.node or "") for one in step.operands]
        left, right = products
        if left is None or right is None or left.tool != right.tool:
            continue
        shares_factor = left.tool == "multiply" and set(left.operands) & set(right.operands)
        shares_divisor = left.tool == "divide" and left.operands[1] == right.operands[1]
        if shares_factor or shares_divisor:
            raise SpecError(f"a shorter program exists: {name} has a factor in common")


def applied(tool: str, numbers: list[Fraction]) -> Fraction:
    """Return what a tool is to make of numbers; the reference that its code is held to.

    Raises:
        SpecError: for a division by zero.
    """
    match tool:
        case "add":
            return numbers[0] + numbers[1]
        case "subtract":
            return numbers[0] - numbers[1]
        case "multiply":
            return numbers[0] * numbers[1]
        case "average":
            return sum(numbers, Fraction(0)) / len(numbers)
        case _:
            pass
    below = numbers[0] if tool == "percent_change" else numbers[1]
    if below == 0:
        raise SpecError(f"{tool} divides by 0")
    match tool:
        case "divide":
            return numbers[0] / below
        case "percent_of":
            return numbers[0] / below * 100
        case "percent_change":
            return (numbers[1] / below - 1) * 100
        case _:
            raise SpecError(f"no tool does {tool!r}")


def rounded(value: Fraction) -> Fraction:
    """Return a value as tools round it, and as a float holds it."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        cut = exact.quantize(Decimal(1).scaleb(-DECIMALS), rounding=ROUND_HALF_EVEN)
    if cut == cut.to_integral_value():
        return Fraction(int(cut))
    return Fraction(repr(float(cut)))


def _value(operand: Operand, values: Mapping[str, Fraction]) -> Fraction:
    if operand.node is not None:
        if operand.node not in values:
            raise SpecError(f"expected a number as the answer of {operand.node}")
        return values[operand.node]
    return Fraction(repr(plain_number(Fraction(operand.number or "0"))))


def _arguments(tool: ArithmeticTool, operands: tuple[Operand, ...]) -> JsonObject:
    """Return complete arguments: what is left out is spelled, for calls are compared so."""
    names = (*tool.parameters, *tool.optional)
    given = {name: _argument(operand) for name, operand in zip(names, operands, strict=False)}
    return {name: given.get(name) for name in names}


def _argument(operand: Operand) -> Json:
    if operand.node is not None:
        return {"$from": operand.node, "path": ""}
    return plain_number(Fraction(operand.number or "0"))


def _other_orders(tool: ArithmeticTool, step: Step) -> tuple[Alternative, ...]:
    """Return the same call with its arguments in other places, where that changes nothing."""
    if not tool.commutes:
        return ()
    orders = dict.fromkeys(permutations(step.operands))
    return tuple(
        Alternative(tool=tool.name, arguments=_arguments(tool, order), path="/result")
        for order in orders
        if order != step.operands
    )
