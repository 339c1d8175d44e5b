"""CPU time and memory of processes, as the kernel counts them."""

import os
from pathlib import Path

from benchmarks.memory_figures import process_tree

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, all its threads together."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def children_cpu_seconds(root: int) -> float:
    """Return the CPU time that the descendants of a process have used."""
    total = 0.0
    for pid in process_tree(root):
        if pid != root:
            try:
                total += cpu_seconds(pid)
            except OSError:
                continue
    return total


def resident_mib(pid: int) -> float:
    """Return the memory of one process that is its own, its page tables included, in MiB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    fields = [line.split() for line in (rollup + status).splitlines()]
    kib = {parts[0]: int(parts[1]) for parts in fields if len(parts) == 3 and parts[1].isdigit()}
    return (kib["Pss:"] + kib["VmPTE:"]) / 1024


def open_descriptors(pid: int) -> int:
    """Return how many descriptors a process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))
