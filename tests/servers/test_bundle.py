"""Bundles: written the same each time, refused when a byte differs."""

import errno
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from astra_arena.core.errors import BundleError, UnknownTaskError
from astra_arena.servers import Bundle, load_bundle
from astra_arena.servers.bundles.bundle import copy_bundle, require_place
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


def test_a_bundle_replaces_a_bundle_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    made = write_small_bundle(tmp_path)
    (made.path / "server.py").touch()
    again = write_small_bundle(tmp_path)
    assert again == made
    assert not (again.path / "server.py").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_copy_holds_the_files_beside_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    source = load_bundle(copied(bundle, tmp_path))
    (source.path / "server.py").write_text("# serve", encoding="utf-8")
    copy = copy_bundle(source, tmp_path / "new" / "place")
    assert load_bundle(copy.path) == copy
    assert (copy.path / "server.py").read_text(encoding="utf-8") == "# serve"


def test_writers_to_one_place_do_not_meet_and_the_last_one_wins_whole(tmp_path: Path) -> None:
    source = write_small_bundle(tmp_path)
    place = tmp_path / "common"

    def write(_: int) -> Bundle:
        return copy_bundle(source, place)

    with ThreadPoolExecutor(8) as pool:
        assert all(one.path == place for one in pool.map(write, range(40)))
    assert load_bundle(place).digests == source.digests
    assert {path.name for path in tmp_path.iterdir()} == {source.path.name, "common"} | {
        path.name for path in tmp_path.iterdir() if path.is_file()
    }


def test_a_full_disk_leaves_the_old_bundle_and_says_what_to_do(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = copied(bundle, tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copy", full)
    with pytest.raises(BundleError, match=r"No space left on device\. Free space and run again"):
        copy_bundle(bundle, place)
    assert load_bundle(place).digests == bundle.digests
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("end", [OSError(errno.EIO, "Input/output error"), SystemExit(143)])
def test_a_replacement_that_breaks_off_puts_the_old_bundle_back(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    place, rename = copied(bundle, tmp_path), Path.rename

    def breaking(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise end
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", breaking)
    with pytest.raises((BundleError, SystemExit)):
        copy_bundle(bundle, place)
    assert load_bundle(place).digests == bundle.digests
    assert list(tmp_path.iterdir()) == [place]


def test_a_place_that_cannot_be_written_is_found_out_without_writing(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for path in (tmp_path / "file", tmp_path):
        with pytest.raises(BundleError, match="exists and is no bundle"):
            require_place(path)
    for path in (tmp_path / "file" / "beneath", Path("/proc/nothing/bundle")):
        with pytest.raises(BundleError, match=r"cannot be written to .*Choose another folder"):
            require_place(path)
    monkeypatch.chdir(copied(bundle, tmp_path))
    with pytest.raises(BundleError, match="is where this command runs"):
        require_place(Path())
    require_place(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "file"]
