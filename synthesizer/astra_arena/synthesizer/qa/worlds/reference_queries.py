"""Runs reference queries: what a sub-question's answer is, by the data and apart from any tool.

They are written by a model and run here, so they may read rows and nothing else, in bounded time
and space, and nothing in them may depend on anything but the data.
"""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from astra_arena.core.canonical import Json, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import StatedAnswer
from astra_arena.synthesizer.qa.worlds.grown import ANSWER_LISTS

MOST_STEPS = 5_000_000
"""Virtual-machine steps of SQLite."""
MOST_BYTES = 1_000_000
"""Of one value."""
MOST_VALUES = 200
"""In one answer."""
_EVERY = 10_000
_FUNCTIONS = frozenset(
    "abs avg ceil coalesce count date floor group_concat ifnull iif instr json_array_length "  # noqa: SIM905 - a list of words
    "json_each json_extract julianday length like lower ltrim max min mod nullif pow power "
    "replace round rtrim sqrt strftime substr sum total trim upper".split()
)
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_TEXTS = re.compile(r"'(?:[^']|'')*'")
_NOW = re.compile(r"'\s*now\s*'|\bcurrent_(?:date|time|timestamp)\b", re.IGNORECASE)
_PARAMETER = re.compile(r":(q\w*)")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a query came to."""

    values: tuple[Json, ...]
    """Of its only column, row by row."""
    tables: frozenset[str]
    """Of the world, that it read."""


def parameter_of(step: str) -> str:
    """Return how a query writes the answer of a sub-question."""
    return step.replace("-", "_")


def parameters_in(sql: str) -> set[str]:
    """Return which answers a query takes.

    >>> sorted(parameters_in("SELECT ':q9', :q1 - :q2"))
    ['q1', 'q2']
    """
    return set(_PARAMETER.findall(_TEXTS.sub("''", sql)))


def run_query(database: sqlite3.Connection, sql: str, answers: Mapping[str, Json]) -> Answered:
    """Run a reference query.

    Args:
        database: The world; only read.
        sql: One SELECT of one column.
        answers: Of the sub-questions that it may take, by id.

    Raises:
        SpecError: in words for the model, if it cannot be run or does too much.
    """
    if _NOW.search(sql):
        raise SpecError("a query must not depend on the time at which it runs")
    guard = _Guard(database)
    given = {parameter_of(name): _bound(value) for name, value in answers.items()}
    try:
        with guard:
            rows = database.execute(sql, given).fetchmany(MOST_VALUES + 1)
    except (sqlite3.Error, sqlite3.Warning, MemoryError, OverflowError, ValueError) as error:
        raise SpecError(guard.refused or f"the query fails: {error}") from None
    if len(rows) > MOST_VALUES:
        raise SpecError(f"expected up to {MOST_VALUES} rows, got more")
    widths = {len(row) for row in rows}
    if widths - {1}:
        raise SpecError(f"expected a query of one column, got {max(widths)}")
    values = [row[0] for row in rows]
    if any(isinstance(value, bytes) for value in values):
        raise SpecError("expected texts and numbers, got bytes")
    return Answered(tuple(values), frozenset(guard.tables))


class _Guard:
    """Lets a statement read rows, for a while."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._steps = 0
        self.tables: set[str] = set()
        self.refused = ""

    def __enter__(self) -> None:
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
        self._database.set_authorizer(self._authorize)
        self._database.set_progress_handler(self._tick, _EVERY)

    def __exit__(self, *_: object) -> None:
        self._database.set_authorizer(None)
        self._database.set_progress_handler(None, 0)

    def _authorize(
        self, action: int, first: str | None, second: str | None, where: str | None, by: str | None
    ) -> int:
        del where, by
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
            return sqlite3.SQLITE_OK
        if action not in _ALLOWED:
            is_call = action == sqlite3.SQLITE_FUNCTION
            self.refused = (
                f"a query may not use the function {second}"
                if is_call
                else "expected one SELECT, which only reads rows of the tables"
            )
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ and first and first != "json_each":
            self.tables.add(first)
        return sqlite3.SQLITE_OK

    def _tick(self) -> int:
        self._steps += _EVERY
        if self._steps > MOST_STEPS:
            self.refused = "the query takes too long"
            return 1
        return 0


def _bound(value: Json) -> str | int | float | None:
    match value:
        case bool():
            return int(value)
        case str() | int() | float() | None:
            return value
        case _:
            return canonical_bytes(value).decode("ascii")


def as_answer(came: Answered, stated: StatedAnswer) -> Json:
    """Return what a query came to in the form of the answer that is stated.

    Raises:
        SpecError: in words for the model, if it has another form.
    """
    if stated.kind in ANSWER_LISTS:
        return list(came.values)
    if len(came.values) != 1:
        raise SpecError(f"expected a query that gives one row, got {len(came.values)} rows")
    (value,) = came.values
    if isinstance(stated.value, bool) and value in (0, 1):
        return bool(value)
    return value
