"""What holds for every test: one event loop, and the same generated examples on every run."""

import pytest
from hypothesis import settings

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one large source in one test process: reading it takes seconds."""
    for item in items:
        if "flights" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("flights"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
