"""The README and docs/: their commands, example and map are run or checked as written."""

import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import pytest

from astra_arena.core import cli
from astra_arena.core.cli import VERBS
from astra_arena.servers import Bundle, start_server_process
from tests.servers.small_bundle import write_small_bundle
from tests.support.requirement import requirement

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OTHER_CLIENTS = (ROOT / "docs" / "other-clients.md").read_text(encoding="utf-8")


@pytest.fixture
def demo_folder(tmp_path: Path) -> Bundle:
    """A bundle at the place where the README's example looks for the demo's."""
    made = write_small_bundle(tmp_path)
    (tmp_path / "arena-demo").mkdir()
    (tmp_path / "arena-demo" / "nycflights13").symlink_to(made.path)
    return made


@requirement("docs:readme")
def test_the_example_plays_an_episode_and_prints_its_reward(
    demo_folder: Bundle, tmp_path: Path
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"{demo_folder.tasks[0].prompt}\n1.0\n"


@requirement("docs:readme")
@pytest.mark.parametrize("text", [README, OTHER_CLIENTS], ids=["README", "other-clients"])
def test_every_arena_command_names_a_verb_and_options_that_exist(text: str) -> None:
    commands = re.findall(r"bin/arena ([^\n]*)", text)
    assert commands
    for command in commands:
        words = command.split("#")[0].split()
        verb = words[:2] if words[0] == "synth" else words[:1]
        assert verb[0] in VERBS
        for option in re.findall(r" (--[a-z-]+)", command):
            assert option in help_of(*verb), command


@cache
def help_of(*verb: str) -> str:
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setenv("COLUMNS", "200")
        assert cli.run([*verb, "--help"]) == 0
    return said.getvalue()


def test_the_map_of_folders_names_what_is_there() -> None:
    named = re.findall(r"^\| \[`(\w+)/`\]", README, re.MULTILINE)
    assert named
    assert all((ROOT / name).is_dir() for name in named)
    for target in re.findall(r"\]\(([^)#:]+)\)", README + OTHER_CLIENTS):
        folder = ROOT / "docs" if target in OTHER_CLIENTS else ROOT
        assert (folder / target).exists() or (ROOT / target).exists(), target


@requirement("docs:other-clients")
def test_the_sdk_script_plays_against_a_server(demo_folder: Bundle) -> None:
    with start_server_process([demo_folder.path]) as server:
        script = ROOT / "examples" / "play_by_hand.py"
        run = subprocess.run(
            [sys.executable, str(script), server.addresses.control, server.token],
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert f"task: {demo_folder.tasks[0].prompt}\n" in run.stdout
    assert "reward: 0." in run.stdout
