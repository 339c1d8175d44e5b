"""Moments are compared as texts, so those of one column must be written alike."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing

import pytest

from astra_arena.synthesizer.sources.column_types import TypeGuess
from astra_arena.synthesizer.sources.sqlite_tables import describe_tables
from astra_arena.synthesizer.sources.table_info import LogicalType

MOMENTS: tuple[tuple[tuple[str, ...], LogicalType], ...] = (
    (("2020-03-01T10:00:00Z", "2020-03-02T11:30:00Z"), "datetime"),
    (("2020-03-01 10:00", "2020-03-02 11:30"), "datetime"),
    (("2020-03-01T10:00:00+09:00", "2020-03-02T11:30:00+09:00"), "datetime"),
    (("2020-03-01T10:00:00+09:00", "2020-03-02T11:30:00-09:00"), "text"),
    (("2020-03-01T10:00:00Z", "2020-03-02T11:30:00"), "text"),
    (("2020-03-01T10:00:00Z", "2020-03-02 11:30:00Z"), "text"),
    (("2020-03-01T10:00:00.5Z", "2020-03-02T11:30:00.25Z"), "text"),
    (("2020-03-01", "2020-03-02T11:30:00Z"), "text"),
)


def guessed(fields: Iterable[str]) -> LogicalType:
    guess = TypeGuess()
    for field in fields:
        guess.see(field)
    return guess.logical_type


def described(fields: Iterable[str]) -> LogicalType:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (at TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [(field,) for field in fields])
        return describe_tables(connection)[0].columns[0].logical_type


@pytest.mark.parametrize(("fields", "expected"), MOMENTS)
def test_moments_in_one_notation_alone_are_moments(
    fields: tuple[str, ...], expected: LogicalType
) -> None:
    assert guessed(fields) == guessed(reversed(fields)) == expected
    assert described(fields) == described(reversed(fields)) == expected
