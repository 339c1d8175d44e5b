"""Bundles: written the same each time, refused when a byte differs."""

import shutil
from pathlib import Path

import pytest

from astra_arena.core.errors import BundleError, UnknownTaskError
from astra_arena.servers import Bundle, load_bundle
from tests.servers.small_bundle import TASK, write_small_bundle
from tests.support.requirement import requirement


def copied(bundle: Bundle, folder: Path) -> Path:
    return Path(shutil.copytree(bundle.path, folder / "copy"))


@requirement("bundle:deterministic")
def test_equal_inputs_make_equal_bytes(bundle: Bundle, tmp_path: Path) -> None:
    again = write_small_bundle(tmp_path)
    names = sorted(path.name for path in bundle.path.iterdir())
    assert sorted(path.name for path in again.path.iterdir()) == names
    for name in names:
        assert (again.path / name).read_bytes() == (bundle.path / name).read_bytes()


def test_a_bundle_reads_back_as_it_was_written(bundle: Bundle) -> None:
    read = load_bundle(bundle.path)
    assert read == bundle
    assert {task.environments for task in read.tasks} == {(bundle.digests.environment,)}


@requirement("bundle:digest")
@pytest.mark.parametrize("name", ["environment.json", "tools.py", "world.sqlite", "tasks.jsonl"])
def test_a_changed_byte_is_refused_by_the_name_of_its_file(
    bundle: Bundle, tmp_path: Path, name: str
) -> None:
    path = copied(bundle, tmp_path)
    data = bytearray((path / name).read_bytes())
    place = data.rindex(b"library") if name == "environment.json" else len(data) - 2
    data[place] ^= 1
    (path / name).write_bytes(data)
    with pytest.raises(BundleError, match=name.replace(".", r"\.")):
        load_bundle(path)


@pytest.mark.parametrize("name", ["environment.json", "tools.py", "world.sqlite", "tasks.jsonl"])
def test_a_missing_file_is_named(bundle: Bundle, tmp_path: Path, name: str) -> None:
    path = copied(bundle, tmp_path)
    (path / name).unlink()
    with pytest.raises(BundleError, match=name.replace(".", r"\.")):
        load_bundle(path)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"environment\.json"):
        load_bundle(tmp_path)
    with pytest.raises(BundleError, match="nothing"):
        load_bundle(tmp_path / "nothing")


@requirement("servers:unknown-task")
def test_an_unknown_task_is_refused_with_some_that_exist(bundle: Bundle) -> None:
    with pytest.raises(UnknownTaskError, match=TASK):
        bundle.task("nothing")
