"""Tools over stories whose numbers are kept apart, as they run in the sandbox.

This module is read as text, function by function; it stands here as code so that it is checked and
formatted like any other. It was written without any question in sight.
"""

import sqlite3
from typing import TypeAlias

Value: TypeAlias = str | int | float | None


def read_quantity(world: sqlite3.Connection, *, story_id: str, quantity: str) -> dict[str, Value]:
    """Read the number that stands for a letter in a story."""
    found = world.execute(
        "SELECT value FROM quantities WHERE story_id = ? AND quantity = ?", (story_id, quantity)
    ).fetchone()
    if found is None:
        raise LookupError(f"story {story_id!r} has no quantity {quantity!r}")
    return {"story_id": story_id, "quantity": quantity, "value": found[0]}
