"""A bundle of an external server: it is asked for its tools once, and nothing of it is copied."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, pretty_text
from astra_arena.core.environment import Environment, Licence, World
from astra_arena.core.errors import SettingsError, SpecError
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle, write_bundle
from astra_arena.servers.bundles.external_world import ExternalWorld, ToolRoute
from astra_arena.servers.gateway.connection import OPEN_SECONDS, ServerConnection, connected
from astra_arena.servers.gateway.tool_mapping import MappedTools, mapped_tools

GENERATOR = "arena gateway wrap"
TOOLS_PY = '"""The tools of this environment are those of an external MCP server."""\n'

_PLACEHOLDER = {"unlisted": ToolRoute(calls="unlisted")}


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What people say of the environment, where the server's own words will not do."""

    name: str
    title: str = ""
    description: str = ""
    domain: str = "external"
    licence: Licence = field(default_factory=lambda: Licence(name="unknown"))
    read_only: tuple[str, ...] = ()
    """Tools that only read, though the server does not say so; by its names."""


def unlisted(world: JsonObject) -> ExternalWorld:
    """Read a world whose tools are yet to be asked for.

    Raises:
        SpecError: if it cannot be used.
    """
    tools: JsonObject = {name: route.to_json() for name, route in _PLACEHOLDER.items()}
    return ExternalWorld.from_json({**world, "tools": tools}, what="the server")


async def wrap_server(
    path: Path,
    world: ExternalWorld,
    wrapping: Wrapping,
    *,
    tasks: Sequence[Task] = (),
    seconds: float = OPEN_SECONDS,
) -> Bundle:
    """Connect to a server, list its tools and write a bundle that wraps it.

    Args:
        path: The bundle's folder; a bundle that is there already is replaced.
        world: How the server is reached; its `tools` and `generation` are found out here.
        wrapping: What people say of it.
        tasks: Tasks with their gold, for the tools as they are named here.
        seconds: How long the server may take to answer.

    Raises:
        ServerUnreachableError: if it cannot be started or reached, or does not answer.
        SpecError: if it has no tools.
        SettingsError: if a tool that is said to read does not exist.
        BundleError: if the bundle cannot be written.
    """
    async with connected(world, seconds=seconds) as connection:
        listed = await connection.list_tools()
        if not listed:
            raise SpecError(f"the server at {world.reached_by} has no tools, so nothing to wrap")
        unknown = sorted(set(wrapping.read_only) - {tool.name for tool in listed})
        if unknown:
            raise SettingsError(
                f"the server has no tool {unknown[0]!r}; it has "
                f"{', '.join(tool.name for tool in listed)}"
            )
        mapped = mapped_tools(listed, read_only=wrapping.read_only)
        mirrored = any(
            b'"x-mcp-header"' in canonical_bytes(spec.input_schema) for spec in mapped.specs
        )
        found = world.model_copy(
            update={
                "tools": mapped.routes,
                "generation": connection.generation,
                "lists_first": mirrored,
            }
        )
        environment = _environment(wrapping, mapped, connection)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "world.json"
        file.write_text(pretty_text(found.to_json()), encoding="utf-8", newline="\n")
        return write_bundle(path, environment, tools_py=TOOLS_PY, world=file, tasks=tuple(tasks))


def _environment(
    wrapping: Wrapping, mapped: MappedTools, connection: ServerConnection
) -> Environment:
    server = connection.server
    said_title = (server.title or server.name) if server is not None else wrapping.name
    described = connection.instructions or f"The tools of the MCP server {said_title}."
    provenance: JsonObject = {
        "generator": GENERATOR,
        "server": None
        if server is None
        else server.model_dump(mode="json", by_alias=True, exclude_none=True),
        "claimed_by_the_server": mapped.claims,
        "said_to_read": list[Json](wrapping.read_only),
        "changes": list[Json](mapped.notes),
    }
    return Environment(
        name=wrapping.name,
        title=wrapping.title or said_title,
        description=wrapping.description or described,
        domain=wrapping.domain,
        format_version=1,
        tools=mapped.specs,
        world=World(kind="external", file="world.json"),
        licence=wrapping.licence,
        provenance=provenance,
    )
