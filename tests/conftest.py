"""What holds for every test: one event loop, and the same generated examples on every run."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True)
settings.load_profile("repeatable")

_TESTS = Path(__file__).parent
_SPREAD = {_TESTS / "adversarial", _TESTS / "sandbox" / "test_conformance.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share what takes seconds to make in one test process.

    These are the tests of one file, and those of the largest source. What is only parametrised
    runs wherever there is room.
    """
    for item in items:
        if "flights" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("flights"))
        elif _SPREAD.isdisjoint({item.path.parent, item.path}):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
