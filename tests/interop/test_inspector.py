"""The MCP Inspector's command line against every environment, over HTTP and stdio."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from astra_arena.servers import emit_server, load_bundle, read_journal, verdict_of
from tests.interop.environments import LABELS, Arena
from tests.interop.tooling import Tooling
from tests.servers.small_bundle import TASK
from tests.support.requirement import requirement

TIMEOUT_S = 60


def inspect(
    tooling: Tooling, home: Path, target: list[str], *options: str
) -> subprocess.CompletedProcess[str]:
    # It keeps a catalogue of servers in the user's home.
    environment = {**tooling.environment(), "HOME": str(home)}
    return subprocess.run(
        [*tooling.inspector(), *target, *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@requirement("interop:inspector")
@pytest.mark.parametrize("label", LABELS)
def test_the_strict_lint_finds_no_error_in_the_tools_of_an_environment(
    tooling: Tooling, arena: Arena, tmp_path: Path, label: str
) -> None:
    episode = arena.open(label)
    http = [episode["mcp"], "--transport", "http"]
    done = inspect(tooling, tmp_path, http, "--method", "tools/list", "--strict")
    # 6 is the exit code of the lint.
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tools"]
    assert arena.close(episode)["record"]["calls"] == []


@requirement("interop:inspector")
def test_a_tool_is_called_over_http(tooling: Tooling, arena: Arena, tmp_path: Path) -> None:
    episode = arena.open("small library")
    http = [episode["mcp"], "--transport", "http", "--method", "tools/call"]
    loan = inspect(tooling, tmp_path, http, "--tool-name", "find_loan", "--tool-arg", "title=Emma")
    reader = ["--tool-name", "get_reader", "--tool-arg", "reader_id=2"]
    assert result_of(loan)["structuredContent"]["reader_id"] == 2
    assert result_of(inspect(tooling, tmp_path, http, *reader))["isError"] is False
    assert arena.close(episode)["verdict"]["reward"] == 1.0


@requirement("interop:inspector")
def test_the_launcher_of_a_bundle_is_inspected_and_called_over_stdio(
    tooling: Tooling, arena: Arena, tmp_path: Path
) -> None:
    path = arena.places["small library"].path
    journals = tmp_path / "journals"
    launcher = [sys.executable, str(emit_server(path)), "--task", TASK]
    target = [*launcher, "--journal", str(journals)]
    listed = inspect(tooling, tmp_path, launcher, "--method", "tools/list", "--strict")
    called = inspect(
        tooling,
        tmp_path,
        target,
        *("--method", "tools/call", "--tool-name", "find_loan", "--tool-arg", "title=Emma"),
    )
    assert len(result_of(listed)["tools"]) == len(load_bundle(path).environment.tools)
    assert result_of(called)["structuredContent"]["reader_id"] == 2
    (journal,) = journals.iterdir()
    record = read_journal(journal)
    assert [call.outcome for call in record.calls] == ["ok"]
    assert 0 < verdict_of(load_bundle(path).task(TASK), record).reward < 1
