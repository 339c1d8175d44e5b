"""Every test here is marked `interop` and left out of a plain run."""

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from tests.interop.environments import Arena, make_places, open_arena
from tests.interop.tooling import InstallError, Tooling, install

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.is_relative_to(_FOLDER):
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def tooling() -> Tooling:
    """Everything of other people's that is needed; without it nothing can be said."""
    try:
        return install()
    except InstallError as error:
        pytest.fail(f"NOTHING WAS TESTED: {error}", pytrace=False)


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Generator[Arena]:
    """All kinds of environments, served by one process."""
    with open_arena(make_places(tmp_path_factory.mktemp("environments"))) as running:
        yield running
