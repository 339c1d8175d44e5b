"""`docker compose up`: the shipped file serves, is played from both sides, loses a container."""

import json
import shutil
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from astra_arena.client import (
    EpisodeView,
    HttpVenue,
    RolloutStore,
    ToolReply,
    build_agent,
    collect,
    read_rollouts,
)
from astra_arena.core.canonical import JsonObject
from astra_arena.servers.bundles.suite import Source, load_source
from astra_arena.servers.server_process import start_server_process
from tests.docker.compose import (
    CONTROL,
    PROGRAMS,
    TOKEN,
    Composed,
    composed,
    require_program,
    run,
)
from tests.docker.containers import ROOT, prepare_context, require_engine
from tests.docker.playing import NAMES, SAMPLE, played, verdicts
from tests.support.requirement import requirement

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]

# What happens once containers are up is the engine's doing, whichever Compose started them.
WITH_ONE = pytest.mark.parametrize("stack", ["v2"], indirect=True)


@pytest.fixture(scope="module", params=PROGRAMS)
def stack(
    request: pytest.FixtureRequest, environments: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Composed]:
    """The shipped file, brought up by each version of Compose."""
    require_engine()
    command = require_program(request.param)
    context = tmp_path_factory.mktemp("context")
    prepare_context(context)
    # Folders of pytest are their owner's alone; the containers' user has to pass through.
    environments.parent.chmod(0o755)
    file = context / "docker" / "compose.yaml"
    with composed(command, file, {"ARENA_BUNDLE": str(environments)}, "sandbox", "server") as up:
        yield up


@pytest.mark.parametrize("version", PROGRAMS)
def test_both_versions_of_compose_find_the_shipped_file_valid(version: str, tmp_path: Path) -> None:
    command = require_program(version)
    file = shutil.copy(ROOT / "docker" / "compose.yaml", tmp_path)
    (tmp_path / "sandbox_token").touch()
    said = run([*command, "-f", str(file), "config"], {"ARENA_TOKEN": TOKEN})
    assert said.returncode == 0
    assert said.stderr.strip() == ""
    missing = run([*command, "-f", str(file), "config"], {"ARENA_TOKEN": ""})
    assert missing.returncode != 0
    assert "the token of the control plane" in missing.stderr


@requirement("containers:compose")
def test_every_container_is_confined(stack: Composed) -> None:
    for service in ("sandbox", "server"):
        told = stack.inspected(service)
        host = cast(JsonObject, told["HostConfig"])
        config = cast(JsonObject, told["Config"])
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert any(
            "no-new-privileges" in str(one) for one in cast("list[str]", host["SecurityOpt"])
        )
        assert host["Privileged"] is False
        assert cast(int, host["Memory"]) > 0
        assert cast(int, host["PidsLimit"]) > 0
        assert config["User"] == "10001:10001"
        if service == "sandbox":
            assert host["NetworkMode"] == "none"
            assert TOKEN not in json.dumps(told)


@requirement("containers:compose")
@pytest.mark.parametrize("name", NAMES)
async def test_verdicts_from_a_container_are_those_of_a_local_run(
    name: str, stack: Composed, environments: Path, tmp_path: Path
) -> None:
    source = load_source(environments / name)
    composed_ = await played(source, CONTROL, TOKEN, tmp_path / "composed.jsonl")
    with start_server_process([source.path]) as server:
        control = server.addresses.control
        local = await played(source, control, server.token, tmp_path / "local.jsonl")
    assert len(composed_) == SAMPLE
    assert {rollout.reward for rollout in composed_.values()} == {1.0}
    assert verdicts(composed_) == verdicts(local)


@requirement("containers:compose")
@WITH_ONE
async def test_the_client_container_earns_what_the_host_earns(
    stack: Composed, environments: Path, tmp_path: Path
) -> None:
    source = load_source(environments / "petstore")
    from_host = await played(source, CONTROL, TOKEN, tmp_path / "host.jsonl")
    play = ["rollout", "/bundle/petstore", "--control", CONTROL, "--environment", "petstore"]
    play += ["--tasks", str(SAMPLE), "--out", "inside.jsonl"]
    # `run` takes an image that is there, of whatever version.
    stack.do("build", "client")
    stack.do("run", "--rm", "-T", "client", *play, "--json")
    inside = stack.do(
        *("run", "--rm", "-T", "--entrypoint", "cat", "client", "inside.jsonl"), seconds=120
    )
    (tmp_path / "inside.jsonl").write_text(inside, encoding="utf-8")
    from_client = {rollout.id: rollout for rollout in read_rollouts(tmp_path / "inside.jsonl")}
    assert verdicts(from_client) == verdicts(from_host)


def revive(stack: Composed) -> None:
    """Bring a killed worker back."""
    stack.do("up", "-d", "--no-deps", "sandbox")
    stack.until_healthy("sandbox")


class WorkerKiller:
    """Plays the gold; the worker is killed before the second call at the first try of a task."""

    name = "oracle"

    def __init__(self, source: Source, task_id: str, stack: Composed) -> None:
        self._oracle = build_agent("oracle", tasks=source.tasks)
        self._task_id = task_id
        self._stack = stack
        self.kills = 0

    async def play(self, episode: EpisodeView) -> str | None:
        if episode.task_id != self._task_id or self.kills:
            return await self._oracle.play(episode)
        calls = 0

        async def call(tool: str, arguments: JsonObject) -> ToolReply:
            nonlocal calls
            calls += 1
            if calls == 2:
                self.kills += 1
                self._stack.do("kill", "sandbox")
            return await episode.call(tool, arguments)

        try:
            return await self._oracle.play(replace(episode, caller=call))
        finally:
            if calls > 1:
                revive(self._stack)


@requirement("containers:loss")
@WITH_ONE
async def test_an_episode_whose_worker_is_killed_is_void_and_the_run_goes_on(
    stack: Composed, environments: Path, tmp_path: Path
) -> None:
    source = load_source(environments / "music-business")
    chosen = next(task.id for task in source.tasks[:SAMPLE] if len(task.needed) > 1)
    killer = WorkerKiller(source, chosen, stack)
    out = tmp_path / "rollouts.jsonl"
    async with HttpVenue(CONTROL, TOKEN, environment=source.name) as venue:
        cards = (await venue.tasks())[:SAMPLE]
        with RolloutStore(out) as store:
            done = await collect(venue, cards, [killer], concurrency=1, store=store)
    figures = done.report.agents["oracle"]
    assert killer.kills == 1
    assert (figures.rollouts, figures.void, figures.mean_reward) == (SAMPLE, 0, 1.0)
    assert figures.void_attempts >= 1
    assert done.findings == ()
    void = [rollout for rollout in read_rollouts(out) if rollout.ended == "void"]
    assert {rollout.episode.task_id for rollout in void} == {chosen}
    assert all(rollout.verdict is None and rollout.failure is not None for rollout in void)


@requirement("containers:loss")
@WITH_ONE
def test_a_run_whose_worker_stays_away_ends_with_code_1_and_says_why(
    stack: Composed, environments: Path, tmp_path: Path
) -> None:
    arena = ROOT / ".venv" / "bin" / "arena"
    play = [str(arena), "rollout", str(environments / "petstore"), "--control", CONTROL]
    play += ["--environment", "petstore", "--tasks", "1"]
    play += ["--out", str(tmp_path / "rollouts.jsonl")]
    stack.do("kill", "sandbox")
    try:
        said = run(play, {"ARENA_TOKEN": TOKEN})
    finally:
        revive(stack)
    assert said.returncode == 1
    assert "void" in said.stderr
    again = run(play, {"ARENA_TOKEN": TOKEN})
    assert again.returncode == 0, again.stderr
    scored = {
        rollout.episode.task_id: rollout.reward
        for rollout in read_rollouts(tmp_path / "rollouts.jsonl")
        if rollout.ended != "void"
    }
    assert list(scored.values()) == [1.0]
