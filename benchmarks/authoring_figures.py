"""What the stages with a model cost beside the model: instances per minute, and memory."""

import json
import subprocess
import sys
import time
from pathlib import Path

from astra_arena.synthesizer.shipped_data import shipped_questions
from benchmarks.figures import Figures

# Copies of one question would fill worlds with twins, so these stop before worlds are built.
_PEAK = """
import resource, sys
from astra_arena.core.cli import run
stages = ("decompose", "necessity", "judge", "verify")
code = max(run([*sys.argv[1:], "--only", stage]) for stage in stages)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def run(figures: Figures, folder: Path, *, quick: bool) -> None:
    """Add the figures: a scripted author, so nothing waits for a model."""
    few, many = (20, 40) if quick else (1_000, 10_000)
    peak: dict[int, float] = {}
    for count in (few, many):
        place = folder / f"authoring-{count}"
        source, transcript = _write_copies(place, count)
        start = time.perf_counter()
        peak[count] = _peak_mib(source, transcript, place / "out")
        minutes = (time.perf_counter() - start) / 60
    figures.add("instances through the stages", many / minutes, "1/min", target=">= 30")
    figures.add(f"peak memory, {few:,} instances", peak[few], "MiB")
    figures.add(f"peak memory, {many:,} instances", peak[many], "MiB")


def _write_copies(place: Path, count: int) -> tuple[Path, Path]:
    """Write so many copies of the shipped questions, with the replies about each."""
    place.mkdir()
    shipped = shipped_questions("strategyqa").parent / "authored"
    instances = [json.loads(line) for line in _lines(shipped / "questions.jsonl")]
    replies: dict[str, list[dict[str, object]]] = {}
    for line in map(json.loads, _lines(shipped / "transcript.jsonl")):
        replies.setdefault(line["item"], []).append(line)
    source, transcript = place / "questions.jsonl", place / "transcript.jsonl"
    with source.open("w", encoding="utf-8") as told, transcript.open("w", encoding="utf-8") as said:
        for number in range(count):
            instance = instances[number % len(instances)]
            name = f"{instance['id']}-{number}"
            told.write(json.dumps({**instance, "id": name}) + "\n")
            for line in replies[instance["id"]]:
                said.write(json.dumps({**line, "item": name}) + "\n")
    return source, transcript


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _peak_mib(source: Path, transcript: Path, out: Path) -> float:
    """Run the stages in a process of their own and return what it held at most."""
    command = [sys.executable, "-c", _PEAK, "synth", "qa", str(source), "--out", str(out)]
    command += ["--transcript", str(transcript)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stderr.split()[-1]) / 1024
