"""A bundle with its launcher."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from astra_arena.core.errors import BundleError
from astra_arena.servers import Bundle, emit_server, load_bundle, read_journal, verdict_of
from tests.servers.playing import solve
from tests.servers.small_bundle import TASK


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Bundle:
    return load_bundle(Path(shutil.copytree(bundle.path, tmp_path / "copy")))


def run(launcher: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *environment.pop("flags", "").split(), str(launcher), *arguments],
        input=b"",
        capture_output=True,
        timeout=30,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_launcher_is_in_no_digest(copy: Bundle) -> None:
    launcher = emit_server(copy.path)
    assert launcher == copy.path / "server.py"
    assert load_bundle(copy.path) == copy
    first = launcher.read_bytes()
    emit_server(copy.path)
    assert launcher.read_bytes() == first


async def test_the_launcher_serves_a_task(copy: Bundle, tmp_path: Path) -> None:
    launcher = emit_server(copy.path)
    journals = tmp_path / "journals"
    options = ["--task", TASK, "--seed", "7", "--journal", str(journals)]
    server = StdioServerParameters(
        command=sys.executable, args=[str(launcher), *options], env=dict(os.environ)
    )
    async with Client(server) as client:
        await solve(client)
    (journal,) = journals.iterdir()
    assert verdict_of(copy.task(TASK), read_journal(journal)).solved


def test_help_needs_nothing_installed(copy: Bundle) -> None:
    ended = run(emit_server(copy.path), "--help", flags="-S")
    assert ended.returncode == 0
    assert b"--journal" in ended.stdout


def test_a_missing_installation_is_explained_in_one_line(copy: Bundle) -> None:
    ended = run(emit_server(copy.path), "--task", TASK, flags="-S")
    assert ended.returncode == 2
    assert b"pip install 'astra-arena[servers]'" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_only_a_sound_bundle_gets_a_launcher(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        emit_server(tmp_path)
    assert not list(tmp_path.iterdir())
