"""What `arena emit` writes, composed: it serves, and scores as a local run does."""

from collections.abc import Generator
from pathlib import Path

import pytest

from astra_arena.client import read_rollouts
from astra_arena.core import cli
from astra_arena.servers.bundles.suite import load_source
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
from tests.docker.containers import (
    CONFINED,
    build_client_image,
    copy_certificates,
    docker,
    require_base_image,
    require_engine,
)
from tests.docker.playing import NAMES, SAMPLE, played, verdicts
from tests.support.requirement import requirement

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def emitted(environments: Path) -> Path:
    """Three environments, one of them a suite, emitted into one folder."""
    out = environments.parent / "emitted"
    assert cli.run(["emit", str(environments), "--out", str(out)]) == 0
    copy_certificates(out / "ca.crt")
    return out


@pytest.mark.parametrize("version", PROGRAMS)
def test_both_versions_of_compose_find_an_emitted_file_valid(version: str, emitted: Path) -> None:
    command = require_program(version)
    (emitted / "sandbox_token").touch()
    file = str(emitted / "docker-compose.yml")
    said = run([*command, "-f", file, "config", "-q"], {"ARENA_TOKEN": TOKEN})
    assert said.returncode == 0, said.stderr


@pytest.fixture(scope="module", params=PROGRAMS)
def stack(request: pytest.FixtureRequest, emitted: Path) -> Generator[Composed]:
    """What was emitted, brought up by each version of Compose."""
    require_engine()
    require_base_image()
    with composed(require_program(request.param), emitted / "docker-compose.yml", {}) as up:
        yield up


@requirement("containers:compose")
@pytest.mark.parametrize("name", NAMES)
async def test_verdicts_from_what_was_emitted_are_those_of_a_local_run(
    name: str, stack: Composed, environments: Path, tmp_path: Path
) -> None:
    source = load_source(environments / name)
    in_container = await played(source, CONTROL, TOKEN, tmp_path / "composed.jsonl")
    with start_server_process([source.path]) as server:
        control = server.addresses.control
        local = await played(source, control, server.token, tmp_path / "local.jsonl")
    assert len(in_container) == SAMPLE
    assert {rollout.reward for rollout in in_container.values()} == {1.0}
    assert verdicts(in_container) == verdicts(local)


@requirement("containers:compose")
@pytest.mark.parametrize("stack", ["v2"], indirect=True)
async def test_the_client_container_plays_what_was_emitted(
    stack: Composed, environments: Path, tmp_path: Path
) -> None:
    source = load_source(environments / "petstore")
    from_host = await played(source, CONTROL, TOKEN, tmp_path / "host.jsonl")
    (tmp_path / "context").mkdir()
    image = build_client_image(tmp_path / "context")
    servers = [name for name in stack.do("config", "--services").split() if name != "sandbox"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o777)
    confined = [option for option in CONFINED if not option.startswith("--network")]
    command = ["run", *confined, f"--network=container:{stack.container(servers[0])}"]
    command += [f"--volume={environments}:/bundle:ro", f"--volume={tmp_path / 'out'}:/rollouts"]
    command += [f"--env=ARENA_TOKEN={TOKEN}", image, "rollout", "/bundle/petstore"]
    command += ["--control", CONTROL, "--environment", "petstore", "--tasks", str(SAMPLE)]
    docker(*command, "--out", "inside.jsonl", "--json", timeout_s=300)
    inside = read_rollouts(tmp_path / "out" / "inside.jsonl")
    assert verdicts({rollout.id: rollout for rollout in inside}) == verdicts(from_host)
