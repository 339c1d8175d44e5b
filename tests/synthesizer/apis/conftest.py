"""The environment that the petstore becomes, made once."""

import pytest

from astra_arena.synthesizer.apis.api_options import ApiOptions
from astra_arena.synthesizer.apis.api_synthesis import ApiSynthesis, synthesize_api
from astra_arena.synthesizer.shipped_data import shipped_api

PETSTORE = shipped_api("petstore")
OPTIONS = ApiOptions(tasks=12, rows=60, seed=3)


@pytest.fixture(scope="session")
def petstore(tmp_path_factory: pytest.TempPathFactory) -> ApiSynthesis:
    """Return the environment with its coverage."""
    return synthesize_api(PETSTORE, tmp_path_factory.mktemp("petstore") / "bundle", OPTIONS)
