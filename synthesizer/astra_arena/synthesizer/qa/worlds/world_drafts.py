"""Puts together what instances made of each world, one world at a time."""

from collections.abc import Iterator
from pathlib import Path

from astra_arena.synthesizer.qa.authored.stage_log import StageLine, read_stage
from astra_arena.synthesizer.qa.worlds.grown import Grown, WorldDraft


def world_drafts(path: Path) -> Iterator[WorldDraft]:
    """Give the worlds of a stage's file, in the order of their first instances.

    Only places of lines are held in memory, and one world.

    Args:
        path: What the stage `synthesize` left.

    Raises:
        SourceError: if it is not there, or a line is damaged.
    """
    places: dict[str, list[int]] = {}
    offset = 0
    for line, length in _lines(path):
        if line.result is not None:
            places.setdefault(str(line.result["world"]), []).append(offset)
        offset += length
    for name, offsets in places.items():
        yield WorldDraft(id=name, members=tuple(_members(path, offsets)))


def _lines(path: Path) -> Iterator[tuple[StageLine, int]]:
    with path.open("rb") as file:
        lengths = (len(raw) for raw in file)
        yield from zip(read_stage(path), lengths, strict=True)


def _members(path: Path, offsets: list[int]) -> Iterator[Grown]:
    with path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            line = StageLine.model_validate_json(file.readline())
            assert line.result is not None, "only such were noted"
            yield Grown.from_json(line.result, what=f"{line.item} in {path}")
