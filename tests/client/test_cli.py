"""The verbs `rollout`, `score` and `report`, as they are typed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from astra_arena.client.store import RolloutStore
from astra_arena.core.canonical import line_text
from astra_arena.core.cli import run
from astra_arena.core.rollout_files import read_rollouts
from astra_arena.servers.bundles.bundle import Bundle, write_bundle
from astra_arena.servers.server_process import ServerProcess, start_server_process
from tests.client.served import nowhere
from tests.client.test_store import rollout as stored_rollout
from tests.servers.small_bundle import ONE_STEP_TASK, TASK, write_small_bundle
from tests.support.requirement import requirement

Captured = pytest.CaptureFixture[str]


@contextmanager
def running(folder: Path) -> Generator[tuple[Bundle, ServerProcess]]:
    bundle = write_small_bundle(folder)
    with start_server_process([bundle.path]) as server:
        yield bundle, server


@requirement("client:resume", "client:report", "client:rescore", "client:store")
def test_rollout_resumes_and_report_and_score_read_its_file(
    tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "out" / "rollouts.jsonl"
    with running(tmp_path) as (bundle, server):
        there = ["--control", server.addresses.control, "--token", server.token]
        common = ["rollout", str(bundle.path), *there, "--out", str(out), "--json"]
        agents = ["--agent", "oracle", "--agent", "noop"]
        assert run([*common, *agents, "--task", TASK]) == 0
        first = json.loads(capsys.readouterr().out)
        assert run([*common, *agents, "--tasks", "2"]) == 0
        second = json.loads(capsys.readouterr().out)
        whole = out.read_bytes()
        out.write_bytes(whole[:-20])
        assert run([*common, *agents, "--tasks", "2"]) == 0
        torn = capsys.readouterr()
        assert run([*common, *agents, "--tasks", "2", "--no-resume"]) == 2
        assert "is there already" in capsys.readouterr().err
    assert (first["tasks"], second["tasks"]) == (1, 2)
    oracle = second["agents"]["oracle"]
    means = {"mean_reward", "f1", "solved", "calls", "failures", "seconds"}
    assert set(oracle) == means | {"void", "void_attempts"}
    assert (oracle["mean_reward"], oracle["solved"], oracle["calls"]) == (1, 1, 1.5)
    assert second["agents"]["noop"]["mean_reward"] == 0
    assert torn.err.count("torn line") == 1
    assert len(list(read_rollouts(out))) == 4
    assert out.with_name("rollouts.jsonl.torn").exists()

    assert run(["report", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agents"].keys() == {"noop", "oracle"}
    assert run(["report", str(out)]) == 0
    assert "100.0%" in capsys.readouterr().out
    assert run(["score", str(out), "--bundle", str(bundle.path), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["mode"] == "strict"
    assert sorted(one["reward"] for one in scores["scores"]) == [0, 0, 1, 1]
    assert all(one["reward"] == one["stored"] for one in scores["scores"])
    assert run(["score", str(out), "--bundle", str(bundle.path), "--mode", "astra"]) == 0
    assert "oracle" in capsys.readouterr().out


@requirement("client:both-transports")
def test_rollout_serves_a_bundle_by_itself_over_either_transport(
    tmp_path: Path, capsys: Captured
) -> None:
    bundle = write_small_bundle(tmp_path)
    for transport in ("http", "stdio"):
        asked = ["rollout", str(bundle.path), "--transport", transport, "--task", ONE_STEP_TASK]
        assert run([*asked, "--seed", "1", "--seed", "2", "--json"]) == 0
        figures = json.loads(capsys.readouterr().out)["agents"]["oracle"]
        assert figures["mean_reward"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "name a BUNDLE or --control URL"),
        (["BUNDLE", "--agent", "gpt"], "there is no agent 'gpt'; choose one of"),
        (["--agent", "oracle"], "name a BUNDLE or --control URL"),
        (["--control", "http://x", "--agent", "oracle"], "plays the gold"),
        (["--control", "http://127.0.0.1:9", "--agent", "noop"], "needs the server's token"),
        (["BUNDLE", "--control", "http://x", "--transport", "stdio"], "no --control"),
        (["BUNDLE", "--task", "nope"], "there is no task 'nope'"),
        (["nowhere/"], "expected a bundle folder at nowhere"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.delenv("ARENA_TOKEN", raising=False)
    path = str(write_small_bundle(tmp_path).path)
    options = [path if option == "BUNDLE" else option for option in options]
    if "--agent" not in options:
        options += ["--agent", "noop"]
    assert run(["rollout", *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_wrong_tokens_and_unreachable_servers_say_what_to_do(
    tmp_path: Path, capsys: Captured
) -> None:
    address = nowhere()
    assert run(["rollout", "--control", address, "--token", "t", "--agent", "noop"]) == 2
    assert f"no answer from the control plane at {address}" in capsys.readouterr().err
    with running(tmp_path) as (_, server):
        there = ["--control", server.addresses.control, "--token", "wrong"]
        assert run(["rollout", *there, "--agent", "noop"]) == 2
    assert "refused the token" in capsys.readouterr().err


def test_gold_of_another_bundle_is_refused(tmp_path: Path, capsys: Captured) -> None:
    with running(tmp_path) as (bundle, server):
        changed = write_bundle(
            tmp_path / "other",
            bundle.environment.model_copy(update={"digests": None}),
            tools_py=bundle.tools_py.decode(),
            world=bundle.path / "world.sqlite",
            tasks=bundle.tasks[:1],
        )
        there = ["--control", server.addresses.control, "--token", server.token]
        assert run(["rollout", str(changed.path), *there]) == 2
    assert "serves another version" in capsys.readouterr().err


def test_damaged_files_are_named(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "rollouts.jsonl"
    with RolloutStore(path) as store:
        store.append(stored_rollout("a"))
    with path.open("ab") as file:
        file.write(b"{}\n")
    assert run(["report", str(path)]) == 2
    assert "rollouts.jsonl line 2" in capsys.readouterr().err
    bundle = str(write_small_bundle(tmp_path).path)
    path.write_text("{}\n", encoding="utf-8")
    for asked in (["report", str(path)], ["score", str(path), "--bundle", bundle]):
        assert run(asked) == 2
        assert "rollouts.jsonl holds no rollouts" in capsys.readouterr().err
    with RolloutStore(tmp_path / "foreign.jsonl") as store:
        store.append(stored_rollout("a"))
    assert run(["score", str(tmp_path / "foreign.jsonl"), "--bundle", bundle]) == 2
    assert "was played on environment sha256:e" in capsys.readouterr().err


def test_too_many_void_rollouts_are_a_finding(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "rollouts.jsonl"
    with RolloutStore(path) as store:
        store.append(stored_rollout("a"))
        store.append(stored_rollout("b", void=True))
    assert run(["report", str(path), "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["agents"]["oracle"]["void"] == 1
    assert "1 of 2 rollouts stayed void" in shown.err


def test_a_recovered_rollout_is_no_finding_of_run_or_report(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "rollouts.jsonl"
    with RolloutStore(path) as store:
        store.append(stored_rollout("a", void=True))
        store.append(stored_rollout("a"))
    assert run(["report", str(path), "--json"]) == 0
    oracle = json.loads(capsys.readouterr().out)["agents"]["oracle"]
    assert (oracle["void"], oracle["void_attempts"]) == (0, 1)


@pytest.mark.parametrize("verb", ["report", "score"])
def test_files_without_rollouts_are_a_finding(tmp_path: Path, capsys: Captured, verb: str) -> None:
    path = tmp_path / "rollouts.jsonl"
    path.touch()
    bundle = ["--bundle", str(write_small_bundle(tmp_path).path)] if verb == "score" else []
    assert run([verb, str(path), *bundle]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{path}: no rollouts in there" in shown.err


def test_a_journal_given_to_report_is_sent_to_score(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "episode.jsonl"
    path.write_text(line_text(stored_rollout("a").episode.to_json()), encoding="utf-8")
    assert run(["report", str(path)]) == 2
    err = capsys.readouterr().err
    assert "is a journal" in err
    assert "`arena score" in err
    assert "delete" not in err


def test_a_run_says_what_it_does_not_do(tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "rollouts.jsonl"
    with RolloutStore(out) as store:
        store.append(stored_rollout("a"))
    with running(tmp_path) as (bundle, server):
        there = ["--control", server.addresses.control, "--token", server.token]
        asked = ["rollout", str(bundle.path), *there, "--agent", "noop", "--task", TASK]
        assert run(asked) == 0
        assert "results are only shown; --out FILE keeps them" in capsys.readouterr().err
        assert run([*asked, "--out", str(out)]) == 0
        err = capsys.readouterr().err
        assert "also holds rollouts of library; `arena report` shows" in err
        assert "only shown" not in err
        assert run([*asked, "--out", str(out)]) == 0
        assert (
            f"all rollouts asked for (1) are in {out} already; nothing" in capsys.readouterr().err
        )
        few = ["rollout", *there, "--agent", "noop", "--tasks", "1000"]
        assert run([*few, "--environment", "nope"]) == 2
        capsys.readouterr()
        run(few)
        err = capsys.readouterr().err
        assert f"there are {len(bundle.tasks)} tasks, fewer than --tasks 1000; all are" in err
    assert run(["report", str(out), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["environments"]) == {"library", bundle.name}


@requirement("client:void-never-scored")
def test_a_killed_server_is_told_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path) as (_, server):
        there = ["--control", server.addresses.control, "--token", server.token]
        seeds = [option for seed in range(20000) for option in ("--seed", str(seed))]
        out = tmp_path / "rollouts.jsonl"
        asked = ["rollout", *there, "--agent", "noop", "--task", TASK, *seeds, "--out", str(out)]
        command = [sys.executable, "-m", "astra_arena.servers", *asked]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            while not out.exists() or out.read_bytes().count(b"\n") < 5:
                assert process.poll() is None
                time.sleep(0.01)
            os.kill(server.pid, signal.SIGKILL)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.count(b"\n") == 1, err.decode()
    assert b"attempts in a row were void" in err
    assert f"is in {out}; run again to go on".encode() in err


def test_every_verb_shows_an_example(capsys: Captured) -> None:
    for verb in ("rollout", "score", "report"):
        assert run([verb, "--help"]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert f"Example: arena {verb}" in shown
        assert verb != "rollout" or "oracle (the default)" in shown


@requirement("client:resume", "client:store")
def test_ctrl_c_leaves_whole_lines_that_a_second_run_goes_on_from(
    tmp_path: Path, capsys: Captured
) -> None:
    bundle = write_small_bundle(tmp_path)
    out = tmp_path / "rollouts.jsonl"
    seeds = [option for seed in range(150) for option in ("--seed", str(seed))]
    asked = ["rollout", str(bundle.path), "--task", TASK, *seeds, "--out", str(out), "--json"]
    # Whoever runs the tests in the background may have them ignore it.
    heeding = ["env", "--default-signal=INT"]
    command = [*heeding, sys.executable, "-m", "astra_arena.servers", *asked]
    # A terminal sends Ctrl-C to the whole process group.
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        while not out.exists() or out.read_bytes().count(b"\n") < 5:
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
    held = out.read_bytes()
    assert held.endswith(b"\n")
    assert 5 <= held.count(b"\n") < 150
    assert process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert b"Traceback" not in err
    assert b"run again to go on" in err
    assert run(asked) == 0
    figures = json.loads(capsys.readouterr().out)["agents"]["oracle"]
    assert (figures["mean_reward"], figures["void"]) == (1, 0)
    assert out.read_bytes().startswith(held)
    assert out.read_bytes().count(b"\n") == 150


def test_report_and_score_load_no_protocol() -> None:
    heavy = ("fastapi", "httpx", "httpx2", "mcp", "openai", "uvicorn")
    code = (
        "import sys, astra_arena.client.cli\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
