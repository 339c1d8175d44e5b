"""How hard a task is, as measured: the record of it, and bands to choose tasks by."""

from dataclasses import dataclass

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError

MEASURED = "measured"
"""The key of a task's `difficulty` that holds the one number."""


@dataclass(frozen=True, slots=True)
class DifficultyBand:
    """The difficulties from `least` to `most`, both included; in [0, 1]."""

    least: float
    most: float

    def holds(self, difficulty: JsonObject) -> bool:
        """Tell whether a task with this `difficulty` was measured and lies in the band."""
        measured = measured_difficulty(difficulty)
        return measured is not None and self.least <= measured <= self.most


def measured_difficulty(difficulty: JsonObject) -> float | None:
    """Return how hard a task was for the solvers named there; `None` if it was not measured."""
    measured = difficulty.get(MEASURED)
    return float(measured) if isinstance(measured, int | float) else None


def difficulty_band(text: str) -> DifficultyBand:
    """Return the band that a text names.

    >>> difficulty_band("0.2..0.8")
    DifficultyBand(least=0.2, most=0.8)

    Raises:
        SettingsError: if it names none.
    """
    first, dots, last = text.partition("..")
    try:
        least, most = float(first or 0.0), float(last or 1.0)
    except ValueError:
        dots, least, most = "", 0.0, 0.0
    if not dots or not 0.0 <= least <= most <= 1.0:
        raise SettingsError(
            f"expected a band of difficulties like 0.2..0.8, between 0 and 1, got {text!r}"
        )
    return DifficultyBand(least, most)
