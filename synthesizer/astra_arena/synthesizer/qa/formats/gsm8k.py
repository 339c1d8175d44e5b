"""GSM8K: word problems whose solutions hold their calculations, `<<16-3-4=9>>`."""

import re
from collections.abc import Iterator
from fractions import Fraction

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import (
    Decomposition,
    Operand,
    SpanSource,
    StatedAnswer,
)
from astra_arena.synthesizer.qa.expression import Number, evaluate, parse_expression
from astra_arena.synthesizer.qa.formats.format import BadRecord, Origin, text_field
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.number_text import (
    NumberInText,
    number_text,
    numbers_in_text,
    plain_number,
    stated_tolerance,
)
from astra_arena.synthesizer.qa.programs import ProgramBuilder, given

_CALCULATION = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
_FINAL = re.compile(r"####\s*(\S.*?)\s*$")


class Gsm8kFormat:
    """Reads GSM8K."""

    name = "gsm8k"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        answer = record.get("answer")
        return "question" in record and isinstance(answer, str) and "####" in answer

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instance of a record; see `Format.read`."""
        question, solution = text_field(record, "question"), text_field(record, "answer")
        final = _final_answer(solution)
        yield QAInstance(
            id=origin.identifier(),
            question=question,
            answer=StatedAnswer(kind="number", value=plain_number(final)),
            language=origin.language,
            translated=origin.translated,
            domain=origin.domain or "arithmetic",
            decomposition=_Reading(question).of(solution, final),
            source=origin.record(),
        )


def _final_answer(solution: str) -> Fraction:
    found = _FINAL.search(solution)
    if found is None:
        raise SpecError("expected the answer behind '####'")
    return evaluate(parse_expression(found[1]))


class _Reading:
    """Finds out what the numbers of a solution stand for: results, facts of the story, or neither.

    Args:
        question: The story.
    """

    def __init__(self, question: str) -> None:
        self._question = question
        self._numbers = list(numbers_in_text(question))
        self._builder = ProgramBuilder()
        self._results: list[tuple[Fraction, Operand]] = []
        self._used: set[str] = set()
        self._taken: dict[Fraction, int] = {}

    def of(self, solution: str, final: Fraction) -> Decomposition:
        """Return the decomposition.

        Raises:
            SpecError: if a calculation is wrong, or they do not lead to the answer.
        """
        calculations = _CALCULATION.findall(solution)
        if not calculations:
            raise SpecError("expected calculations like <<16-3-4=9>>, got none")
        for left, right in calculations:
            expression = parse_expression(left)
            stated, came = evaluate(parse_expression(right)), evaluate(expression)
            if abs(stated - came) > stated_tolerance(right):
                raise SpecError(f"{left}={right} is wrong: it is {number_text(came)}")
            operand = self._builder.expression(expression, self._leaf)
            if operand.node is not None:
                self._results.append((stated, operand))
        value, last = self._results[-1] if self._results else (None, given(final))
        if value != final:
            raise SpecError(
                f"the last calculation gives {'nothing' if value is None else number_text(value)}, "
                f"but the answer is {number_text(final)}"
            )
        exact = self._builder.value(last)
        if abs(exact - final) > Fraction(1, 100):
            raise SpecError(
                f"without rounding in between the answer is {float(exact):g}, not "
                f"{number_text(final)}"
            )
        return self._builder.decomposition(last)

    def _leaf(self, number: Number) -> Operand:
        """Return what a number stands for.

        A result that nothing has used yet comes before a fact of the story, a fact before a result
        that was used already.
        """
        fresh = [
            operand
            for value, operand in reversed(self._results)
            if value == number.worth and operand.node not in self._used
        ]
        if fresh:
            self._used.add(fresh[0].node or "")
            return fresh[0]
        fact = self._fact(number)
        if fact is not None:
            return fact
        old = [operand for value, operand in reversed(self._results) if value == number.worth]
        return old[0] if old else given(number.worth)

    def _fact(self, number: Number) -> Operand | None:
        for percent, value in ((number.percent, number.value), (True, number.worth * 100)):
            found = [one for one in self._numbers if one.value == value and one.percent == percent]
            if found:
                # The same number in several places is taken in the order of the story.
                taken = self._taken.get(value, 0)
                self._taken[value] = taken + 1
                fact = self._looked_up(found[min(taken, len(found) - 1)])
                return (
                    self._builder.step("divide", (fact, given(Fraction(100))))
                    if percent
                    else (fact)
                )
        return None

    def _looked_up(self, one: NumberInText) -> Operand:
        before = self._question[max(0, one.start - 40) : one.start].split(" ", 1)[-1]
        after = self._question[one.end : one.end + 40].rsplit(" ", 1)[0]
        return self._builder.fact(
            f"What number does the story give in “{before}…{after}”?",
            one.value,
            SpanSource(kind="span", text="question", start=one.start, end=one.end),
            unit="percent" if one.percent else "",
        )
