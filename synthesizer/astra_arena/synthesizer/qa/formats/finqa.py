"""FinQA and ConvFinQA: questions about a page of a report, with programs; one turn, or several."""

from collections.abc import Iterator
from fractions import Fraction

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import Decomposition, Operand, StatedAnswer
from astra_arena.synthesizer.qa.expression import evaluate, parse_expression
from astra_arena.synthesizer.qa.formats.format import (
    BadRecord,
    Origin,
    list_field,
    object_field,
    optional_text,
    text_field,
    texts_field,
)
from astra_arena.synthesizer.qa.formats.operations import run_program, run_python
from astra_arena.synthesizer.qa.instance import Paragraph, QAInstance, Table
from astra_arena.synthesizer.qa.number_text import number_text, plain_number
from astra_arena.synthesizer.qa.printed_table import PrintedTable
from astra_arena.synthesizer.qa.programs import ProgramBuilder
from astra_arena.synthesizer.qa.report_facts import ReportFacts

ROUNDING = Fraction(1, 100_000)
"""What programs give is stated with five decimals."""


class FinQaFormat:
    """Reads FinQA."""

    name = "finqa"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        qa = record.get("qa")
        return "pre_text" in record and isinstance(qa, dict) and "program" in qa

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instance of a record; see `Format.read`."""
        qa = object_field(record, "qa")
        page, key = _Page(record), optional_text(record, "id")
        question = text_field(qa, "question")
        value = qa.get("exe_ans", qa.get("answer"))
        answer, decomposition = page.answered(question, text_field(qa, "program"), value)
        yield page.instance(origin, key, question, answer, decomposition)


class ConvFinQaFormat:
    """Reads ConvFinQA; every turn is an instance of its own."""

    name = "convfinqa"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        annotation = record.get("annotation")
        return isinstance(annotation, dict) and "dialogue_break" in annotation

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instances of a record; see `Format.read`."""
        annotation = object_field(record, "annotation")
        key = optional_text(record, "id") or origin.identifier()
        page = _Page(record)
        questions = texts_field(annotation, "dialogue_break")
        programs = texts_field(annotation, "turn_program")
        answers = list_field(annotation, "exe_ans_list")
        if not len(questions) == len(programs) == len(answers):
            raise SpecError(
                f"expected as many programs and answers as turns, got {len(questions)} turns, "
                f"{len(programs)} programs, {len(answers)} answers"
            )
        said: list[str] = []
        turns = zip(questions, programs, answers, strict=True)
        for number, (question, program, value) in enumerate(turns, start=1):
            turn = f"{key}-turn-{number}"
            try:
                answer, decomposition = page.answered(question, program, value)
                made = page.instance(origin, turn, question, answer, decomposition)
                # What was asked before, without its answers: they are the gold of those turns.
                yield made.model_copy(update={"group": key, "context": " ".join(said)})
            except SpecError as error:
                yield BadRecord(error.message, turn)
            said.append(question)


class _Page:
    """The page of a report that questions are about."""

    def __init__(self, record: JsonObject) -> None:
        rows: list[Json] = []
        for row in list_field(record, "table"):
            if not isinstance(row, list):
                raise SpecError(f"expected rows as lists in 'table', got {row!r}")
            rows.append([str(one) for one in row])
        self.table = Table.from_json({"rows": rows}, what="table")
        texts = [
            (f"{place}-{number}", text)
            for place in ("pre_text", "post_text")
            for number, text in enumerate(texts_field(record, place), start=1)
        ]
        self.paragraphs = [
            Paragraph(id=name, text=text) for name, text in texts if text.strip(" .")
        ]

    def answered(
        self, question: str, program: str, value: Json
    ) -> tuple[StatedAnswer, Decomposition]:
        """Return the answer, and how the program gives it.

        Raises:
            SpecError: if it does not.
        """
        builder = ProgramBuilder()
        facts = ReportFacts(PrintedTable(self.table.rows), self.paragraphs, question, builder)
        last = _run(program, builder, facts)
        came = builder.value(last)
        answer = _answer(value)
        if isinstance(came, bool):
            if came is not answer.value:
                raise SpecError(f"the program gives {came}, but the answer is {value!r}")
        elif isinstance(answer.value, bool) or not isinstance(answer.value, int | float):
            raise SpecError(f"the program gives a number, but the answer is {value!r}")
        elif abs(came - Fraction(repr(answer.value))) > ROUNDING:
            raise SpecError(f"the program gives {float(came):g}, but the answer is {answer.value}")
        return answer, builder.decomposition(last)

    def instance(
        self,
        origin: Origin,
        key: str,
        question: str,
        answer: StatedAnswer,
        decomposition: Decomposition,
    ) -> QAInstance:
        return QAInstance(
            id=origin.identifier(key),
            question=question,
            answer=answer,
            language=origin.language,
            translated=origin.translated,
            domain=origin.domain or "finance",
            group=key,
            paragraphs=tuple(self.paragraphs),
            table=self.table,
            decomposition=decomposition,
            source=origin.record(key),
        )


def _run(program: str, builder: ProgramBuilder, facts: ReportFacts) -> Operand:
    text = program.strip()
    if "=" in text:
        return run_python(text, builder, facts)
    if "(" in text and text[0].isalpha():
        return run_program(text, builder, facts)
    # A turn that only asks for a number has that number as its program.
    expression = parse_expression(text)
    facts.expect([evaluate(expression)])
    return builder.expression(expression, facts.number)


def _answer(value: Json) -> StatedAnswer:
    if isinstance(value, str) and value.strip().lower() in ("yes", "no"):
        return StatedAnswer(kind="exact", value=value.strip().lower() == "yes")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise SpecError(f"expected a number, yes or no as the answer, got {value!r}")
    number = evaluate(parse_expression(str(value)))
    return StatedAnswer(
        kind="number", value=plain_number(Fraction(number_text(number))), tolerance=float(ROUNDING)
    )
