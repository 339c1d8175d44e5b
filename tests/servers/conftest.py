"""The small library, written once for each test process."""

import pytest

from astra_arena.servers import Bundle
from tests.servers.phased_bundle import write_phased_bundle
from tests.servers.small_bundle import write_small_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_small_bundle(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def phased(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_phased_bundle(tmp_path_factory.mktemp("phased"))
