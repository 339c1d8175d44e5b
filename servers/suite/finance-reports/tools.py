"""Tools that find figures and passages of reports, and calculate.

They read and never write. Each takes the world, a connection to an SQLite database, and the keyword
arguments that its input schema describes. What an agent may see of a refusal is the message of a
`LookupError` or `ValueError` raised here.
"""

import sqlite3
from fractions import Fraction
from typing import TypeAlias

_MOST_ROWS = 20
Value: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Value]
_DECIMALS = 10


def _few(rows: list[Row], noun: str) -> list[Row]:
    """Return rows that were found, as long as there are some and not too many."""
    if not rows:
        raise LookupError(f"no {noun} is found with these words")
    if len(rows) > _MOST_ROWS:
        raise ValueError(f"more than {_MOST_ROWS} are found: say more exactly which {noun}")
    return rows


def _folded(words: str) -> str:
    """Return words as they are compared: in lower case, with single spaces."""
    return " ".join(words.lower().split())


def _require_report(world: sqlite3.Connection, report_id: str) -> None:
    """Refuse a report that does not exist."""
    found = world.execute("SELECT 1 FROM reports WHERE report_id = ?", (report_id,)).fetchone()
    if found is None:
        raise LookupError(f"there is no report {report_id!r}; find_reports searches")


def find_reports(world: sqlite3.Connection, *, title: str) -> dict[str, list[Row]]:
    """Find reports by words that follow each other in their title."""
    wanted = _folded(title)
    if not wanted:
        raise ValueError("title is empty")
    titles = world.execute("SELECT report_id, title FROM reports ORDER BY report_id").fetchall()
    found: list[Row] = [
        {"report_id": key, "title": name} for key, name in titles if wanted in _folded(name)
    ]
    return {"reports": _few(found, "report")}


def describe_table(world: sqlite3.Connection, *, report_id: str) -> dict[str, list[str]]:
    """List what the rows and columns of a report's table are called; no figures."""
    _require_report(world, report_id)
    rows, columns = (
        [
            str(label)
            for (label,) in world.execute(
                f"SELECT label FROM {table} WHERE report_id = ? ORDER BY position", (report_id,)
            ).fetchall()
        ]
        for table in ("table_rows", "table_columns")
    )
    return {"rows": rows, "columns": columns}


def find_cells(
    world: sqlite3.Connection, *, report_id: str, row: str, column: str
) -> dict[str, list[Row]]:
    """Find figures in a report's table by what their row and column are called."""
    _require_report(world, report_id)
    places = _labelled(world, "table_rows", report_id, row)
    above = _labelled(world, "table_columns", report_id, column)
    found: list[Row] = []
    for row_position, row_label in places:
        for column_position, column_label in above:
            cell = world.execute(
                "SELECT value, unit, text FROM cells WHERE report_id = ? "
                "AND row_position = ? AND column_position = ?",
                (report_id, row_position, column_position),
            ).fetchone()
            if cell is not None:
                labels: Row = {"row": row_label, "column": column_label}
                found.append({**labels, "value": cell[0], "unit": cell[1], "text": cell[2]})
    return {"cells": _few(found, "figure")}


def _labelled(
    world: sqlite3.Connection, table: str, report_id: str, words: str
) -> list[tuple[int, str]]:
    """Return rows or columns of just this name, else those whose name holds the words."""
    wanted = _folded(words)
    if not wanted:
        raise ValueError("row and column must not be empty")
    labels = world.execute(
        f"SELECT position, label FROM {table} WHERE report_id = ? ORDER BY position", (report_id,)
    ).fetchall()
    exact = [(position, label) for position, label in labels if _folded(label) == wanted]
    return exact or [(position, label) for position, label in labels if wanted in _folded(label)]


def search_passages(
    world: sqlite3.Connection, *, report_id: str, words: str
) -> dict[str, list[Row]]:
    """Find passages of a report's text that hold every one of some words, in any order."""
    _require_report(world, report_id)
    wanted = _folded(words).split()
    if not wanted:
        raise ValueError("words is empty")
    passages = world.execute(
        "SELECT passage, text FROM passages WHERE report_id = ? ORDER BY passage", (report_id,)
    ).fetchall()
    found: list[Row] = [
        {"passage": number, "text": text}
        for number, text in passages
        if all(word in _folded(text) for word in wanted)
    ]
    return {"passages": _few(found, "passage")}


def _exact(number: float) -> Fraction:
    """Return a number as it is written, so that 0.1 is a tenth."""
    return Fraction(repr(number))


def _result(value: Fraction) -> dict[str, float]:
    """Return a result, rounded to so many digits behind the point."""
    rounded = round(value, _DECIMALS)
    return {"result": rounded.numerator if rounded.denominator == 1 else float(rounded)}


def add(world: sqlite3.Connection, *, first: float, second: float) -> dict[str, float]:
    """Add two numbers."""
    return _result(_exact(first) + _exact(second))


def subtract(world: sqlite3.Connection, *, minuend: float, subtrahend: float) -> dict[str, float]:
    """Subtract the second number from the first."""
    return _result(_exact(minuend) - _exact(subtrahend))


def multiply(world: sqlite3.Connection, *, first: float, second: float) -> dict[str, float]:
    """Multiply two numbers."""
    return _result(_exact(first) * _exact(second))


def divide(world: sqlite3.Connection, *, dividend: float, divisor: float) -> dict[str, float]:
    """Divide the first number by the second."""
    if divisor == 0:
        raise ValueError("the divisor is 0")
    return _result(_exact(dividend) / _exact(divisor))


def percent_of(world: sqlite3.Connection, *, part: float, whole: float) -> dict[str, float]:
    """Say how many percent of the whole a part is."""
    if whole == 0:
        raise ValueError("the whole is 0")
    return _result(100 * _exact(part) / _exact(whole))


def percent_change(world: sqlite3.Connection, *, before: float, after: float) -> dict[str, float]:
    """Say by how many percent a number changed; a decrease is negative."""
    if before == 0:
        raise ValueError("the number before is 0")
    return _result(100 * (_exact(after) - _exact(before)) / _exact(before))


def average(
    world: sqlite3.Connection,
    *,
    first: float,
    second: float,
    third: float | None = None,
    fourth: float | None = None,
) -> dict[str, float]:
    """Take the average of two to four numbers."""
    given = [first, second, third, fourth]
    numbers = [_exact(number) for number in given if number is not None]
    return _result(sum(numbers, Fraction(0)) / len(numbers))
