"""Environments and tasks synthesised per minute from the shipped flights data."""

import time
from pathlib import Path

from astra_arena.servers import Bundle
from astra_arena.synthesizer.demo import SHIPPED_DATA
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from benchmarks.figures import Figures


def run(figures: Figures, folder: Path, *, quick: bool) -> Bundle:
    """Add the synthesis figures; returns the flights bundle for the others."""
    tasks = 12 if quick else 120
    start = time.perf_counter()
    made = synthesize_tables(SHIPPED_DATA, folder / "flights", TableOptions(tasks=tasks))
    minutes = (time.perf_counter() - start) / 60
    figures.add("environments synthesised", 1 / minutes, "1/min")
    figures.add("tasks synthesised", len(made.bundle.tasks) / minutes, "1/min")
    return made.bundle
