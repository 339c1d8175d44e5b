"""Tools of one intent become one; worlds are shared, and finished before they are released."""

from collections import Counter
from pathlib import Path

import pytest

from astra_arena.synthesizer.qa.worlds.grown import Grown, MergedWorld
from astra_arena.synthesizer.qa.worlds.world_drafts import world_drafts
from astra_arena.synthesizer.qa.worlds.world_names import WorldNames
from tests.support.requirement import requirement
from tests.synthesizer.qa.worlds.world_runs import (
    CODE,
    DRACULA,
    HEAD,
    MACBETH,
    TOOL,
    TWIN,
    Reply,
    argument,
    both,
    changed,
    grown_of,
    merged,
    said,
    synthesized,
)

WORLD = "letters-world"
EMPTY_CALL: Reply = {"call": 4, "arguments": []}
TITLES = ("Alice's Adventures in Wonderland", "Macbeth", "Dracula", "Emma")
CLUSTER: Reply = {
    "clusters": [{"intent": "when a work came out", "tools": ["find_work", "find_novel"]}]
}
APART: Reply = {
    "clusters": [
        {"intent": "when a work came out", "tools": ["find_work"]},
        {"intent": "when a novel came out", "tools": ["find_novel"]},
    ]
}
ONE: Reply = {
    "tool": TOOL,
    "calls": [
        {"call": number, "arguments": [argument("title", title)]}
        for number, title in enumerate(TITLES, start=1)
    ],
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> list[Grown]:
    folder = tmp_path_factory.mktemp("grown")
    lines = synthesized(folder, both(), [MACBETH, DRACULA])
    assert [line.outcome for line in lines] == ["passed", "passed"]
    return [grown_of(line) for line in lines]


def world_of(folder: Path, grown: list[Grown], *replies: tuple[str, Reply]) -> MergedWorld:
    lines = [said("merge", WORLD, part, reply) for part, reply in replies]
    line = merged(folder, grown, lines)
    assert line.result is not None, line.evidence
    return MergedWorld.from_json(line.result, what="world")


@requirement("worlds:merge")
def test_twins_become_one_tool_that_answers_every_call(tmp_path: Path, grown: list[Grown]) -> None:
    world = world_of(tmp_path, grown, ("clusters", CLUSTER), ("merged-find_work", ONE))
    assert [tool.name for tool in world.tools] == ["find_work"]
    (merge,) = world.merges
    assert (merge.outcome, merge.name) == ("merged", "find_work")
    assert [call.tool for member in world.members for call in member.calls] == ["find_work"] * 4
    assert not world.dropped


@requirement("worlds:merge")
def test_a_merged_tool_that_returns_everything_takes_no_place(
    tmp_path: Path, grown: list[Grown]
) -> None:
    everything = changed(
        TOOL,
        rows="works",
        code=HEAD
        + '    rows = world.execute("SELECT title, kind, first_year FROM works ORDER BY title")\n'
        + '    names = ("title", "kind", "first_year")\n'
        + '    return {"works": [dict(zip(names, row)) for row in rows]}\n',
    )
    bad = changed(ONE, tool=everything)
    asked = [("clusters", CLUSTER)]
    asked += [(f"merged-find_work{attempt}", bad) for attempt in ("", "~2", "~3")]
    world = world_of(tmp_path, grown, *asked)
    (merge,) = world.merges
    assert merge.outcome == "kept apart"
    assert "also holds what" in merge.reason
    assert [tool.name for tool in world.tools] == ["find_work", "find_novel"]
    assert not world.dropped


@requirement("worlds:merge")
def test_a_merged_tool_that_lost_a_member_is_repaired(tmp_path: Path, grown: list[Grown]) -> None:
    novels = CODE.replace("WHERE title", "WHERE kind = 'novel' AND title")
    bad = changed(ONE, tool=changed(TOOL, code=novels))
    world = world_of(
        tmp_path,
        grown,
        ("clusters", CLUSTER),
        ("merged-find_work", bad),
        ("merged-find_work~2", ONE),
    )
    assert [one.outcome for one in world.merges] == ["merged"]


BAD_CLUSTERS: dict[str, Reply] = {
    "a tool is left out": {"clusters": APART["clusters"][:1]},
    "a tool stands in two": {"clusters": [*APART["clusters"], APART["clusters"][0]]},
    "a tool that is not there": {"clusters": [{"intent": "any", "tools": ["find_poem"]}]},
}


@requirement("worlds:merge")
@pytest.mark.parametrize("name", BAD_CLUSTERS)
def test_bad_clusters_leave_the_tools_as_they_are(
    name: str, tmp_path: Path, grown: list[Grown]
) -> None:
    lines = [said("merge", WORLD, "clusters", BAD_CLUSTERS[name], repeats=True)]
    line = merged(tmp_path, grown, lines)
    assert line.result is not None
    world = MergedWorld.from_json(line.result, what="world")
    (merge,) = world.merges
    assert merge.outcome == "kept apart"
    assert "each of find_work, find_novel once" in merge.reason
    assert len(world.tools) == 2


@requirement("worlds:merge")
def test_bad_merged_replies_are_told(tmp_path: Path, grown: list[Grown]) -> None:
    renamed = changed(TWIN, name="find_any", code=CODE.replace("find_work", "find_any"))
    for number, (bad, told) in enumerate(
        [
            (changed(ONE, calls=ONE["calls"][:3]), "each of 1, 2, 3, 4 once"),
            (changed(ONE, tool=changed(TOOL, code="import os\n" + CODE)), "os"),
            (
                changed(ONE, calls=[*ONE["calls"][:3], EMPTY_CALL]),
                "call 4: find_work needs 'title'",
            ),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        lines = [said("merge", WORLD, "clusters", CLUSTER)]
        lines.append(said("merge", WORLD, "merged-find_work", bad, repeats=True))
        line = merged(folder, grown, lines)
        assert line.result is not None
        (merge,) = MergedWorld.from_json(line.result, what="world").merges
        assert merge.outcome == "kept apart"
        assert told in merge.reason
    world = world_of(
        tmp_path, grown, ("clusters", CLUSTER), ("merged-find_work", changed(ONE, tool=renamed))
    )
    assert [tool.name for tool in world.tools] == ["find_any"]


@requirement("worlds:merge")
def test_an_instance_whose_calls_no_longer_hold_is_dropped_and_its_tables_stay(
    tmp_path: Path, grown: list[Grown]
) -> None:
    first, second = grown
    few = (
        '    if world.execute("SELECT count(*) FROM works").fetchone()[0] > 8:\n'
        '        raise LookupError("too many works")\n'
    )
    lines = CODE.splitlines(keepends=True)
    fragile = first.tools[0].model_copy(update={"code": "".join([*lines[:2], few, *lines[2:]])})
    before = first.model_copy(update={"tools": (fragile,)})
    world = world_of(tmp_path, [before, second], ("clusters", APART))
    (dropped,) = world.dropped
    assert dropped.id == "macbeth"
    assert "it refuses the call: too many works" in dropped.problems[0]
    assert [member.id for member in world.members] == ["dracula"]
    # The other instance added rows to a table that the dropped one had made.
    assert [table.name for data in world.data for table in data.tables] == ["works"]
    assert [tool.name for tool in world.tools] == ["find_novel"]


@requirement("worlds:shared")
def test_instances_of_one_field_share_a_world_and_its_rows(
    grown: list[Grown], tmp_path: Path
) -> None:
    first, second = grown
    assert first.world == second.world == WORLD
    assert second.data.tables == []
    world = world_of(tmp_path, grown, ("clusters", APART))
    assert [len(one.calls) for one in world.members] == [2, 2]
    assert world.merges == ()


@requirement("worlds:resume")
def test_worlds_grow_alike_when_a_run_goes_on(tmp_path: Path) -> None:
    lines = both()
    synthesized(tmp_path, lines, [MACBETH, DRACULA])
    whole = (tmp_path / "synthesize.jsonl").read_bytes()
    first = whole.splitlines(keepends=True)[0]
    (tmp_path / "synthesize.jsonl").unlink()
    # As a killed run leaves it; the first instance is not asked about again.
    (tmp_path / "synthesize.part.jsonl").write_bytes(first)
    synthesized(tmp_path, lines[3:], [MACBETH, DRACULA])
    (tmp_path / "again").mkdir()
    synthesized(tmp_path / "again", lines, [MACBETH, DRACULA])
    assert (tmp_path / "again" / "synthesize.jsonl").read_bytes() == whole
    drafts = list(world_drafts(tmp_path / "again" / "synthesize.jsonl"))
    assert [(one.id, len(one.members)) for one in drafts] == [(WORLD, 2)]


def test_a_field_with_many_instances_has_several_worlds() -> None:
    many = [MACBETH] * 11
    names = WorldNames(many, per_world=2)
    given = [names.next_world(one) for one in many]
    assert [one.name for one in given[:4]] == [WORLD, f"{WORLD}-2", f"{WORLD}-3", f"{WORLD}-4"]
    assert {one.name for one in given[8:]} == {f"{WORLD}-5", f"{WORLD}-6"}
    counts = Counter(one.name for one in given)
    assert max(counts.values()) == 2
    # What is said of a world's size is its size.
    assert {one.name: one.size for one in given} == counts
    alone = WorldNames(many, per_world=40)
    assert {alone.next_world(one) for one in many} == {(WORLD, 11)}
