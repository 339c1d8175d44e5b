"""`server.json`: what the MCP registry is told of an environment's server."""

import re

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.emission.own_wheel import own_version

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
DEFAULT_NAMESPACE = "io.github.astra-arena"
_NAMESPACE = re.compile(r"[A-Za-z0-9.-]+")
_DESCRIPTION_CHARS = 100


def require_namespace(namespace: str) -> None:
    """Check a namespace of the registry.

    Raises:
        SettingsError: if it is none.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise SettingsError(f"expected --namespace like io.github.OWNER, got {namespace!r}")


def registry_name(source: Source, namespace: str) -> str:
    """Return the name of an environment's server in the registry."""
    return f"{namespace}/{source.name}"


def source_version(source: Source) -> str:
    """Return a version that changes with this project and with the environment."""
    return f"{own_version()}-{source.digests.environment.partition(':')[2][:12]}"


def registry_entry(source: Source, namespace: str) -> JsonObject:
    """Return the content of `server.json`; it names an image that its owner pushes."""
    owner = namespace.rpartition(".")[2].lower()
    words = source.description or source.title
    short = words if len(words) <= _DESCRIPTION_CHARS else words[: _DESCRIPTION_CHARS - 1] + "…"
    arguments: list[Json] = [
        {"type": "positional", "value": "serve"},
        {"type": "positional", "value": f"/srv/{source.name}"},
        {"type": "named", "name": "--stdio"},
        {
            "type": "named",
            "name": "--task",
            "description": "Id of the task to play",
            "isRequired": True,
            "format": "string",
        },
        {"type": "named", "name": "--seed", "description": "Seed of the episode", "default": "0"},
    ]
    image: JsonObject = {
        "registryType": "oci",
        "identifier": f"ghcr.io/{owner}/{source.name}:{source_version(source)}",
        "transport": {"type": "stdio"},
        "packageArguments": arguments,
    }
    return {
        "$schema": SCHEMA,
        "name": registry_name(source, namespace),
        "title": source.title[:_DESCRIPTION_CHARS],
        "description": short,
        "version": source_version(source),
        "packages": [image],
    }
