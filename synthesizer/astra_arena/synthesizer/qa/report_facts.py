"""Finds the facts of a report, in its table or its texts, that a question's program works on."""

import re
from collections.abc import Sequence
from fractions import Fraction

from astra_arena.synthesizer.qa.decomposition import CellSource, Operand, SpanSource
from astra_arena.synthesizer.qa.expression import Number
from astra_arena.synthesizer.qa.instance import Paragraph
from astra_arena.synthesizer.qa.number_text import numbers_in_text
from astra_arena.synthesizer.qa.printed_table import Place, PrintedTable
from astra_arena.synthesizer.qa.programs import ProgramBuilder, given


class ReportFacts:
    """Looks the facts of one question up.

    Args:
        table: The report's table.
        paragraphs: Its texts, those that support the answer first.
        question: What is asked.
        builder: Takes what is found.
    """

    def __init__(
        self,
        table: PrintedTable,
        paragraphs: Sequence[Paragraph],
        question: str,
        builder: ProgramBuilder,
    ) -> None:
        self._table = table
        self._paragraphs = paragraphs
        self._question = question
        self._builder = builder
        self._known: list[Place] = []

    def expect(self, values: Sequence[Fraction]) -> None:
        """Take note of all numbers that will be looked up.

        Those that stand in one cell alone help to tell where the others stand.
        """
        for value in values:
            places = self._table.places_of(value)
            if len(places) == 1:
                self._known += places

    def number(self, number: Number, *, percent_counts: bool = True) -> Operand:
        """Return what a number of a program stands for: a cell, a number in a text, or itself.

        Args:
            number: As the program writes it.
            percent_counts: Whether `5%` means 0.05; else the sign is only a unit.
        """
        if number.explained:
            return given(number.worth)
        found = (
            self.cell(number.value)
            or self._in_text(number.value)
            or self._with_other_sign(number.value)
        )
        meant = number.percent and percent_counts
        if found is None:
            return given(number.worth if meant else number.value)
        if meant:
            return self._builder.step("divide", (found, given(Fraction(100))))
        return found

    def cell(self, value: Fraction) -> Operand | None:
        """Return the cell that holds a number, the likeliest of several."""
        places = self._table.asked_for(self._table.places_of(value), self._question, self._known)
        return self.at(places[0]) if places else None

    def at(self, place: Place) -> Operand:
        """Return the fact that stands in a cell with a number."""
        held = self._table.numbers[place]
        return self._builder.fact(
            self._asked(place),
            held.value,
            CellSource(kind="cell", row=place.row, column=place.column),
            unit=held.unit,
        )

    def row(self, label: str) -> list[Operand]:
        """Return the numbers of a row, by its name; empty when there is none such."""
        wanted = " ".join(label.split()).casefold()
        names = [name.casefold() for name in self._table.row_labels]
        if wanted not in names:
            return []
        row = names.index(wanted)
        return [self.at(place) for place in sorted(self._table.numbers) if place.row == row]

    def text(self, answer: str, *, from_table: bool = True) -> Operand | None:
        """Return the place of an answer in words; `None` when it stands nowhere."""
        places = self._table.texts_like(answer) if from_table else []
        if places:
            chosen = self._table.asked_for(places, self._question)[0]
            source = CellSource(kind="cell", row=chosen.row, column=chosen.column)
            return self._builder.text_fact(self._asked(chosen), answer, source)
        pattern = re.compile(r"\s+".join(map(re.escape, answer.split())), re.IGNORECASE)
        for paragraph in self._paragraphs:
            found = pattern.search(paragraph.text)
            if found:
                span = SpanSource(
                    kind="span", text=paragraph.id, start=found.start(), end=found.end()
                )
                return self._builder.text_fact(self._question, answer, span)
        return None

    def _with_other_sign(self, value: Fraction) -> Operand | None:
        """Return a number that the table gives with the other sign, as costs often are."""
        found = self.cell(-value) if value else None
        return found and self._builder.step("multiply", (found, given(Fraction(-1))))

    def _in_text(self, value: Fraction) -> Operand | None:
        for paragraph in self._paragraphs:
            for one in numbers_in_text(paragraph.text):
                if one.value == value and not one.is_word:
                    around = _around(paragraph.text, one.start, one.end)
                    return self._builder.fact(
                        f"What number does the text give in “{around}”?",
                        value,
                        SpanSource(kind="span", text=paragraph.id, start=one.start, end=one.end),
                        unit="%" if one.percent else "",
                    )
        return None

    def _asked(self, place: Place) -> str:
        row, column = self._table.row_labels[place.row], self._table.column_labels[place.column]
        return f"What does the table say of “{row}” under “{column}”?"


def _around(text: str, start: int, end: int) -> str:
    before = text[max(0, start - 50) : start].split(" ", 1)[-1]
    after = text[end : end + 50].rsplit(" ", 1)[0]
    return f"{before}…{after}"
