"""Suites on disk."""

import json
from pathlib import Path

import pytest

from astra_arena.core.errors import BundleError, SpecError, UnknownTaskError
from astra_arena.servers import (
    Bundle,
    Suite,
    load_source,
    load_suite,
    source_facts,
    write_suite,
)
from astra_arena.servers.cli import inspect
from tests.servers.joint_suite import GUIDE, JOINT_TASK, SUITE, joint_tasks, write_guide, write_town
from tests.servers.small_bundle import NAME as LIBRARY
from tests.support.requirement import requirement


@pytest.fixture
def town(bundle: Bundle, tmp_path: Path) -> Suite:
    return write_town(tmp_path, bundle)


def files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@requirement("episodes:suites")
def test_what_is_written_is_read_back_and_equal_inputs_make_equal_bytes(
    bundle: Bundle, town: Suite, tmp_path: Path
) -> None:
    assert load_suite(town.path) == town
    assert load_source(town.path) == town
    assert load_source(bundle.path) == bundle
    assert [member.name for member in town.members] == [LIBRARY, GUIDE]
    assert town.members[0].path == town.path / "members" / LIBRARY
    again = write_town(tmp_path / "again", bundle)
    assert files(again.path) == files(town.path)
    assert sorted(name for name in files(town.path) if "/" not in name) == [
        "report.json",
        "suite.json",
        "tasks.jsonl",
    ]


@requirement("episodes:suites")
@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("suite.json", "suite.json"),
        ("tasks.jsonl", "tasks.jsonl"),
        (f"members/{GUIDE}/tools.py", f"members/{GUIDE}"),
        (f"members/{LIBRARY}/tasks.jsonl", f"members/{LIBRARY}/tasks.jsonl"),
    ],
)
def test_a_file_that_was_changed_is_named(town: Suite, file: str, part: str) -> None:
    path = town.path / file
    text = path.read_text(encoding="utf-8")
    changed = text.replace("Town", "City") if file == "suite.json" else text + "\n# more\n"
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(BundleError, match=part):
        load_suite(town.path)


@requirement("episodes:suites")
def test_a_member_that_was_exchanged_is_named(town: Suite, tmp_path: Path) -> None:
    manifest = town.path / "members" / GUIDE / "environment.json"
    other = write_guide(tmp_path / "other")
    changed = json.loads((other.path / "environment.json").read_text(encoding="utf-8"))
    assert json.loads(manifest.read_text(encoding="utf-8")) == changed
    for file in town.path.joinpath("members", LIBRARY).iterdir():
        (town.path / "members" / GUIDE / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BundleError, match=f"is '{LIBRARY}'"):
        load_suite(town.path)


@requirement("episodes:suites")
def test_a_path_that_leaves_the_suite_is_refused(town: Suite) -> None:
    file = town.path / "suite.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["members"][0]["path"] = "../../elsewhere"
    file.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match=f"expected at members/{LIBRARY}"):
        load_suite(town.path)


@requirement("episodes:suites")
def test_nothing_foreign_is_overwritten_and_a_suite_is_replaced(
    bundle: Bundle, town: Suite, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine", encoding="utf-8")
    tasks = joint_tasks(*town.members)
    with pytest.raises(BundleError, match="is no suite"):
        write_suite(foreign, name=SUITE, title="Town", members=town.members, tasks=tasks)
    assert files(foreign) == {"letter.txt": b"mine"}
    with pytest.raises(BundleError, match="is no suite"):
        write_suite(bundle.path, name=SUITE, title="Town", members=town.members, tasks=tasks)
    # From its own members: they are copied before the old folder goes.
    smaller = write_suite(
        town.path, name=SUITE, title="Town", members=town.members, tasks=tasks[:1]
    )
    assert [task.id for task in smaller.tasks] == [JOINT_TASK]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_suite_is_refused_when_names_clash_or_a_task_is_about_something_else(
    bundle: Bundle, town: Suite, tmp_path: Path
) -> None:
    tasks = joint_tasks(*town.members)

    def write(name: str, members: tuple[Bundle, ...]) -> Suite:
        return write_suite(tmp_path / "new", name=name, title="T", members=members, tasks=tasks)

    with pytest.raises(SpecError, match="must differ"):
        write(LIBRARY, town.members)
    with pytest.raises(SpecError, match="must differ"):
        write(SUITE, (bundle, bundle))
    with pytest.raises(SpecError, match="which is no member"):
        write(SUITE, (bundle,))
    half = tasks[0].model_copy(update={"environments": tasks[0].environments[:1]})
    with pytest.raises(SpecError, match="not among the environments"):
        write_suite(tmp_path / "new", name=SUITE, title="T", members=town.members, tasks=(half,))
    assert not (tmp_path / "new").exists()


def test_a_task_that_is_not_there_is_named_with_what_is(town: Suite) -> None:
    with pytest.raises(UnknownTaskError, match=f"suite '{SUITE}' has no task 'x'; it has 3"):
        town.task("x")


@requirement("episodes:suites")
def test_inspect_shows_the_members_tasks_and_digests_of_a_suite(
    town: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = source_facts(town, tasks=True)
    members = facts["members"]
    assert isinstance(members, list)
    assert [one["name"] for one in members if isinstance(one, dict)] == [LIBRARY, GUIDE]
    assert facts["environment_digest"] == town.digests.environment
    assert facts["tasks"] == {
        "total": 3,
        "by_sub_questions": {"0": 1, "1": 1, "2": 1},
        "by_variant": {"base": 3},
    }
    inspect(town.path, tasks=True, gold=True, as_json=False)
    shown = capsys.readouterr().out
    assert "Members" in shown
    assert GUIDE in shown
    assert "by the sea" in shown
