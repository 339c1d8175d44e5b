"""Examining, releasing, reporting."""

import json
from pathlib import Path

import pytest

from astra_arena.core import cli
from astra_arena.core.errors import BundleError, GateError, SandboxUnavailableError
from astra_arena.servers.bundles.bundle import load_bundle
from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.gate import Exam, GateResult, decided
from astra_arena.synthesizer.gates.registry import all_gates, chosen_gates
from astra_arena.synthesizer.gates.release import default_rejects, release
from astra_arena.synthesizer.gates.replay import ReplayGate
from astra_arena.synthesizer.gates.report_page import TITLES
from tests.support.requirement import requirement
from tests.synthesizer.gates.archive import Archive, task

WRONG = Archive().retask(3, task(3, code=11111))


class ScriptedGate:
    """Raises what it is told to, and remembers which tasks it was shown."""

    name = "scripted"

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.shown: list[str] = []

    async def check(self, exam: Exam) -> GateResult:
        self.shown = [one.id for one in exam.tasks]
        if self._error is not None:
            raise self._error
        return decided(self.name, [], {})


@requirement("gates:fail-closed")
@pytest.mark.parametrize(
    "error", [KeyError("lost"), ExceptionGroup("several", [ValueError("one")])], ids=repr
)
def test_a_gate_that_cannot_be_decided_has_failed(error: Exception, tmp_path: Path) -> None:
    card = examine(Archive().write(tmp_path), gates=[ScriptedGate(error)])
    assert not card.releasable
    assert card.gates[0].status == "failed"
    assert "could not be decided" in card.gates[0].findings[0].problem


@requirement("gates:fail-closed")
def test_broken_machinery_decides_nothing(tmp_path: Path) -> None:
    error = ExceptionGroup("several", [SandboxUnavailableError("gone")])
    with pytest.raises(SandboxUnavailableError, match="gone"):
        examine(Archive().write(tmp_path), gates=[ScriptedGate(error)])


@requirement("gates:fail-closed")
def test_a_manifest_that_breaks_its_contract_is_rejected(tmp_path: Path) -> None:
    path = Archive().write(tmp_path)
    manifest = path / "environment.json"
    manifest.write_text(manifest.read_text("utf-8").replace("get_shelf", "get_letter"), "utf-8")
    card = examine(path, gates=[ScriptedGate()])
    assert not card.releasable
    assert [gate.gate for gate in card.gates] == ["schema"]
    with pytest.raises(BundleError):
        examine(tmp_path / "nothing")


@requirement("gates:release")
def test_what_failed_is_left_out_with_its_reason(tmp_path: Path) -> None:
    path, later = WRONG.write(tmp_path), ScriptedGate()
    card = examine(path, gates=[ReplayGate(runs=1), later])
    assert card.rejected_tasks == ("t3",)
    assert later.shown == ["t1", "t2", "t4", "t5", "t6"]
    out = tmp_path / "released"
    release(path, card, out)
    assert [one.id for one in load_bundle(out).tasks] == list(card.passed_tasks)
    (told,) = [json.loads(line) for line in default_rejects(out).read_text("utf-8").splitlines()]
    assert (told["task"], told["gate"], told["kind"]) == ("t3", "replay", "wrong gold")
    assert "11111" not in (out / "report.json").read_text("utf-8")


@requirement("gates:release")
def test_an_environment_whose_tasks_fail_is_not_released(tmp_path: Path) -> None:
    bad = WRONG.retask(4, task(4, code=11112))
    path = bad.write(tmp_path)
    card = examine(path, gates=[ReplayGate(runs=1)])
    with pytest.raises(GateError, match="2 of 6 tasks are rejected"):
        release(path, card, tmp_path / "released")
    assert not (tmp_path / "released").exists()
    assert default_rejects(tmp_path / "released").is_file()


@requirement("gates:report")
def test_the_verb_writes_the_same_report_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, reports = WRONG.write(tmp_path), [tmp_path / "one", tmp_path / "two"]
    for out in reports:
        words = ["check", str(path), "--gate", "replay", "--gate", "near_duplicates"]
        assert cli.run([*words, "--out", str(out), "--json"]) == 1
    one, two = ({file.name: file.read_bytes() for file in out.iterdir()} for out in reports)
    assert one == two
    assert set(one) == {"report.json", "report.html", "rejects.jsonl"}
    report = json.loads(capsys.readouterr().out.partition("\n}\n")[0] + "}")
    assert report["tasks"]["rejected"] == ["t3"]
    page = one["report.html"].decode()
    assert "wrong gold" in page
    assert "http" not in page
    assert "<script" not in page


@requirement("gates:report")
def test_exit_codes_tell_passed_from_misuse(tmp_path: Path) -> None:
    path = str(Archive().write(tmp_path))
    assert cli.run(["check", path, "--gate", "static"]) == 0
    assert cli.run(["check", path, "--gate", "no-such-gate"]) == 2
    assert cli.run(["check", str(tmp_path / "nothing")]) == 2


@requirement("gates:report")
def test_every_gate_has_a_title_for_people() -> None:
    assert list(TITLES) == [gate.name for gate in all_gates()]


@requirement("gates:report")
def test_what_was_released_is_inspected_as_passed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Archive().write(tmp_path)
    release(path, examine(path, gates=chosen_gates(("static",))), tmp_path / "r")
    assert cli.run(["inspect", str(tmp_path / "r")]) == 0
    shown = capsys.readouterr().out
    assert "gate static" in shown
    assert "FAILED" not in shown
