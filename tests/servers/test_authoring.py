"""Environments by hand: scaffolded, changed, sealed, and brought from older formats."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.cli import run
from astra_arena.core.errors import BundleError, SettingsError
from astra_arena.servers import Bundle, load_bundle, load_suite
from astra_arena.servers.bundles.migrate import migrate_bundle
from astra_arena.servers.bundles.scaffold import WorldKind, init_bundle
from astra_arena.servers.bundles.seal import seal
from astra_arena.synthesizer.gates.examination import examine
from tests.servers.joint_suite import write_town
from tests.servers.small_bundle import write_small_bundle
from tests.support.requirement import requirement

KINDS: tuple[WorldKind, ...] = ("json", "sqlite")


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@requirement("servers:init")
@pytest.mark.parametrize("world", KINDS)
def test_a_scaffolded_environment_passes_every_gate(tmp_path: Path, world: WorldKind) -> None:
    bundle = init_bundle(tmp_path / "shop", name="my-shop", world=world)
    assert (bundle.name, bundle.environment.world.kind) == ("my-shop", world)
    assert len(bundle.tasks) == 9
    card = examine(bundle.path)
    assert card.clean, card.to_report(gold=True)


def test_scaffolding_gives_equal_bytes(tmp_path: Path) -> None:
    for place in ("a", "b"):
        init_bundle(tmp_path / place, name="shop", world="json")
    for file in ("environment.json", "tools.py", "world.json", "tasks.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_verb_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", "my-shop"]) == 0
    assert "arena seal my-shop" in capsys.readouterr().out
    assert (tmp_path / "my-shop" / "README.md").is_file()
    assert run(["init", "My Shop"]) == 2
    assert "a-z" in capsys.readouterr().err


@requirement("servers:seal")
def test_a_change_is_refused_until_it_is_sealed_and_tasks_are_bound_again(tmp_path: Path) -> None:
    before = init_bundle(tmp_path / "shop", name="shop", world="json")
    edited(before.path / "environment.json", "Look up a job.", "Look up one job.")
    with pytest.raises(BundleError, match="arena seal"):
        load_bundle(before.path)
    sealed = seal(before.path)
    after = load_bundle(before.path)
    assert sealed.source == after
    assert after.digests.environment != before.digests.environment
    assert {task.environments for task in after.tasks} == {(after.digests.environment,)}
    assert [task.id for task in after.tasks] == [task.id for task in before.tasks]
    assert seal(before.path).source == after


def test_a_report_of_earlier_content_goes_and_one_of_the_present_stays(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    assert seal(bundle.path).notices == ()
    assert (bundle.path / "report.json").exists()
    edited(bundle.path / "tools.py", "no loan of", "no loan called")
    (notice,) = seal(bundle.path).notices
    assert "arena check" in notice
    assert not (bundle.path / "report.json").exists()


def break_json(path: Path) -> None:
    edited(path / "environment.json", '"title":', '"title"')


def misname_field(path: Path) -> None:
    edited(path / "environment.json", '"domain":', '"domian":')


def break_code(path: Path) -> None:
    edited(path / "tools.py", "def get_job(", "def get_job((")


def drop_function(path: Path) -> None:
    edited(path / "tools.py", "def get_owner(", "def find_owner(")


def rename_argument(path: Path) -> None:
    edited(path / "tools.py", "def get_job(world, *, job_id)", "def get_job(world, job_id)")


def break_world(path: Path) -> None:
    (path / "world.json").write_text("[1]", encoding="utf-8")


def break_task(path: Path) -> None:
    edited(path / "tasks.jsonl", '"id": "ring-1"', '"idd": "ring-1"')


def double_task(path: Path) -> None:
    edited(path / "tasks.jsonl", '"id": "ring-2"', '"id": "ring-1"')


def name_no_tool(path: Path) -> None:
    edited(path / "tasks.jsonl", '"tool": "get_owner"', '"tool": "ask_owner"')


def name_other_environment(path: Path) -> None:
    edited(path / "tasks.jsonl", '"environment": "shop"', '"environment": "store"')


MISTAKES: dict[Callable[[Path], None], tuple[str, ...]] = {
    break_json: ("environment.json", "line"),
    misname_field: ("environment.json", "domian", "domain"),
    break_code: ("tools.py line", "Python"),
    drop_function: ("tools.py", "get_owner", "find_owner"),
    rename_argument: ("tools.py line", "get_job(world, *, job_id)"),
    break_world: ("world.json", "object", "list"),
    break_task: ("tasks.jsonl line", "idd"),
    double_task: ("tasks.jsonl", "ring-1", "twice"),
    name_no_tool: ("tasks.jsonl", "ask_owner", "get_owner"),
    name_other_environment: ("tasks.jsonl", "'shop'", "'store'"),
}


@requirement("servers:seal")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_told_with_its_place_and_nothing_is_written(
    tmp_path: Path, mistake: Callable[[Path], None]
) -> None:
    path = init_bundle(tmp_path / "shop", name="shop", world="json").path
    mistake(path)
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    with pytest.raises(BundleError) as caught:
        seal(path)
    for words in MISTAKES[mistake]:
        assert words in caught.value.message
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


def test_a_world_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = init_bundle(tmp_path / "shop", name="shop", world="sqlite").path
    (path / "world.sqlite").write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="SQLite database"):
        seal(path)


def test_a_changed_database_is_sealed(tmp_path: Path) -> None:
    path = init_bundle(tmp_path / "shop", name="shop", world="sqlite").path
    with closing(sqlite3.connect(path / "world.sqlite")) as database, database:
        database.execute("UPDATE owners SET phone = phone || '0'")
    assert isinstance(seal(path).source, Bundle)


@requirement("servers:seal")
def test_a_suite_is_sealed_with_its_members(tmp_path: Path) -> None:
    suite = write_town(tmp_path, write_small_bundle(tmp_path / "library"))
    member = suite.members[0]
    edited(suite.path / "members" / member.name / "tools.py", "no loan of", "no loan called")
    with pytest.raises(BundleError):
        load_suite(suite.path)
    seal(suite.path)
    sealed = load_suite(suite.path)
    assert sealed.digests.environment != suite.digests.environment
    joint = [task for task in sealed.tasks if len(task.environments) == 2]
    assert joint
    assert set(joint[0].environments) == {one.digests.environment for one in sealed.members}


def old_format(path: Path) -> None:
    """Spell a bundle as format 0 did."""
    file = path / "environment.json"
    manifest: JsonObject = json.loads(file.read_text(encoding="utf-8"))
    del manifest["format_version"], manifest["digests"]
    manifest["license"] = "CC0-1.0"
    del manifest["licence"]
    tools: list[Json] = []
    listed = manifest["tools"]
    assert isinstance(listed, list)
    for tool in listed:
        assert isinstance(tool, dict)
        annotations: JsonObject = {"readOnlyHint": tool.get("read_only", False)}
        tools.append(
            {
                "name": tool["name"],
                "description": tool["description"],
                "inputSchema": tool["input_schema"],
                "outputSchema": tool["output_schema"],
                "annotations": annotations,
            }
        )
    file.write_text(json.dumps({**manifest, "tools": tools}), encoding="utf-8")
    tasks: list[str] = []
    for line in (path / "tasks.jsonl").read_text(encoding="utf-8").splitlines():
        task: dict[str, Any] = json.loads(line)
        (turn,) = task.pop("turns")
        tasks.append(json.dumps({**task, "prompt": turn["say"]}))
    (path / "tasks.jsonl").write_text("\n".join(tasks) + "\n", encoding="utf-8")


@requirement("servers:migrate")
def test_a_bundle_without_a_version_becomes_one_of_the_present_format(tmp_path: Path) -> None:
    wanted = init_bundle(tmp_path / "shop", name="shop", world="json")
    old_format(wanted.path)
    with pytest.raises(BundleError, match="arena migrate"):
        load_bundle(wanted.path)
    old = (wanted.path / "environment.json").read_bytes()
    migrated = migrate_bundle(wanted.path)
    assert isinstance(migrated.source, Bundle)
    assert migrated.source.environment.tools == wanted.environment.tools
    assert [task.prompt for task in migrated.source.tasks] == [t.prompt for t in wanted.tasks]
    assert migrated.steps == ("manifest without a version",)
    assert migrated.original is not None
    assert (migrated.original / "environment.json").read_bytes() == old
    assert migrate_bundle(wanted.path).steps == ()


@requirement("servers:migrate")
def test_final_states_of_one_digest_name_their_world(tmp_path: Path) -> None:
    path = init_bundle(tmp_path / "shop", name="shop", world="json").path
    digest = "sha256:" + "0" * 64
    file = path / "tasks.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    last: JsonObject = json.loads(lines[-1])
    last["final_state"] = {"digest": digest}
    file.write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n", encoding="utf-8")
    migrated = migrate_bundle(path, out=tmp_path / "new")
    state = migrated.source.tasks[-1].final_state
    assert state is not None
    assert state.digests == {"shop": digest}
    assert migrated.original is None
    assert json.loads(file.read_text(encoding="utf-8").splitlines()[-1])["final_state"] == {
        "digest": digest
    }


def test_what_cannot_be_migrated_is_left_alone(tmp_path: Path) -> None:
    path = init_bundle(tmp_path / "shop", name="shop", world="json").path
    edited(path / "environment.json", '"format_version": 1', '"format_version": 7')
    for read in (load_bundle, migrate_bundle):
        with pytest.raises(BundleError, match=r"format 7.*newer"):
            read(path)
    edited(path / "environment.json", '"format_version": 7', '"format_version": 1')
    old_format(path)
    (tmp_path / "shop.old").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SettingsError, match="--out"):
        migrate_bundle(path)
    assert sorted(tmp_path.iterdir()) == before
