"""Stages: isolation, order, resumption, lanes."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from astra_arena.core.errors import (
    ModelUnavailableError,
    ReplyError,
    SandboxError,
    SourceError,
    SpecError,
)
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.stage_log import StageLine, StageLog, part_of, read_stage
from astra_arena.synthesizer.qa.authored.stages import (
    Passed,
    Rejected,
    Stage,
    StageCounts,
    Worked,
    run_stage,
)
from tests.support.requirement import requirement


class Number(Model):
    """What the stages of these tests work on."""

    id: str
    value: int = 0


def numbers(count: int) -> Iterator[Number]:
    return (Number(id=f"n{value}", value=value) for value in range(count))


class Halving:
    """Halves even numbers; keeps what it was asked, and the most that was under way."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.most = self._now = 0

    async def __call__(self, item: Number) -> Worked[Number]:
        self.asked.append(item.id)
        self._now += 1
        self.most = max(self.most, self._now)
        for _ in range(7 - item.value % 7):
            await anyio.lowlevel.checkpoint()
        self._now -= 1
        if item.value % 2:
            return Rejected("odd", item.value, ({"model": "none"},))
        return Passed(Number(id=item.id, value=item.value // 2), ({"model": "none"},))

    @property
    def stage(self) -> Stage[Number, Number]:
        return Stage("halve", self)


async def ran(stage: Stage[Number, Number], path: Path, count: int, at_once: int) -> StageCounts:
    with StageLog(path) as log:
        return await run_stage(stage, numbers(count), log, at_once=at_once)


@requirement("stages:ordered")
async def test_lines_are_in_the_order_of_the_input_however_many_are_under_way(
    tmp_path: Path,
) -> None:
    texts: set[bytes] = set()
    for at_once in (1, 3, 16):
        halving = Halving()
        path = tmp_path / f"{at_once}.jsonl"
        counts = await ran(halving.stage, path, 30, at_once)
        assert (counts.passed, counts.rejected, counts.reasons) == (15, 15, {"odd": 15})
        assert halving.most == min(at_once, 7)
        texts.add(path.read_bytes())
    (text,) = texts
    lines = list(read_stage(tmp_path / "1.jsonl"))
    assert [line.item for line in lines] == [f"n{value}" for value in range(30)]
    assert lines[4].result == {"id": "n4", "value": 2}
    assert (lines[5].reason, lines[5].evidence) == ("odd", 5)
    assert text.count(b"\n") == 30


@requirement("stages:isolated")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ReplyError("none", findings=("wrong id",)), "no usable reply"),
        (SpecError("a circle"), "the spec refused it"),
        (SandboxError("it hangs"), "the sandbox refused it"),
    ],
)
async def test_what_goes_wrong_with_one_item_rejects_it_alone(
    tmp_path: Path, error: Exception, reason: str
) -> None:
    async def work(item: Number) -> Worked[Number]:
        if item.value == 3:
            raise error
        return Passed(item)

    counts = await ran(Stage("s", work), tmp_path / "s.jsonl", 9, 4)
    assert (counts.passed, counts.reasons) == (8, {reason: 1})


@requirement("stages:resume")
async def test_a_run_that_ended_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "s.jsonl"
    await ran(Halving().stage, whole, 20, 4)
    halving = Halving()

    async def until_lost(item: Number) -> Worked[Number]:
        if item.value == 11:
            raise ModelUnavailableError("the endpoint is gone")
        return await halving(item)

    with pytest.raises(ModelUnavailableError, match="gone"):
        await ran(Stage("halve", until_lost), path, 20, 4)
    kept = part_of(path).read_bytes().count(b"\n")
    assert kept >= 11 - 4
    # Nobody takes a part for the whole.
    with pytest.raises(SourceError, match="run that stage first"):
        list(read_stage(path))
    # The kill came in the middle of a line.
    with part_of(path).open("ab") as file:
        file.write(b'{"item":"n11","outc')
    resumed = Halving()
    counts = await ran(resumed.stage, path, 20, 4)
    assert counts.taken_over == kept
    assert len(resumed.asked) == 20 - kept
    assert path.read_bytes() == whole.read_bytes()


@requirement("stages:resume")
async def test_only_what_has_changed_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    await ran(Halving().stage, path, 10, 4)
    halving = Halving()
    other = [*numbers(8), Number(id="n8", value=80), Number(id="new", value=2)]
    with StageLog(path) as log:
        counts = await run_stage(halving.stage, other, log, at_once=2)
    assert (sorted(halving.asked), counts.taken_over) == (["n8", "new"], 8)
    assert [line.item for line in read_stage(path)] == [one.id for one in other]
    again = Halving()
    decided = Stage("halve", again, decides=lambda _: "another prompt")
    await ran(decided, path, 10, 4)
    assert len(again.asked) == 10


@requirement("stages:ordered")
async def test_items_of_one_lane_are_worked_on_in_order_and_see_what_came_before(
    tmp_path: Path,
) -> None:
    sums = {"0": 0, "1": 0, "2": 0}

    def lane(item: Number) -> str:
        return str(item.value % 3)

    async def work(item: Number) -> Worked[Number]:
        for _ in range(5 - item.value % 5):
            await anyio.lowlevel.checkpoint()
        return Passed(Number(id=item.id, value=sums[lane(item)]))

    def noted(item: Number, line: StageLine) -> None:
        assert line.item == item.id
        sums[lane(item)] += item.value

    stage = Stage("sum", work, decides=lambda item: sums[lane(item)], lane=lane, noted=noted)
    path = tmp_path / "s.jsonl"
    first = await ran(stage, path, 15, 4)
    results = [line.result for line in read_stage(path)]
    assert results[9] == {"id": "n9", "value": 0 + 3 + 6}
    sums.update({"0": 0, "1": 0, "2": 0})
    again = await ran(stage, path, 15, 4)
    assert (first.taken_over, again.taken_over) == (0, 15)


async def test_an_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    items = [Number(id="a"), Number(id="a")]
    with StageLog(tmp_path / "s.jsonl") as log, pytest.raises(SourceError, match="'a' more than"):
        await run_stage(Halving().stage, items, log, at_once=2)


def test_a_damaged_line_is_named_and_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"item":"a"}\n{"item"', encoding="utf-8")
    with pytest.raises(SourceError, match=r"s\.part\.jsonl is damaged.*delete it"):
        StageLog(path)
    with pytest.raises(SourceError, match=r"expected .*gone\.jsonl.*run that stage first"):
        list(read_stage(tmp_path / "gone.jsonl"))
