"""Stages stream: what is held does not grow with what the items hold."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.stage_log import StageLog, read_stage
from astra_arena.synthesizer.qa.authored.stages import Passed, Stage, Worked, run_stage
from tests.support.requirement import requirement

TEXT = 20_000
"""Characters of an item."""
FEW, MANY = 50, 1050
PLACE = 2_000
"""Bytes that an item may leave behind: where its line is, and its id."""


class Long(Model):
    """An item with a long text."""

    id: str
    text: str


def items(count: int) -> Iterator[Long]:
    return (Long(id=f"n{number}", text=f"{number:08}" * (TEXT // 8)) for number in range(count))


async def same(item: Long) -> Worked[Long]:
    return Passed(item)


async def peak_of(count: int, path: Path) -> int:
    """Run a stage over so many items, and read what it has left; return the most that was held."""
    tracemalloc.start()
    try:
        with StageLog(path) as log:
            await run_stage(Stage("same", same), items(count), log, at_once=4)
        passed = sum(line.outcome == "passed" for line in read_stage(path))
        assert passed == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@requirement("stages:flat")
async def test_memory_does_not_grow_with_the_texts_of_the_items(tmp_path: Path) -> None:
    few = await peak_of(FEW, tmp_path / "few.jsonl")
    many = await peak_of(MANY, tmp_path / "many.jsonl")
    assert (many - few) / (MANY - FEW) < PLACE < TEXT / 5
