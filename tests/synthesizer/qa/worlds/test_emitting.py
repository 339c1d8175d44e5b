"""Finished worlds become environments; what fails a gate is left out, with the reason."""

import asyncio
import json
from pathlib import Path

import pytest

from astra_arena.core.errors import SettingsError
from astra_arena.servers.bundles.bundle import load_bundle
from astra_arena.synthesizer.qa.authored.stage_log import StageLine, StageLog
from astra_arena.synthesizer.qa.authored.stages import run_stage
from astra_arena.synthesizer.qa.environments.environment_release import EnvironmentRelease
from astra_arena.synthesizer.qa.worlds.emit import EmittedWorld, Emitting
from astra_arena.synthesizer.qa.worlds.grown import Grown, MergedWorld
from astra_arena.synthesizer.suites.suite_synthesis import SuiteOptions, synthesize_suite
from astra_arena.synthesizer.watching import unwatched
from tests.support.requirement import requirement
from tests.synthesizer.qa.worlds.world_runs import (
    DATA,
    DRACULA,
    MACBETH,
    MORE_CALLS,
    MORE_DATA,
    TWIN,
    both,
    grown_of,
    lines_of,
    replies,
    synthesized,
)

WORLD = "letters-world"
GATES = ("replay", "leak", "near_duplicates")


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> list[Grown]:
    lines = synthesized(tmp_path_factory.mktemp("grown"), both(), [MACBETH, DRACULA])
    return [grown_of(line) for line in lines]


def emitted(folder: Path, members: list[Grown], *, world: str = WORLD) -> StageLine:
    tools = {tool.name: tool for member in members for tool in member.tools}
    whole = MergedWorld(
        id=world,
        data=tuple(member.data for member in members),
        members=tuple(members),
        tools=tuple(tools.values()),
    )

    async def run() -> None:
        release = EnvironmentRelease(folder / "out", folder, 0, GATES, unwatched)
        stage = Emitting(folder / "out", folder, release, {}).stage
        with StageLog(folder / "emit.jsonl") as log:
            await run_stage(stage, [whole], log, at_once=1)

    asyncio.run(run())
    (line,) = lines_of(folder / "emit.jsonl")
    return line


def emitted_world(line: StageLine) -> EmittedWorld:
    assert line.result is not None, line.evidence
    return EmittedWorld.from_json(line.result, what="world")


def told_of(member: Grown, question: str, *years: int) -> Grown:
    """The same, but its question states what is to be found."""
    told = f"{question} I mean those of {' and '.join(map(str, years))}."
    changed = member.instance.model_copy(update={"question": told})
    return member.model_copy(update={"instance": changed})


@requirement("worlds:gates")
def test_a_finished_world_becomes_an_environment(tmp_path: Path, grown: list[Grown]) -> None:
    came = emitted_world(emitted(tmp_path, grown))
    assert came.released == {"macbeth": "qa-0001", "dracula": "qa-0002"}
    bundle = load_bundle(tmp_path / "out" / WORLD)
    first = bundle.tasks[0]
    assert first.prompt == MACBETH.question
    assert [one.tool for one in first.sub_questions] == ["find_work", "find_work", None]
    assert first.final_answer is not None
    assert first.final_answer.value is False
    assert bundle.environment.licence.name == "CC0-1.0"
    assert (tmp_path / "out" / WORLD / "server.py").is_file()
    # Nothing of the facts stands where an agent could read it.
    assert "1606" not in bundle.tools_py.decode()


@requirement("worlds:gates")
def test_one_instance_that_fails_a_gate_does_not_take_the_others_with_it(
    tmp_path: Path, grown: list[Grown]
) -> None:
    leaky = told_of(grown[1], DRACULA.question, 1897, 1815)
    came = emitted_world(emitted(tmp_path, [grown[0], leaky]))
    assert came.released == {"macbeth": "qa-0001"}
    assert "rejected by the gates" in came.refused["dracula"]
    told = (tmp_path / "out" / f"{WORLD}.rejects.jsonl").read_text(encoding="utf-8")
    assert {json.loads(line)["task"] for line in told.splitlines()} == {"qa-0002"}
    assert len(load_bundle(tmp_path / "out" / WORLD).tasks) == 1


@requirement("qa:variants")
def test_any_two_environments_offer_each_other_distractors(
    tmp_path: Path, grown: list[Grown]
) -> None:
    data = {**MORE_DATA, "tables": DATA["tables"], "distractors": DATA["distractors"]}
    lines = replies("dracula", data, [TWIN], MORE_CALLS)
    (other,) = synthesized(tmp_path / "other", lines, [DRACULA])
    renamed = grown_of(other).model_copy(update={"world": "novels-world"})
    for place, member in ((tmp_path / "one", grown[0]), (tmp_path / "two", renamed)):
        place.mkdir()
        emitted(place, [member], world=member.world)
    bundles = [tmp_path / "one" / "out" / WORLD, tmp_path / "two" / "out" / "novels-world"]
    options = SuiteOptions(tasks=0, distractors=2)
    suite = synthesize_suite(bundles, tmp_path / "suite", options).suite
    assert [task.variant for task in suite.tasks] == ["distractors"] * 2
    with pytest.raises(SettingsError, match="above 0"):
        synthesize_suite(bundles, tmp_path / "none", SuiteOptions(tasks=0, distractors=0))


@requirement("worlds:gates")
def test_a_world_of_which_nothing_passes_is_not_released(
    tmp_path: Path, grown: list[Grown]
) -> None:
    line = emitted(tmp_path, [told_of(grown[0], MACBETH.question, 1606)])
    assert (line.outcome, line.reason) == ("rejected", "the environment does not pass the gates")
    assert not (tmp_path / "out" / WORLD).exists()
