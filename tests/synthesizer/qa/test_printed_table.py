"""Printed tables: names of rows and columns, and which of several cells is meant."""

from fractions import Fraction

from astra_arena.synthesizer.qa.printed_table import Place, PrintedTable

TABLE = PrintedTable(
    [
        ["", "Years ended December 31,", ""],
        ["($ in millions)", "2019", "2018"],
        ["Assets:", "", ""],
        ["Cash", "$ 120", "80"],
        ["Total", "120", "80"],
        ["Liabilities:", "", ""],
        ["Loans", "(45)", "\u2014"],
        ["Total", "(45)", "80"],
        ["", "7", "8"],
    ]
)


def test_columns_are_called_by_all_headings_above_them() -> None:
    assert TABLE.headings == 3
    assert TABLE.column_labels == (
        "($ in millions) Assets:",
        "Years ended December 31, 2019",
        "2018",
    )


def test_rows_of_one_name_are_told_apart_by_what_they_stand_under() -> None:
    assert TABLE.row_labels[3:] == (
        "Cash",
        "Assets: Total",
        "Liabilities:",
        "Loans",
        "Liabilities: Total",
        "row 9",
    )


def test_figures_are_the_numbers_below_the_headings() -> None:
    assert TABLE.places_of(Fraction(-45)) == [Place(6, 1), Place(7, 1)]
    assert TABLE.places_of(Fraction(2019)) == []
    assert TABLE.numbers[Place(3, 1)].unit == "$"


def test_words_of_the_question_tell_which_cell_is_meant() -> None:
    eighty = TABLE.places_of(Fraction(80))
    assert TABLE.asked_for(eighty, "What was cash in 2018?") == [Place(3, 2)]
    assert TABLE.asked_for(eighty, "What were total liabilities in 2018?") == [Place(7, 2)]
    assert len(TABLE.asked_for(eighty, "What was it?")) == 3
    assert TABLE.asked_for(eighty, "What was it?", [Place(4, 1)]) == [Place(4, 2)]
    assert TABLE.asked_for([], "What was it?") == []


def test_every_table_has_figures_below_its_headings() -> None:
    bare = PrintedTable([["Item", "Value"], ["Cash", "12"]])
    assert bare.headings == 1
    assert bare.column_labels == ("Item", "Value")
    words = PrintedTable([["Name", "Title"], ["Ada Quill", "Director"]])
    assert words.headings == 1
    assert words.numbers == {}
    single = PrintedTable([["Cash", "12"]])
    assert single.headings == 0
    assert single.places_of(Fraction(12)) == [Place(0, 1)]
