import json
from pathlib import Path

import pytest

from astra_arena.core.cli import run
from tests.support.requirement import requirement
from tests.synthesizer.inputs import make_keyless, make_shop, make_single_table

QUICK = ("--gates", "quick")


@requirement("synth:table")
def test_synth_table_makes_a_bundle_and_says_what_it_holds(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=20, orders=80)
    out = tmp_path / "bundle"
    options = ["--out", str(out), "--tasks", "4", "--name", "corner-shop", "--json"]
    assert run(["synth", "table", str(source), *options, *QUICK]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["name"], said["tasks"]) == ("corner-shop", 4)
    assert "get_order" in said["tools"]
    assert (out / "environment.json").is_file()


@requirement("synth:tools-number")
def test_the_number_and_kind_of_tools_can_be_chosen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=20, orders=80)
    options = ["--out", str(tmp_path / "b"), "--tasks", "3", "--tools", "24", "--json"]
    assert run(["synth", "table", str(source), *options, *QUICK]) == 0
    tools = json.loads(capfd.readouterr().out)["tools"]
    assert 14 < len(tools) <= 24
    assert any(name.startswith("create_") for name in tools)
    assert run(["synth", "table", str(source), *options, "--no-writes", *QUICK]) == 0
    tools = json.loads(capfd.readouterr().out)["tools"]
    assert not any(name.startswith(("create_", "update_", "assign_")) for name in tools)


def test_people_are_told_what_to_try_next(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=20, orders=80)
    assert (
        run(["synth", "table", str(source), "--out", str(tmp_path / "b"), "--tasks", "3", *QUICK])
        == 0
    )
    said = capfd.readouterr().out
    assert "t0001" in said
    assert "inspect" in said
    assert "serve" in said
    assert "--agent random --out random.jsonl" in said
    assert "synth table" not in said
    assert all(line == line.rstrip() for line in said.splitlines())


def test_fewer_tasks_than_asked_for_are_a_notice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_single_table(tmp_path / "films.csv", rows=12)
    out = str(tmp_path / "b")
    assert (
        run(["synth", "table", str(source), "--out", out, "--tasks", "900", "--json", *QUICK]) == 0
    )
    said = capfd.readouterr()
    made = json.loads(said.out)
    notice = f"900 tasks were asked for; the data gave {made['tasks']}"
    assert notice in said.err
    assert made["notices"][-1] == notice


@requirement("input:missing-file", "cli:exit-codes")
def test_a_missing_source_is_misuse(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["synth", "table", str(tmp_path / "none"), "--out", str(tmp_path / "b")]) == 2
    assert "does not exist" in capfd.readouterr().err


@requirement("input:no-key")
def test_a_source_without_a_key_is_bad_input(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_keyless(tmp_path / "sizes.csv")
    assert run(["synth", "table", str(source), "--out", str(tmp_path / "b")]) == 2
    assert "whose rows can be told apart" in capfd.readouterr().err


@requirement("cli:help")
@pytest.mark.parametrize("verb", [["synth", "table"], ["demo"]])
def test_help_shows_an_example(verb: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*verb, "--help"]) == 0
    assert "Example: arena" in capfd.readouterr().out
