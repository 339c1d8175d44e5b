"""What holds for every test: one event loop, and the same generated examples on every run."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True)
settings.load_profile("repeatable")

_TESTS = Path(__file__).parent
_SPREAD = (
    _TESTS / "adversarial",
    _TESTS / "sandbox" / "test_conformance.py",
    _TESTS / "synthesizer" / "test_shipped_data.py",
)
"""Tests that share nothing: they run wherever there is room."""
_SHARED = ("flights", "flights_made", "petstore", "shop_bundle")
"""Fixtures that take long to make and are used by several files."""


# Before the plugin that distributes tests reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share what takes seconds to make in one test process, slow ones first."""
    items.sort(key=_rank)
    for item in items:
        if not any(item.path.is_relative_to(one) for one in _SPREAD):
            names: Sequence[str] = getattr(item, "fixturenames", ())
            shared = next((one for one in _SHARED if one in names), str(item.path))
            item.add_marker(pytest.mark.xdist_group(shared))


def _rank(item: pytest.Item) -> int:
    """Order files of environments' synthesis before all others: these keep a process longest."""
    return not item.path.is_relative_to(_TESTS / "synthesizer")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
