"""Difficulty is what named solvers earned, the same each time, and a band chooses by it."""

from pathlib import Path

import anyio
import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.difficulty import DifficultyBand, difficulty_band, measured_difficulty
from astra_arena.core.errors import SettingsError
from astra_arena.core.tasks import Task
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.synthesizer.difficulty import measure_difficulty
from astra_arena.synthesizer.difficulty_cli import difficulty
from tests.support.requirement import requirement
from tests.synthesizer.gates.reading_room import write_reading_room

SOLVERS = ("noop", "literals", "chaining-3", "oracle")


async def _measured(bundle: Bundle) -> tuple[Task, ...]:
    async with ProcessSandbox() as sandbox:
        return await measure_difficulty(bundle, sandbox, solvers=SOLVERS, seeds=(0, 1))


@requirement("difficulty:measured")
def test_difficulty_names_its_solvers_and_what_each_earned(tmp_path: Path) -> None:
    bundle = write_reading_room(tmp_path)
    first = anyio.run(_measured, bundle)
    for task in first:
        solvers = task.difficulty["solvers"]
        assert isinstance(solvers, dict)
        assert list(solvers) == list(SOLVERS)
        assert solvers["oracle"] == {"reward": 1, "solved": 1}
        assert solvers["noop"] == {"reward": 0, "solved": 0}
        measured = measured_difficulty(task.difficulty)
        assert measured is not None
        assert 0.0 < measured < 0.75
    assert anyio.run(_measured, bundle) == first


@requirement("difficulty:measured")
def test_a_band_holds_measured_tasks_between_its_ends(tmp_path: Path) -> None:
    task = write_reading_room(tmp_path).tasks[0]
    half: JsonObject = {"measured": 0.5}
    assert difficulty_band("0.2..0.5") == DifficultyBand(0.2, 0.5)
    assert difficulty_band("..0.5").holds(half)
    assert not difficulty_band("0.6..").holds(half)
    assert not difficulty_band("0..1").holds(task.difficulty)


@requirement("difficulty:measured")
def test_the_command_writes_the_measured_tasks_of_a_band(tmp_path: Path) -> None:
    source, out = write_reading_room(tmp_path), tmp_path / "banded"
    with pytest.raises(SettingsError, match="widen"):
        difficulty(source.path, out, band="0..0.01", solvers=["noop"], seeds=[0])
    difficulty(source.path, out, band="0.9..1", solvers=["noop"], seeds=[0])
    written = load_bundle(out)
    assert [task.id for task in written.tasks] == [task.id for task in source.tasks]
    assert all(measured_difficulty(task.difficulty) == 1.0 for task in written.tasks)


@pytest.mark.parametrize("text", ["", "0.5", "0.8..0.2", "0..2", "easy..hard"])
def test_what_is_no_band_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"like 0\.2\.\.0\.8"):
        difficulty_band(text)
