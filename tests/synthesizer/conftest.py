"""Sources that several test files look at; sessions share them."""

from collections.abc import Generator
from pathlib import Path

import pytest

from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.tool_choice import ToolOptions
from tests.synthesizer.analysed import Analysed, analysed, analysed_flights, flights_bundle
from tests.synthesizer.inputs import (
    make_large_numbers,
    make_odd_names,
    make_shop,
    make_single_table,
    make_store,
)
from tests.synthesizer.webshop import make_webshop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Analysed]:
    with analysed(make_shop(tmp_path_factory.mktemp("shop") / "shop.sqlite")) as source:
        yield source


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Generator[Analysed]:
    """A source with all the tools that it calls for."""
    path = make_store(tmp_path_factory.mktemp("store") / "store.sqlite")
    with analysed(path, options=ToolOptions(most_tools=None)) as source:
        yield source


@pytest.fixture(scope="session")
def webshop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Analysed]:
    """A source without descriptions, named as programs name things."""
    with analysed(make_webshop(tmp_path_factory.mktemp("webshop") / "shop.sqlite")) as source:
        yield source


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Generator[Analysed]:
    with analysed(make_single_table(tmp_path_factory.mktemp("films") / "films.csv")) as source:
        yield source


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Generator[Analysed]:
    with analysed(make_odd_names(tmp_path_factory.mktemp("odd") / "odd.sqlite")) as source:
        yield source


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Generator[Analysed]:
    with analysed(make_large_numbers(tmp_path_factory.mktemp("large") / "large.sqlite")) as source:
        yield source


@pytest.fixture(scope="session")
def flights() -> Generator[Analysed]:
    with analysed_flights() as source:
        yield source


@pytest.fixture(scope="session")
def shop_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("shop-bundle")
    source = make_shop(folder / "shop.sqlite")
    return synthesize_tables(
        source, folder / "bundle", TableOptions(gates=QUICK_GATES, tasks=30)
    ).bundle


@pytest.fixture(scope="session")
def flights_made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle of the shipped data, with half as many tasks as the demo makes."""
    base: Path = tmp_path_factory.getbasetemp()
    # With several test processes, the folder above is common to all of them.
    return flights_bundle(base.parent if base.name.startswith("popen-") else base)
