"""Which venue a command plays on, from its options."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from astra_arena.client.http_venue import HttpVenue
from astra_arena.client.stdio_venue import StdioVenue
from astra_arena.client.venue import Venue
from astra_arena.core.errors import ConnectionLostError, SettingsError
from astra_arena.core.rollouts import Transport
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.server_process import start_server_process

TOKEN_VARIABLE = "ARENA_TOKEN"


@asynccontextmanager
async def open_venue(
    bundle: Source | None,
    control: str | None,
    token: str | None,
    environment: str | None,
    transport: Transport,
    beside: Sequence[Path] = (),
    allow_external: Sequence[str] = (),
) -> AsyncGenerator[Venue]:
    """Open what the options of `arena rollout` name, for as long as the block runs.

    Args:
        bundle: Served by this command, unless `control` is given.
        control: Address of a running server.
        token: Its token.
        environment: Which of its environments.
        transport: How agents are connected.
        beside: Further bundles to serve, so that their tools can be mixed in.
        allow_external: Environments whose external servers may be started or reached.

    Raises:
        SettingsError: if the options do not name one venue, or it cannot be used.
    """
    if (beside or allow_external) and control is not None:
        raise SettingsError(
            "--beside and --allow-external are for servers that this command starts, not for "
            "--control"
        )
    if transport == "stdio":
        if bundle is None or control is not None:
            raise SettingsError(
                "--transport stdio starts its own servers: name a BUNDLE, no --control"
            )
        async with StdioVenue(bundle, beside=beside, allow_external=allow_external) as venue:
            yield venue
    elif control is not None:
        if token is None:
            raise SettingsError(f"--control needs the server's token: --token or {TOKEN_VARIABLE}")
        name = environment or (bundle.name if bundle else None)
        async with HttpVenue(control, token, environment=name) as venue:
            try:
                await _require_same_bundle(venue, bundle, control)
            except ConnectionLostError as error:
                # Nothing was ever there: the address is wrong, not the machinery.
                raise SettingsError(error.message) from None
            yield venue
    else:
        assert bundle is not None, "the command asks for one of them"
        folders = [bundle.path, *beside]
        with start_server_process(folders, allow_external=allow_external) as server:
            async with HttpVenue(
                server.addresses.control, server.token, environment=bundle.name
            ) as venue:
                yield venue


async def _require_same_bundle(venue: HttpVenue, bundle: Source | None, control: str) -> None:
    card = await venue.card()
    if bundle is None:
        return
    ours = (bundle.digests.environment, bundle.digests.tasks)
    if (card.environment_digest, card.tasks_digest) != ours:
        raise SettingsError(
            f"the server at {control} serves another version of {bundle.name!r} than the bundle at "
            f"{bundle.path}: {card.environment_digest} with tasks {card.tasks_digest}; "
            "its gold does not fit"
        )
