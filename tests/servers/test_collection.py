"""Folders that hold bundles and suites side by side."""

import json
import shutil
from pathlib import Path

import httpx
import pytest

from astra_arena.core import cli
from astra_arena.core.errors import BundleError
from astra_arena.servers import Bundle
from astra_arena.servers.bundles.bundle import copy_bundle
from astra_arena.servers.bundles.collection import load_sources, source_folders
from astra_arena.servers.server_process import start_server_process
from tests.servers.joint_suite import SUITE, write_town
from tests.servers.small_bundle import NAME as LIBRARY
from tests.support.requirement import requirement


@pytest.fixture
def shelf(bundle: Bundle, tmp_path: Path) -> Path:
    """A folder with a suite, a bundle, and what is neither."""
    folder = tmp_path / "shelf"
    copy_bundle(bundle, folder / "library")
    shutil.copytree(write_town(tmp_path / "made", bundle).path, folder / "a-town")
    copy_bundle(bundle, folder / ".draft")
    (folder / "notes").mkdir()
    (folder / "README.md").write_text("What stands here.", encoding="utf-8")
    return folder


@requirement("suite:folders")
def test_a_folder_gives_what_is_in_its_folders_sorted_and_nothing_hidden(shelf: Path) -> None:
    assert source_folders(shelf) == (shelf / "a-town", shelf / "library")
    assert [source.name for source in load_sources([shelf])] == [SUITE, LIBRARY]


@requirement("suite:folders")
def test_a_bundle_is_itself_and_a_suite_does_not_give_its_members(shelf: Path) -> None:
    assert source_folders(shelf / "library") == (shelf / "library",)
    assert source_folders(shelf / "a-town") == (shelf / "a-town",)


@requirement("suite:folders")
def test_a_folder_without_any_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match=r"neither it nor any of its 1 folders holds environment"):
        source_folders(tmp_path)
    with pytest.raises(BundleError, match="found nothing such"):
        source_folders(tmp_path / "nowhere")


@requirement("suite:folders")
def test_a_damaged_one_is_told_by_name_and_nothing_is_served(shelf: Path) -> None:
    with (shelf / "library" / "tools.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    with pytest.raises(BundleError, match=r"shelf/library: environment\.json, tools\.py"):
        load_sources([shelf])
    assert cli.run(["serve", str(shelf)]) == 2


@requirement("suite:folders")
def test_serving_a_folder_serves_all_of_it(shelf: Path) -> None:
    with start_server_process([shelf]) as server:
        told = httpx.get(
            f"{server.addresses.control}/environments",
            headers={"Authorization": f"Bearer {server.token}"},
        ).json()
    assert [one["name"] for one in told] == [SUITE, LIBRARY]


def test_inspecting_a_folder_shows_a_line_for_each(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["inspect", str(shelf), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["members"]) for one in told] == [(SUITE, 2), (LIBRARY, 1)]
    assert cli.run(["inspect", str(shelf)]) == 0
    assert "2 environments" in capsys.readouterr().out
    assert cli.run(["inspect", str(shelf), "--gold"]) == 2
    assert f"like {shelf / 'a-town'}" in capsys.readouterr().err
