"""Tools that look numbers of stories up, and calculate.

They read and never write. Each takes the world, a connection to an SQLite database, and the keyword
arguments that its input schema describes. What an agent may see of a refusal is the message of a
`LookupError` or `ValueError` raised here.
"""

import sqlite3
from fractions import Fraction
from typing import TypeAlias

Value: TypeAlias = str | int | float | None
_DECIMALS = 10


def read_quantity(world: sqlite3.Connection, *, story_id: str, quantity: str) -> dict[str, Value]:
    """Read the number that stands for a letter in a story."""
    found = world.execute(
        "SELECT value FROM quantities WHERE story_id = ? AND quantity = ?", (story_id, quantity)
    ).fetchone()
    if found is None:
        raise LookupError(f"story {story_id!r} has no quantity {quantity!r}")
    return {"story_id": story_id, "quantity": quantity, "value": found[0]}


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
