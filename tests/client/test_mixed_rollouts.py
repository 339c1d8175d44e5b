"""Rollouts with a tool mixing and a budget, from the command line to the score."""

import json
from pathlib import Path

import pytest

from astra_arena.core.cli import run
from astra_arena.core.rollout_files import read_rollouts
from astra_arena.core.rollouts import Rollout
from astra_arena.servers import Bundle
from tests.servers.joint_suite import GUIDE, write_guide
from tests.servers.small_bundle import TASK, write_small_bundle
from tests.support.requirement import requirement

MIXING = {
    "distractors": {"count": 2},
    "renamed_share": 1.0,
    "reordered": True,
    "faults": {"rate": 1.0},
    "latency": {"high": 0.01},
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_small_bundle(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_guide(tmp_path_factory.mktemp("guide"))


def rollout(library: Bundle, out: Path, *options: str) -> list[Rollout]:
    command = ["rollout", str(library.path), "--task", TASK, "--out", str(out), *options]
    assert run(command) == 0
    return list(read_rollouts(out))


@requirement("mixing:opening")
@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_a_mixing_and_a_budget_are_played_recorded_resumed_and_scored(
    library: Bundle,
    guide: Bundle,
    tmp_path: Path,
    transport: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, file = tmp_path / "rollouts.jsonl", tmp_path / "mixing.json"
    file.write_text(json.dumps(MIXING), encoding="utf-8")
    asked = ("--mixing", str(file), "--budget", "calls=5", "--beside", str(guide.path))
    over = ("--transport", transport, "--agent", "oracle", "--agent", "noop")
    plain = rollout(library, out, *over)
    mixed = rollout(library, out, *over, *asked)
    assert sorted(one.reward or 0.0 for one in mixed[2:]) == [0.0, 1.0]
    assert {one.id for one in plain}.isdisjoint(one.id for one in mixed[2:])
    assert rollout(library, out, *over, *asked) == mixed
    oracle = next(one for one in mixed[2:] if one.agent == "oracle").episode
    assert oracle.mixing is not None
    assert oracle.mixing.to_json() == MIXING
    assert oracle.budget is not None
    assert oracle.budget.calls == 5
    assert oracle.mixed is not None
    assert set(oracle.mixed.environments) == {GUIDE}
    assert "find_loan" not in oracle.mixed.names
    assert {call.tool for call in oracle.calls} == {"find_loan", "get_reader"}
    capsys.readouterr()
    assert run(["score", str(out), "--bundle", str(library.path), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert [one["reward"] for one in scores] == [one.reward for one in mixed]
