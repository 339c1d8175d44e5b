"""What the stages with a model cost beside the model: instances per minute, and memory."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from astra_arena.synthesizer.qa.worlds.world_names import name_of
from astra_arena.synthesizer.shipped_data import shipped_questions
from benchmarks.figures import Figures

_PEAK = """
import resource, sys
from astra_arena.core.cli import run
*command, stages = sys.argv[1:]
code = max(run([*command, "--only", stage]) for stage in stages.split(","))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
SHIPPED = shipped_questions("strategyqa").parent / "authored"
Instance: TypeAlias = dict[str, object]

_JUDGED = ("decompose", "necessity", "judge", "verify")
_BUILT = ("synthesize", "merge")


def run(figures: Figures, folder: Path, *, quick: bool) -> None:
    """Add the figures: a scripted author, so nothing waits for a model."""
    # A quick run takes the four Chinese questions alone: they have a world of their own.
    instances = [
        one
        for one in map(json.loads, _lines(SHIPPED / "questions.jsonl"))
        if not quick or one.get("language") == "zh"
    ]
    for what, stages in (("verified", _JUDGED), ("merged", (*_JUDGED, *_BUILT))):
        few, many = (4, 8) if quick else (1_024, 10_016) if what == "verified" else (320, 2_016)
        peak: dict[int, float] = {}
        for count in (few, many):
            place = folder / f"{what}-{count}"
            source, transcript = _write_copies(place, instances, count)
            start = time.perf_counter()
            peak[count] = _peak_mib(source, transcript, place / "out", stages)
            minutes = (time.perf_counter() - start) / 60
        figures.add(f"instances until they are {what}", many / minutes, "1/min", target=">= 30")
        figures.add(f"peak memory, {few:,} instances {what}", peak[few], "MiB")
        figures.add(f"peak memory, {many:,} instances {what}", peak[many], "MiB")
    figures.add("instances until they are released", _released(folder, instances), "1/min")


def _released(folder: Path, instances: list[Instance]) -> float:
    """Take what ships through all stages and gates; return instances per minute."""
    source, transcript = _write_copies(folder / "released", instances, len(instances))
    start = time.perf_counter()
    _peak_mib(source, transcript, folder / "released" / "out", (*_JUDGED, *_BUILT, "emit"))
    return len(instances) / (time.perf_counter() - start) * 60


def _write_copies(place: Path, instances: list[Instance], count: int) -> tuple[Path, Path]:
    """Write so many copies of the instances, with the replies about each.

    Each round of copies is a field of its own: twins in one world would be refused.
    """
    place.mkdir()
    fields = {(str(one["domain"]), str(one.get("language", "en"))) for one in instances}
    worlds = {name_of(*field, 0): field for field in sorted(fields)}
    replies: dict[str, list[dict[str, object]]] = {}
    for line in map(json.loads, _lines(SHIPPED / "transcript.jsonl")):
        replies.setdefault(line["item"], []).append(line)
    source, transcript = place / "questions.jsonl", place / "transcript.jsonl"
    with source.open("w", encoding="utf-8") as told, transcript.open("w", encoding="utf-8") as said:
        for number in range(count):
            turn, place_in_turn = divmod(number, len(instances))
            instance = instances[place_in_turn]
            name = f"{instance['id']}-{number}"
            domain = f"{instance['domain']} {turn}"
            told.write(json.dumps({**instance, "id": name, "domain": domain}) + "\n")
            for line in replies[str(instance["id"])]:
                said.write(_about(line, name))
            for world, (field, language) in worlds.items() if place_in_turn == 0 else ():
                for line in replies[world]:
                    said.write(_about(line, name_of(f"{field} {turn}", language, 0)))
    return source, transcript


def _about(line: dict[str, object], item: str) -> str:
    return json.dumps({**line, "item": item}) + "\n"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _peak_mib(source: Path, transcript: Path, out: Path, stages: Sequence[str]) -> float:
    """Run the stages in a process of their own and return what it held at most."""
    command = [sys.executable, "-c", _PEAK, "synth", "qa", str(source), "--out", str(out)]
    command += ["--transcript", str(transcript), ",".join(stages)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stderr.split()[-1]) / 1024
