"""Agents on environments of external servers, live and replayed, by the commands as typed."""

import asyncio
import sys
from pathlib import Path

import pytest

from astra_arena.client import OracleAgent, open_arena
from astra_arena.core.canonical import JsonObject
from astra_arena.core.cli import run
from astra_arena.core.rollout_files import read_rollouts
from astra_arena.core.rollouts import Rollout
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.gateway.wrapping import Wrapping, unlisted, wrap_server
from tests.support.requirement import requirement

NOTES = "notes"
SERVER = Path(__file__).parents[1] / "servers" / "notes_server.py"
VARIABLE = "NOTES_TEST_VARIABLE"


def _task() -> Task:
    return Task(
        id="city",
        environments=("sha256:unbound",),
        budget=Budget(calls=20),
        turns=(Turn(say="What does it say?", expect=Expectation(kind="act")),),
        sub_questions=(
            SubQuestion(
                id="q1",
                question="What does it say?",
                environment=NOTES,
                tool="get_note",
                arguments={"title": "hillside-city"},
                answer=Answer(path="/text", kind="text", value="Wuppertal"),
            ),
        ),
    )


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A wrapped server that gets a variable, without which it is not started."""
    monkeypatch.setenv(VARIABLE, "value")
    stdio: JsonObject = {"command": [sys.executable, str(SERVER)], "environment": [VARIABLE]}
    world = unlisted({"stdio": stdio, "state": "connection"})
    wrapped = wrap_server(tmp_path / NOTES, world, Wrapping(name=NOTES), tasks=(_task(),))
    return asyncio.run(wrapped)


def _rolled_out(bundle: Path, out: Path, *options: str) -> Rollout:
    assert run(["rollout", str(bundle), "--out", str(out), *options]) == 0
    [rollout] = read_rollouts(out)
    return rollout


@requirement("gateway:rollout", "gateway:replay")
@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_what_the_oracle_earns_at_a_server_it_earns_on_the_replay_of_it(
    notes: Bundle, tmp_path: Path, transport: str
) -> None:
    file, offline = tmp_path / "live.jsonl", tmp_path / "offline"
    how = ("--transport", transport)

    live = _rolled_out(notes.path, file, "--allow-external", NOTES, *how)
    made = ["gateway", "replay", str(file), "--bundle", str(notes.path), "--out", str(offline)]
    assert run(made) == 0
    replayed = _rolled_out(offline, tmp_path / "replayed.jsonl", *how)

    assert live.episode.tier == "external"
    assert live.verdict == replayed.verdict
    assert live.reward == 1.0
    assert live.messages == replayed.messages


@requirement("gateway:rollout", "gateway:allowed")
def test_without_permission_nothing_is_rolled_out(
    notes: Bundle, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["rollout", str(notes.path)]) != 0
    assert f"--allow-external {NOTES}" in " ".join(capfd.readouterr().err.split())
    there = ["--control", "http://127.0.0.1:9", "--token", "t", "--allow-external", NOTES]
    assert run(["rollout", str(notes.path), *there]) == 2


@requirement("gateway:rollout")
async def test_the_short_way_in_serves_what_was_allowed(tmp_path: Path) -> None:
    world = unlisted({"stdio": {"command": [sys.executable, str(SERVER)]}, "state": "connection"})
    bundle = await wrap_server(tmp_path / NOTES, world, Wrapping(name=NOTES), tasks=(_task(),))

    async with open_arena(bundle.path, allow_external=[NOTES]) as arena:
        rollout = await arena.play("city", OracleAgent(bundle.tasks))

    assert rollout.reward == 1.0
