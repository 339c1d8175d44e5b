"""The verbs `serve` and `inspect`, run as commands."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from astra_arena.core.cli import run
from astra_arena.servers import Bundle
from tests.servers.small_bundle import GOLD_PHONE, NAME, TASK
from tests.support.requirement import requirement

COMMAND = [sys.executable, "-m", "astra_arena.servers"]


def test_serving_says_where_on_its_first_line_and_stops_at_a_signal(bundle: Bundle) -> None:
    ports = ["--port", "0", "--control-port", "0"]
    process = subprocess.Popen(
        [*COMMAND, "serve", str(bundle.path), *ports, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "ARENA_TOKEN"},
    )
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    headers = {"authorization": f"Bearer {said['token']}"}
    answer = httpx.get(f"{said['control']}/environments", headers=headers)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    assert answer.json()[0]["name"] == NAME
    assert process.returncode == 0
    assert (rest, errors) == (b"", b"stopped\n")


def test_what_a_library_logs_is_one_line() -> None:
    program = (
        "import logging\n"
        "from astra_arena.servers.logs import log_libraries_in_lines\n"
        "log_libraries_in_lines()\n"
        "logger = logging.getLogger('mcp.server.streamable_http')\n"
        "try:\n"
        "    raise ValueError('first\\nsecond')\n"
        "except ValueError:\n"
        "    logger.exception('Error handling POST request')\n"
        "logging.getLogger('uvicorn.error').info('not this')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=30, check=True
    )
    said = ended.stderr.decode("utf-8")
    assert said == "arena: error: Error handling POST request: ValueError: first second\n"


def test_a_given_token_is_used_and_not_repeated(bundle: Bundle) -> None:
    ports = ["--port", "0", "--control-port", "0"]
    process = subprocess.Popen(
        [*COMMAND, "serve", str(bundle.path), *ports],
        stdout=subprocess.PIPE,
        env={**os.environ, "ARENA_TOKEN": "token-of-mine"},
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().decode("utf-8") for _ in range(4)]
    control = lines[2].split()[1]
    answer = httpx.get(f"{control}/environments", headers={"authorization": "Bearer token-of-mine"})
    process.terminate()
    rest, _ = process.communicate(timeout=20)
    assert answer.status_code == 200
    assert "token-of-mine" not in "".join(lines) + rest.decode("utf-8")


@requirement("servers:port-in-use")
def test_a_taken_port_is_one_line_and_exit_code_2(
    bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [*COMMAND, "serve", str(bundle.path), "--port", port],
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 2
    error = ended.stderr.decode("utf-8")
    assert port in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--stdio"], "--task"),
        (["--task", TASK], "--stdio"),
        (["--advertise-url", "nonsense", "--port", "0", "--control-port", "0"], "nonsense"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(
    bundle: Bundle, capsys: pytest.CaptureFixture[str], options: list[str], part: str
) -> None:
    assert run(["serve", str(bundle.path), *options]) == 2
    assert part in capsys.readouterr().err


@requirement("servers:inspect")
def test_inspect_shows_tools_tasks_and_digests(
    bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", str(bundle.path), "--tasks"]) == 0
    shown = capsys.readouterr().out
    assert bundle.digests.environment in shown
    assert "list_branches(limit?: integer = 10)" in shown
    assert "CC0-1.0" in shown
    assert bundle.task(TASK).id in shown
    assert "2 of 2" in shown
    assert GOLD_PHONE not in shown


def test_inspect_shows_gold_only_when_asked(
    bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", str(bundle.path), "--tasks", "--json"]) == 0
    without = capsys.readouterr().out
    assert run(["inspect", str(bundle.path), "--gold", "--json"]) == 0
    with_gold = capsys.readouterr().out
    assert run(["inspect", str(bundle.path), "--gold"]) == 0
    assert GOLD_PHONE in capsys.readouterr().out
    assert GOLD_PHONE not in without
    facts = json.loads(with_gold)
    assert facts["task_list"][0]["gold"][1]["answer"]["value"] == GOLD_PHONE
    assert facts["tasks"] == {
        "total": 3,
        "by_sub_questions": {"0": 1, "1": 1, "2": 1},
        "by_variant": {"base": 3},
    }
    assert facts["world"]["tables"] == {"branches": 2, "loans": 3, "readers": 3}


def test_inspecting_a_damaged_bundle_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", str(tmp_path)]) == 2
    assert "environment.json" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["serve", "inspect"])
def test_help_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert f"Example: arena {verb}" in capsys.readouterr().out


def test_serving_until_the_end_of_stdin_ends_at_once_without_one(bundle: Bundle) -> None:
    ports = ["--port", "0", "--control-port", "0"]
    ended = subprocess.run(
        [*COMMAND, "serve", str(bundle.path), *ports, "--json", "--until-eof"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stderr == b""
