"""What the stages with a model cost beside the model: instances per minute, and memory."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

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
_JUDGED = ("decompose", "necessity", "judge", "verify")
_BUILT = ("synthesize", "merge")


def run(figures: Figures, folder: Path, *, quick: bool) -> None:
    """Add the figures: a scripted author, so nothing waits for a model."""
    for what, stages in (("verified", _JUDGED), ("merged", (*_JUDGED, *_BUILT))):
        few, many = (32, 64) if quick else (1_024, 10_016) if what == "verified" else (320, 2_016)
        peak: dict[int, float] = {}
        for count in (few, many):
            place = folder / f"{what}-{count}"
            source, transcript = _write_copies(place, count)
            start = time.perf_counter()
            peak[count] = _peak_mib(source, transcript, place / "out", stages)
            minutes = (time.perf_counter() - start) / 60
        figures.add(f"instances until they are {what}", many / minutes, "1/min", target=">= 30")
        figures.add(f"peak memory, {few:,} instances {what}", peak[few], "MiB")
        figures.add(f"peak memory, {many:,} instances {what}", peak[many], "MiB")
    figures.add("shipped instances until they are released", _released(folder), "1/min")


def _released(folder: Path) -> float:
    """Take what ships through all stages and gates; return instances per minute."""
    shipped = shipped_questions("strategyqa").parent / "authored"
    source, transcript = shipped / "questions.jsonl", shipped / "transcript.jsonl"
    start = time.perf_counter()
    _peak_mib(source, transcript, folder / "released", (*_JUDGED, *_BUILT, "emit"))
    return len(_lines(source)) / (time.perf_counter() - start) * 60


def _write_copies(place: Path, count: int) -> tuple[Path, Path]:
    """Write so many copies of the shipped questions, with the replies about each.

    Each round of copies is a field of its own: twins in one world would be refused.
    """
    place.mkdir()
    shipped = shipped_questions("strategyqa").parent / "authored"
    instances = [json.loads(line) for line in _lines(shipped / "questions.jsonl")]
    worlds = {
        name_of(one["domain"], one.get("language", "en"), 0): (
            one["domain"],
            one.get("language", "en"),
        )
        for one in instances
    }
    replies: dict[str, list[dict[str, object]]] = {}
    for line in map(json.loads, _lines(shipped / "transcript.jsonl")):
        replies.setdefault(line["item"], []).append(line)
    source, transcript = place / "questions.jsonl", place / "transcript.jsonl"
    with source.open("w", encoding="utf-8") as told, transcript.open("w", encoding="utf-8") as said:
        for number in range(count):
            turn, place_in_turn = divmod(number, len(instances))
            instance = instances[place_in_turn]
            name = f"{instance['id']}-{number}"
            domain = f"{instance['domain']} {turn}"
            told.write(json.dumps({**instance, "id": name, "domain": domain}) + "\n")
            for line in replies[instance["id"]]:
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
