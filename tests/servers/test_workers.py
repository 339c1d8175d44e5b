"""Episodes whose tool code runs at sandbox workers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client

from astra_arena.core.cli import run
from astra_arena.servers import Bundle
from tests.sandbox.workers import TOKEN, running_worker
from tests.servers.playing import control_client, open_one, outcomes, record_of, serving, solve
from tests.support.requirement import requirement


@requirement("sandbox:remote:lost-worker")
async def test_an_episode_outlives_its_worker(bundle: Bundle, tmp_path: Path) -> None:
    with running_worker(tmp_path) as one, running_worker(tmp_path) as two:
        async with (
            one.sandbox(two) as sandbox,
            serving(bundle, sandbox=sandbox) as (_, control),
        ):
            episode = await open_one(control)
            async with Client(episode["mcp"]) as client:
                await client.call_tool("find_loan", {"title": "Emma"})
                one.kill()
                await solve(client)
            record = await record_of(control, episode)
            assert outcomes(record) == ["ok"] * 3
            assert record["tier"] == one.tier
            assert record["void"] is None


async def test_the_command_serves_from_workers(bundle: Bundle, tmp_path: Path) -> None:
    with running_worker(tmp_path, f"unix:{tmp_path}/socket") as worker:
        command = [sys.executable, "-m", "astra_arena.core.cli", "serve", str(bundle.path)]
        command += ["--sandbox", worker.address, "--sandbox-token-file", str(tmp_path / "token")]
        command += ["--port", "0", "--control-port", "0", "--json", "--until-eof"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            said = json.loads(server.stdout.readline())
            async with control_client(said["control"], said["token"]) as control:
                episode = await open_one(control)
                async with Client(episode["mcp"]) as client:
                    await solve(client)
                assert outcomes(await record_of(control, episode)) == ["ok"] * 2
            server.stdin.close()
            assert server.wait(20) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sandbox", "unix:x"], "--sandbox-token-file"),
        (["--sandbox-token-file", "x"], "belongs to --sandbox"),
        (["--sandbox", "unix:x", "--sandbox-token-file", "nowhere"], "token file"),
        (["--sandbox", "nonsense", "--sandbox-token-file", "TOKEN"], "tcp:HOST:PORT"),
    ],
)
def test_odd_options_are_misuse(
    bundle: Bundle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN, encoding="utf-8")
    options = [str(token) if option == "TOKEN" else option for option in options]
    assert run(["serve", str(bundle.path), *options]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
