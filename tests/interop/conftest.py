"""Every test here is marked `interop` and left out of a plain run."""

from collections.abc import Sequence
from pathlib import Path

import pytest

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
