"""Tools that calculate, as they run in the sandbox.

This module is read as text, function by function; it stands here as code so that it is checked and
formatted like any other. It was written without any question in sight.
"""

import sqlite3
from fractions import Fraction

_DECIMALS = 10


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
