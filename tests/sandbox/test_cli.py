"""The verbs of the sandbox."""

import json
from pathlib import Path

import pytest

from astra_arena.core.cli import run
from astra_arena.sandbox.tiers import probe_tiers
from tests.sandbox.workers import running_worker, start_worker


def test_the_probe_says_what_the_machine_has(capsys: pytest.CaptureFixture[str]) -> None:
    report = probe_tiers()
    assert run(["sandbox-probe", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"tier": report.tier, "missing": report.missing}
    assert run(["sandbox-probe"]) == 0
    out = capsys.readouterr().out
    assert str(report.tier) in out
    assert all(reason in out for reason in report.missing.values())


def test_a_tier_that_does_not_exist_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox-probe", "--min-tier", "armour"]) == 2
    assert "armour" in capsys.readouterr().err


def test_a_worker_says_in_one_line_where_it_listens(tmp_path: Path) -> None:
    with running_worker(tmp_path, f"unix:{tmp_path}/socket", "--min-tier", "seccomp") as worker:
        assert worker.address == f"unix:{tmp_path}/socket"
        assert "seccomp" in worker.tier
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize(
    ("listen", "options"),
    [("nowhere", ()), ("unix:/nowhere/socket", ()), ("unix:socket", ("--min-tier", "armour"))],
)
def test_what_a_worker_cannot_use_is_misuse(
    tmp_path: Path, listen: str, options: tuple[str, ...]
) -> None:
    process = start_worker(tmp_path, listen, *options)
    assert process.communicate()[0] == b""
    assert process.returncode == 2
