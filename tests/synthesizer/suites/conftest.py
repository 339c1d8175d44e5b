from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.servers.bundles.suite import Suite
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.suites.joined_worlds import JoinedWorlds, join_worlds
from astra_arena.synthesizer.suites.suite_synthesis import (
    SuiteOptions,
    SuiteSynthesis,
    synthesize_suite,
)
from astra_arena.synthesizer.suites.table_members import table_member
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from tests.synthesizer.suites.companies import make_returns, make_sales


@dataclass(frozen=True)
class Made:
    """A suite with what it was made from."""

    synthesis: SuiteSynthesis
    bundles: tuple[Path, Path]
    options: SuiteOptions

    @property
    def suite(self) -> Suite:
        return self.synthesis.suite


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The bundles of a shop and of who takes its goods back."""
    folder = tmp_path_factory.mktemp("companies")
    sources = make_sales(folder / "sales.sqlite"), make_returns(folder / "returns.sqlite")
    sales, returns = (
        synthesize_tables(
            source, folder / source.stem, TableOptions(gates=QUICK_GATES, tasks=10)
        ).bundle.path
        for source in sources
    )
    return sales, returns


@pytest.fixture(scope="session")
def made(companies: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Made:
    options = SuiteOptions(tasks=12, distractors=4)
    out = tmp_path_factory.mktemp("suite") / "trade"
    return Made(synthesize_suite(companies, out, options), companies, options)


@contextmanager
def joined(bundles: tuple[Path, ...], folder: Path) -> Generator[JoinedWorlds]:
    """The worlds of bundles side by side."""
    members = [table_member(load_bundle(path)) for path in bundles]
    with join_worlds(members, folder / "joined.sqlite") as worlds:
        yield worlds


def by_name(suite: Suite) -> dict[str, Bundle]:
    """The members of a suite."""
    return {member.name: member for member in suite.members}
