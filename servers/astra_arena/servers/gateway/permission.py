"""Which external servers an operator allowed, by the names of the environments that wrap them."""

from collections.abc import Iterable, Sequence

from astra_arena.core.errors import SettingsError
from astra_arena.servers.bundles.bundle import Bundle, read_file
from astra_arena.servers.bundles.external_world import world_digest, world_of
from astra_arena.servers.bundles.suite import Source, members_of


def external_members(sources: Iterable[Source]) -> list[Bundle]:
    """Return the environments that wrap external servers."""
    return [
        member
        for source in sources
        for member in members_of(source)
        if member.environment.world.kind == "external"
    ]


def allowed_servers(sources: Sequence[Source], names: Sequence[str]) -> frozenset[str]:
    """Return what names the servers of environments that the operator allowed.

    Args:
        sources: What is served.
        names: Environments whose servers may be started or reached.

    Raises:
        SettingsError: if an environment has an external server that is not allowed, one that is
            allowed has none, or a variable that a server needs is not set.
    """
    members = external_members(sources)
    by_name = {member.name for member in members}
    for name in names:
        if name not in by_name:
            there = ", ".join(sorted(by_name)) or "none"
            raise SettingsError(
                f"--allow-external {name}: no environment of that name has an external server; "
                f"those that have one: {there}"
            )
    allowed: set[str] = set()
    for member in members:
        world = world_of(member)
        if member.name not in names:
            raise SettingsError(
                f"the environment {member.name!r} at {member.path} wants to use "
                f"{world.reached_by}, whose code is confined by nobody here; if you trust it, say "
                f"--allow-external {member.name}"
            )
        if world.missing_variables:
            raise SettingsError(
                f"the external server of {member.name!r} needs the variables "
                f"{', '.join(world.missing_variables)}; set them and run again"
            )
        allowed.add(world_digest(read_file(member.path / member.environment.world.file)))
    return frozenset(allowed)
