"""Rollouts are collected from confined tools only."""

from pathlib import Path

import pytest

from astra_arena.client import HttpVenue
from astra_arena.client.collect import collect
from astra_arena.client.confinement import UNKNOWN, require_confined
from astra_arena.client.scripted_agents import build_agent
from astra_arena.core.errors import SandboxUnavailableError, SettingsError
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers import open_server
from tests.servers.small_bundle import write_small_bundle
from tests.support.requirement import requirement


@requirement("sandbox:unsafe")
async def test_an_unconfined_server_gives_no_training_data(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    async with (
        ProcessSandbox(tier="unsafe") as sandbox,
        open_server([bundle], sandbox=sandbox) as server,
        HttpVenue(server.addresses.control, server.token) as venue,
    ):
        assert (await venue.card()).tier == "unsafe"
        with pytest.raises(SettingsError, match="no training data"):
            await collect(venue, await venue.tasks(), [build_agent("noop", tasks=())])


def test_a_minimum_is_demanded() -> None:
    require_confined("seccomp+landlock", min_tier="seccomp")
    require_confined(UNKNOWN, min_tier="seccomp")
    with pytest.raises(SandboxUnavailableError):
        require_confined("seccomp+landlock", min_tier="seccomp+namespaces")
    with pytest.raises(SettingsError):
        require_confined("seccomp", min_tier="anything")
