"""Figures: a value, its unit and the floor that it is compared with; printed, and as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure."""

    value: float
    unit: str
    floor: float | None = None
    """The same thing done by the least that could do it, in the same unit and run."""
    target: str = ""

    @property
    def ratio(self) -> float | None:
        """Value over floor."""
        return self.value / self.floor if self.floor else None


@dataclass(slots=True)
class Figures:
    """All figures of a run, by name."""

    rows: dict[str, Figure] = field(default_factory=dict[str, Figure])

    def add(
        self, name: str, value: float, unit: str, *, floor: float | None = None, target: str = ""
    ) -> None:
        """Note one figure."""
        self.rows[name] = Figure(value, unit, floor, target)

    def write(self, path: Path) -> None:
        """Write the flat map: name → {value, unit, floor, ratio}."""
        data = {
            name: {"value": row.value, "unit": row.unit, "floor": row.floor, "ratio": row.ratio}
            for name, row in self.rows.items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")

    def show(self) -> None:
        """Print the table."""
        table = Table(title=machine(), title_style="dim", title_justify="left")
        table.add_column("figure")
        for heading in ("value", "unit", "floor", "ratio", "target"):
            table.add_column(heading, justify="right")
        for name, row in self.rows.items():
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            floor = "" if row.floor is None else _number(row.floor)
            table.add_row(name, _number(row.value), row.unit, floor, ratio, row.target)
        Console().print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def machine() -> str:
    """Name what the figures were measured on, and how busy it was."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.1f}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def p50(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)
