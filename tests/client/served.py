"""The small library served in this process, and addresses where nothing is."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from astra_arena.client.http_venue import HttpVenue
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.serve import RunningServer, open_server
from tests.servers.small_bundle import write_small_bundle


@asynccontextmanager
async def served(folder: Path) -> AsyncGenerator[tuple[Bundle, RunningServer, HttpVenue]]:
    bundle = write_small_bundle(folder)
    async with (
        open_server([bundle]) as server,
        HttpVenue(server.addresses.control, server.token) as venue,
    ):
        yield bundle, server, venue


def nowhere() -> str:
    """Return an address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
