"""TAT-QA: questions about a table and the text around it, with the arithmetic written out."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import cast

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import Decomposition, Operand, StatedAnswer
from astra_arena.synthesizer.qa.expression import (
    Expression,
    Number,
    evaluate,
    leaves,
    parse_expression,
    with_explained,
)
from astra_arena.synthesizer.qa.formats.format import (
    BadRecord,
    Origin,
    list_field,
    object_field,
    objects_field,
    optional_text,
    text_field,
)
from astra_arena.synthesizer.qa.instance import Paragraph, QAInstance, Table
from astra_arena.synthesizer.qa.number_text import cell_number, number_text, plain_number
from astra_arena.synthesizer.qa.printed_table import PrintedTable
from astra_arena.synthesizer.qa.programs import ProgramBuilder, given
from astra_arena.synthesizer.qa.report_facts import ReportFacts

ROUNDING = Fraction(1, 100)
"""Answers have up to two decimals; the last digit may be cut as well as rounded."""
MOST_COUNTED = 12
"""A whole number up to here in a derivation may be how many there are."""
YEARS = range(1900, 2101)
UNREAD = "a decomposition: the answer is to be read out of the text or the table"

_BRACKETED = re.compile(r"\(\s*(\$?\s*[\d,]+(?:\.\d+)?)\s*\)")


class TatQaFormat:
    """Reads TAT-QA."""

    name = "tatqa"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        return isinstance(record.get("table"), dict) and "questions" in record

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instances of a record; see `Format.read`."""
        about = object_field(record, "table")
        table = Table.from_json({"rows": list_field(about, "table")}, what="table")
        paragraphs = [
            Paragraph(id=str(one.get("order")), text=optional_text(one, "text"))
            for one in objects_field(record, "paragraphs")
        ]
        group = optional_text(about, "uid") or origin.identifier()
        for asked in objects_field(record, "questions"):
            key = optional_text(asked, "uid")
            try:
                yield _Question(asked, table, paragraphs).instance(origin, key, group)
            except SpecError as error:
                yield BadRecord(error.message, key)


class _Question:
    def __init__(self, asked: JsonObject, table: Table, paragraphs: list[Paragraph]) -> None:
        self._asked = asked
        self._question = text_field(asked, "question")
        self._table = table
        named = asked.get("rel_paragraphs")
        supporting = {str(one) for one in named} if isinstance(named, list) else set[str]()
        marked = [one.model_copy(update={"supports": one.id in supporting}) for one in paragraphs]
        self._paragraphs = marked
        self._builder = ProgramBuilder()
        self._facts = ReportFacts(
            PrintedTable(table.rows),
            sorted(marked, key=lambda one: not one.supports),
            self._question,
            self._builder,
        )
        self._scale = optional_text(asked, "scale")

    def instance(self, origin: Origin, key: str, group: str) -> QAInstance:
        answer, decomposition = self._answered()
        return QAInstance(
            id=origin.identifier(key),
            question=self._question,
            answer=answer,
            language=origin.language,
            translated=origin.translated,
            domain=origin.domain or "finance",
            group=group,
            paragraphs=tuple(self._paragraphs),
            table=self._table,
            decomposition=decomposition,
            missing="" if decomposition is not None else UNREAD,
            source=origin.record(key),
        )

    def _answered(self) -> tuple[StatedAnswer, Decomposition | None]:
        answer = self._asked.get("answer")
        match text_field(self._asked, "answer_type"):
            case "arithmetic":
                return self._arithmetic(answer)
            case "span" | "multi-span":
                return self._spans(_spans_of(answer))
            case "count":
                return self._count(answer)
            case other:
                raise SpecError(
                    "expected arithmetic, span, multi-span or count in 'answer_type', got "
                    f"{other!r}"
                )

    def _arithmetic(self, answer: Json) -> tuple[StatedAnswer, Decomposition]:
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            raise SpecError(f"expected a number in 'answer', got {answer!r}")
        stated = Fraction(repr(answer))
        reading = self._reading(text_field(self._asked, "derivation"), stated)
        read, signs_count, times = reading
        expression = with_explained(read)
        self._facts.expect([one.value for one in leaves(expression)])
        last = self._builder.expression(
            expression, lambda one: self._facts.number(one, percent_counts=signs_count)
        )
        if times:
            last = self._builder.step("multiply", (last, given(Fraction(100))))
        return (
            StatedAnswer(kind="number", value=answer, tolerance=float(ROUNDING), unit=self._scale),
            self._builder.decomposition(last),
        )

    def _reading(self, derivation: str, stated: Fraction) -> tuple[Expression, bool, bool]:
        """Return the reading of a derivation that gives the answer.

        Numbers in brackets may be negative, percent signs mere units, and a share a percentage.

        Returns:
            The expression, whether percent signs count, and whether 100 times it is the answer.
        """
        came: list[Fraction] = []
        for text in dict.fromkeys((derivation, _BRACKETED.sub(r"(-\1)", derivation))):
            expression = parse_expression(text)
            signed = any(one.percent for one in leaves(expression))
            for counts in (False, True) if signed else (True,):
                value = evaluate(expression if counts else _without_signs(expression))
                scaled = self._scalings(expression, counts=counts)
                for times in scaled:
                    result = value * 100 if times else value
                    came.append(result)
                    if abs(result - stated) <= ROUNDING:
                        return expression, counts, times
        tried = ", ".join(f"{float(one):g}" for one in dict.fromkeys(came))
        raise SpecError(
            f"the derivation {derivation.strip()!r} gives {tried}, but the answer is "
            f"{number_text(stated)}"
        )

    def _scalings(self, expression: Expression, *, counts: bool) -> tuple[bool, ...]:
        """Return whether the answer may be 100 times the value, and whether the value itself.

        A percentage is a share times 100, or made of percentages alone, which stay what they are.
        """
        if self._scale != "percent" or not counts:
            return (False,)
        return (True,) if _dimension(expression) == 0 else (True, False)

    def _spans(self, spans: list[str]) -> tuple[StatedAnswer, Decomposition | None]:
        numbers = [cell_number(span) for span in spans]
        if all(numbers) and self._asked.get("answer_from") != "text":
            values = [number.value for number in numbers if number is not None]
            self._facts.expect(values)
            found = [self._facts.cell(value) for value in values]
            plain = [plain_number(value) for value in values]
            kind, value = ("number", plain[0]) if len(plain) == 1 else ("list", plain)
        else:
            found = [self._facts.text(span) for span in spans]
            kind, value = ("text", spans[0]) if len(spans) == 1 else ("set", spans)
        answer = StatedAnswer.model_validate({"kind": kind, "value": value, "unit": self._scale})
        finals = [one for one in found if one is not None]
        if len({one.node for one in finals}) < len(spans):
            return answer, None
        return answer, self._builder.decomposition(*finals)

    def _count(self, answer: Json) -> tuple[StatedAnswer, Decomposition | None]:
        text = str(answer).strip()
        if not text.isdecimal():
            raise SpecError(f"expected a number in 'answer', got {answer!r}")
        parts = [one.strip() for one in text_field(self._asked, "derivation").split("##")]
        if len(parts) != int(text):
            raise SpecError(f"the derivation lists {len(parts)}, but the answer is {text}")
        stated = StatedAnswer(kind="number", value=int(text), unit=self._scale)
        found: list[Operand] = [
            one for one in (self._facts.text(part) for part in parts) if one is not None
        ]
        if len({one.node for one in found}) < len(parts):
            return stated, None
        return stated, self._builder.decomposition(self._builder.step("count", found))


def _dimension(expression: Expression) -> int:
    """Return 1 where doubling all figures doubles the value, 0 for a share of them.

    Years and numbers of things are no figures.
    """
    if isinstance(expression, Number):
        value = expression.value
        whole = value.denominator == 1
        return int(not (whole and (abs(value) <= MOST_COUNTED or value in YEARS)))
    left, right = _dimension(expression.left), _dimension(expression.right)
    match expression.operator:
        case "multiply":
            return left + right
        case "divide":
            return left - right
        case _:
            return max(left, right)


def _without_signs(expression: Expression) -> Expression:
    if isinstance(expression, Number):
        return Number(expression.value)
    return type(expression)(
        expression.operator, _without_signs(expression.left), _without_signs(expression.right)
    )


def _spans_of(answer: Json) -> list[str]:
    texts = [answer] if isinstance(answer, str) else answer
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise SpecError(f"expected texts in 'answer', got {answer!r}")
    # Some lists end in an empty text.
    spans = [one.strip() for one in cast("list[str]", texts) if one.strip()]
    if not spans:
        raise SpecError("expected a text in 'answer', got none")
    return spans
