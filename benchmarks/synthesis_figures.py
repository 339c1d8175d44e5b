"""Environments and tasks synthesised per minute from the shipped flights data; a large table."""

import resource
import subprocess
import sys
import time
from pathlib import Path

from astra_arena.servers import Bundle
from astra_arena.synthesizer.demo import SHIPPED_DATA
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from benchmarks.figures import Figures
from benchmarks.large_tables import write_large_tables


def run(figures: Figures, folder: Path, *, quick: bool) -> Bundle:
    """Add the synthesis figures; returns the flights bundle for the others."""
    options = TableOptions(tasks=120)
    if quick:
        options = TableOptions(gates=QUICK_GATES, tasks=12, max_rows=2_000)
    start = time.perf_counter()
    made = synthesize_tables(SHIPPED_DATA, folder / "flights", options)
    minutes = (time.perf_counter() - start) / 60
    figures.add("environments synthesised", 1 / minutes, "1/min")
    figures.add("tasks synthesised", len(made.bundle.tasks) / minutes, "1/min")
    if quick:
        _large(figures, folder, rows=5_000, tasks=6)
    else:
        _large(figures, folder, rows=1_000_000, tasks=30)
    return made.bundle


def _large(figures: Figures, folder: Path, *, rows: int, tasks: int) -> None:
    """Synthesise from a million orders in processes of their own, whose memory is then known."""
    source = write_large_tables(folder / "large", rows=rows)
    command = [sys.executable, "-c", "from astra_arena.core.cli import main; main()"]
    command += ["synth", "table", str(source), "--out", str(folder / "large-bundle")]
    start = time.perf_counter()
    command += ["--tasks", str(tasks), "--gates", "quick"]
    subprocess.run(command, check=True, capture_output=True)
    took = time.perf_counter() - start
    figures.add(f"synthesis from {rows:,} orders, {tasks} tasks", took, "s")
    # Of the largest process that was waited for: the one above, or one that it waited for itself.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    figures.add(f"peak memory of one process, {rows:,} orders", peak, "MiB", target="<= 1,536")
