"""The task of a question about a report: look-ups, calculations and the answer in words."""

from collections.abc import Sequence
from fractions import Fraction

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import Answer, AnswerKind, FinalAnswer, RowSelector, SubQuestion
from astra_arena.synthesizer.qa.decomposition import CellSource, QuestionNode, SpanSource
from astra_arena.synthesizer.qa.environments.arithmetic_tools import ALL
from astra_arena.synthesizer.qa.environments.call_program import CallProgram
from astra_arena.synthesizer.qa.environments.question_world import NEEDS_MODEL, PlannedTask, worded
from astra_arena.synthesizer.qa.environments.report_schemas import (
    FIND_CELLS,
    FIND_REPORTS,
    SEARCH_PASSAGES,
)
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.number_text import plain_number
from astra_arena.synthesizer.qa.printed_table import Place, PrintedTable, words_of

MOST_SPAN_WORDS = 8
"""An answer of more words can be told in many ways; a rule cannot compare them."""
MOST_FOUND = 5
MOST_RIVALS = 12
_MOST_GIVEN = 12
_HUNDRED = Fraction(100)
_REPORT = "report"
_BY_NUMBER: dict[Language, str] = {
    "en": "In report {report}: {question}{unit}",
    "zh": "在报告 {report} 中：{question}{unit}",
}
_BY_TITLE: dict[Language, str] = {
    "en": "In the report titled “{report}”: {question}{unit}",
    "zh": "在题为“{report}”的报告中：{question}{unit}",
}
_UNITS: dict[Language, dict[str, str]] = {
    "en": {
        "percent": " Answer in percent.",
        "thousand": " Answer in thousands.",
        "million": " Answer in millions.",
        "billion": " Answer in billions.",
    },
    "zh": {
        "percent": "请以百分比作答。",
        "thousand": "请以千为单位作答。",
        "million": "请以百万为单位作答。",
        "billion": "请以十亿为单位作答。",
    },
}
_LITTLE = frozenset(
    {
        *("the", "a", "an", "of", "in", "to", "for", "and", "or", "by", "on", "at", "from", "with"),
        *("is", "are", "was", "were", "be", "been", "has", "have", "had", "do", "does", "did"),
        *("what", "which", "how", "much", "many", "as", "it", "its", "that", "this", "these"),
        *("company", "year"),
    }
)
"""Words that say little about where an answer stands."""


class ReportQuestions:
    """Makes the task of one question.

    Args:
        instance: The question.
        environment: The environment's name.
        report: The report's number.
        title: The title by which the report has to be found; `None` when its number is told.
    """

    def __init__(
        self, instance: QAInstance, environment: str, report: str, title: str | None
    ) -> None:
        if instance.decomposition is None or instance.table is None:
            raise SpecError(f"{NEEDS_MODEL}it lacks {instance.missing or 'a table'}")
        self._instance = instance
        self._decomposition = instance.decomposition
        self._environment = environment
        self._report = report
        self._title = title
        self._table = PrintedTable(instance.table.rows)

    def plan(self) -> PlannedTask:
        """Return the task.

        Raises:
            SpecError: saying why there is none.
        """
        program = CallProgram(self._decomposition, frozenset(tool.name for tool in ALL))
        self._require_known_numbers(program)
        facts = {node.id: self._fact(node, program) for node in program.facts}
        questions = program.questions(self._environment, facts)
        if self._title is not None:
            questions = (self._found_report(self._title), *questions)
        return PlannedTask(self._said(), questions, self._final(questions))

    def _said(self) -> str:
        language = self._instance.language
        words = _BY_NUMBER if self._title is None else _BY_TITLE
        return worded(
            words,
            language,
            report=self._title or self._report,
            question=f"{self._instance.context} {self._instance.question}".strip(),
            unit=_UNITS[language].get(self._instance.answer.unit, ""),
        )

    def _require_known_numbers(self, program: CallProgram) -> None:
        """Numbers that are not looked up must be plain from the question: counts, a whole."""
        for name, step in program.steps.items():
            for operand in step.operands:
                given = None if operand.number is None else Fraction(operand.number)
                if given is None or given == _HUNDRED:
                    continue
                if given == -1:
                    raise SpecError("the table gives a figure with the other sign")
                if given.denominator != 1 or not 0 < given <= _MOST_GIVEN:
                    raise SpecError(f"the number {plain_number(given)} of {name} stands nowhere")

    def _found_report(self, title: str) -> SubQuestion:
        return SubQuestion(
            id=_REPORT,
            question=f"Which report is titled “{title}”?",
            environment=self._environment,
            tool=FIND_REPORTS.name,
            arguments={"title": title},
            answer=Answer(
                path="/reports/0/report_id",
                where=RowSelector(
                    rows="/reports", equals={"title": title}, field="/report_id", gold_rows=1
                ),
                kind="exact",
                value=self._report,
            ),
        )

    def _fact(self, node: QuestionNode, program: CallProgram) -> SubQuestion:
        match node.source:
            case CellSource(row=row, column=column):
                return self._cell(node, Place(row, column))
            case SpanSource() if not program.steps:
                return self._passage(node, node.source)
            case SpanSource():
                raise SpecError(f"{NEEDS_MODEL}{node.id} is to be read out of a sentence")
            case _:
                raise SpecError(f"{NEEDS_MODEL}{node.id} has no place in the report")

    def _cell(self, node: QuestionNode, place: Place) -> SubQuestion:
        held = self._table.numbers.get(place)
        if held is None:
            raise SpecError(f"{NEEDS_MODEL}the answer is a name in the table, not a figure")
        known = [
            Place(one.source.row, one.source.column)
            for one in self._decomposition.nodes
            if isinstance(one.source, CellSource) and one.id != node.id
        ]
        alike = self._table.places_of(held.value)
        if self._table.asked_for(alike, self._instance.question, known) != [place]:
            raise SpecError(
                f"the figure {plain_number(held.value)} stands in {len(alike)} cells, and which is "
                "meant is not clear"
            )
        row, column = self._table.row_labels[place.row], self._table.column_labels[place.column]
        return self._asked(
            node.id,
            node.question,
            FIND_CELLS.name,
            {"row": row, "column": column},
            Answer(
                path="/cells/0/value",
                where=RowSelector(
                    rows="/cells",
                    equals={"row": row, "column": column},
                    field="/value",
                    gold_rows=1,
                ),
                kind="number",
                value=plain_number(held.value),
            ),
        )

    def _passage(self, node: QuestionNode, source: SpanSource) -> SubQuestion:
        texts = [one.text for one in self._instance.paragraphs]
        number = next(
            (n for n, one in enumerate(self._instance.paragraphs) if one.id == source.text), None
        )
        if number is None:
            raise SpecError(f"{NEEDS_MODEL}{node.id} has no place in the report")
        words, found = self._telling_words(texts, number)
        return self._asked(
            node.id,
            f"Which passage answers: {self._instance.question.strip()}",
            SEARCH_PASSAGES.name,
            {"words": words},
            Answer(
                path=f"/passages/{found.index(number)}/text",
                where=RowSelector(
                    rows="/passages",
                    equals={"passage": number + 1},
                    field="/text",
                    gold_rows=len(found),
                ),
                kind="text",
                value=texts[number],
            ),
        )

    def _telling_words(self, texts: list[str], wanted: int) -> tuple[str, list[int]]:
        """Return words of the question that find the passage, with few others."""
        asked = dict.fromkeys(
            word for word in words_of(self._instance.question) if word not in _LITTLE
        )
        held = [" ".join(text.lower().split()) for text in texts]
        inside = [word for word in asked if len(word) > 1 and word in held[wanted]]
        inside.sort(key=lambda word: sum(word in text for text in held))
        for count in range(1, len(inside) + 1):
            chosen = inside[:count]
            found = [n for n, text in enumerate(held) if all(word in text for word in chosen)]
            if len(found) == 1 or (count == len(inside) and len(found) <= MOST_FOUND):
                return " ".join(chosen), found
        raise SpecError("the question's own words do not find the passage")

    def _asked(
        self, name: str, question: str, tool: str, arguments: JsonObject, answer: Answer
    ) -> SubQuestion:
        report: Json = self._report if self._title is None else {"$from": _REPORT, "path": ""}
        return SubQuestion(
            id=name,
            question=question,
            environment=self._environment,
            tool=tool,
            arguments={"report_id": report, **arguments},
            depends_on=() if self._title is None else (_REPORT,),
            answer=answer,
        )

    def _final(self, questions: tuple[SubQuestion, ...]) -> FinalAnswer:
        answer = self._instance.answer
        values = {one.id: one.answer.value for one in questions}
        came = [values[name] for name in self._decomposition.final_ids]
        if answer.kind == "number":
            _require_near(came[0], answer.value, answer.tolerance)
            return FinalAnswer(kind="number", value=answer.value, tolerance=answer.tolerance)
        if answer.kind == "list":
            if came != answer.value:
                raise SpecError(f"the cells hold {came}, but the answer is {answer.value}")
            return FinalAnswer(kind="list", value=answer.value)
        spans = answer.value if isinstance(answer.value, list) else [answer.value]
        longest = max(len(str(span).split()) for span in spans)
        if longest > MOST_SPAN_WORDS:
            raise SpecError(
                f"{NEEDS_MODEL}the answer has {longest} words, more than a rule can compare"
            )
        kind: AnswerKind = "set" if isinstance(answer.value, list) else "text"
        return FinalAnswer(kind=kind, value=answer.value, rivals=self._rivals(spans))

    def _rivals(self, spans: Sequence[Json]) -> tuple[Json, ...]:
        """Return names in the report that are none of the answer's: who lists them, guesses."""
        right = [str(span).casefold() for span in spans]
        names = [label for label in self._table.row_labels if len(label.split()) > 1]
        others = [
            name
            for name in names
            if not any(name.casefold() in one or one in name.casefold() for one in right)
        ]
        return tuple(others[:MOST_RIVALS])


def _require_near(came: Json, stated: Json, tolerance: float) -> None:
    if not isinstance(came, int | float) or not isinstance(stated, int | float):
        raise SpecError(f"expected numbers, got {came!r} and {stated!r}")
    if abs(Fraction(repr(came)) - Fraction(repr(stated))) > Fraction(repr(tolerance)):
        raise SpecError(f"the program gives {came}, but the answer is {stated}")
