import shutil
from pathlib import Path

import pytest

from scripts.make_suite import PLACE
from tests.docker.playing import NAMES


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three environments, one of them a suite."""
    folder = tmp_path_factory.mktemp("environments")
    for name in NAMES:
        shutil.copytree(PLACE / name, folder / name)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder
