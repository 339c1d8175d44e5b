"""An emitted folder in an empty environment: installed from the index, played over both ways."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from astra_arena.servers import Bundle, read_journal, verdict_of
from astra_arena.servers.emission.server_folder import emit
from tests.servers.playing import control_client, solve
from tests.servers.small_bundle import NAME, TASK, write_small_bundle
from tests.support.requirement import requirement

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def bare_environment() -> dict[str, str]:
    """Nothing of this checkout, and what pip needs to reach the index."""
    kept = ("PATH", "HOME", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "HTTPS_PROXY", "NO_PROXY")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    if CERTIFICATES.is_file():
        environment["PIP_CERT"] = str(CERTIFICATES)
    return environment


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_small_bundle(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def installed(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere") / "server"
    emit([bundle], folder)
    venv = [sys.executable, "-m", "venv", ".venv"]
    pip = [".venv/bin/python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (venv, [*pip, "-r", "requirements.txt"]):
        subprocess.run(command, cwd=folder, env=bare_environment(), check=True, timeout=300)
    return folder


@contextmanager
def http_server(folder: Path) -> Generator[dict[str, Any]]:
    command = [".venv/bin/arena", "serve", ".", "--json", "--until-eof"]
    command += ["--port", "0", "--control-port", "0"]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=bare_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(30)


@pytest.mark.interop
@requirement("emission:folder")
async def test_an_emitted_folder_plays_from_an_empty_environment(
    bundle: Bundle, installed: Path, tmp_path: Path
) -> None:
    journals = tmp_path / "journals"
    server = StdioServerParameters(
        command=str(installed / ".venv" / "bin" / "python3"),
        args=["server.py", "--task", TASK, "--journal", str(journals)],
        cwd=installed,
        env=bare_environment(),
    )
    async with Client(server) as client:
        await solve(client)
    (journal,) = journals.iterdir()
    assert verdict_of(bundle.task(TASK), read_journal(journal)).solved
    with http_server(installed) as said:
        async with control_client(said["control"], said["token"]) as control:
            opened = await control.post("/episodes", json={"environment": NAME, "task": TASK})
            assert opened.status_code == 201, opened.text
            async with Client(opened.json()["mcp"]) as client:
                await solve(client)
            ended = await control.delete(f"/episodes/{opened.json()['id']}")
    assert ended.json()["verdict"]["solved"] is True
