"""An environment's manifest: the world, the tools and where both come from (bundle format 1)."""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from astra_arena.core.canonical import JsonObject, canonical_bytes, digest_of_bytes
from astra_arena.core.model import Model
from astra_arena.core.schema import RESERVED_TOOL_NAMES, require_object_schema

FORMAT_VERSION = 1

WorldKind: TypeAlias = Literal["sqlite", "json", "python", "external"]

_TOOL_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ENVIRONMENT_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


def _checked_tool_name(name: str) -> str:
    if not _TOOL_NAME.fullmatch(name):
        raise ValueError("a tool name is 1-63 of a-z, 0-9 and _, starting with a letter")
    if name in RESERVED_TOOL_NAMES:
        raise ValueError("this tool name is reserved")
    return name


def _checked_environment_name(name: str) -> str:
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise ValueError("an environment name is 1-63 of a-z, 0-9 and -, starting with a letter")
    return name


ToolName = Annotated[str, AfterValidator(_checked_tool_name)]
EnvironmentName = Annotated[str, AfterValidator(_checked_environment_name)]


class ToolSpec(Model):
    """What an agent is told of a tool. The code is a function of the same name in `tools.py`."""

    name: ToolName
    description: str = Field(min_length=1)
    input_schema: JsonObject
    output_schema: JsonObject
    read_only: bool = False
    """Whether a call never changes the world."""

    @model_validator(mode="after")
    def _schemas_are_objects(self) -> "ToolSpec":
        require_object_schema(self.input_schema, what=f"input schema of tool {self.name!r}")
        require_object_schema(self.output_schema, what=f"output schema of tool {self.name!r}")
        return self


class World(Model):
    """The data that the tools work on."""

    kind: WorldKind
    """A tool's first parameter: a connection, a dict, or what `tools.open_world` returns. With
    `external` the tools are those of another MCP server, and the file says how to reach it."""
    file: str
    """File name inside the bundle: `world.sqlite` or `world.json`."""
    clock: str = "2025-01-01T00:00:00Z"
    """The only time that tool code can read; UTC, ISO 8601 with seconds."""

    @model_validator(mode="after")
    def _file_fits_kind(self) -> "World":
        expected = "world.sqlite" if self.kind == "sqlite" else "world.json"
        if self.file != expected:
            raise ValueError(f"a {self.kind} world is stored in {expected}")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", self.clock):
            raise ValueError("the clock is written like 2025-01-01T00:00:00Z")
        return self


class Licence(Model):
    """Under which licence the world's data may be used."""

    name: str
    """SPDX identifier where there is one: `CC0-1.0`."""
    source: str = ""
    """Where the data comes from, in words or as an address."""


class Digests(Model):
    """What the bundle's files must hash to."""

    environment: str
    tasks: str | None = None
    """Absent from agent-side bundles, which hold no gold."""


class Environment(Model):
    """World, tools and provenance; the content of `environment.json`."""

    name: EnvironmentName
    title: str
    description: str
    domain: str
    format_version: Literal[1]
    requires: tuple[str, ...] = ()
    """Pinned packages that the tool code imports beside the standard library."""
    tools: tuple[ToolSpec, ...] = Field(min_length=1)
    world: World
    licence: Licence
    provenance: JsonObject
    digests: Digests | None = None

    @model_validator(mode="after")
    def _tool_names_are_unique(self) -> "Environment":
        names = [tool.name for tool in self.tools]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"tool names must be unique; doubled: {', '.join(doubled)}")
        return self

    def tool(self, name: str) -> ToolSpec | None:
        """Return the tool called `name`, or `None`."""
        return next((tool for tool in self.tools if tool.name == name), None)


def environment_digest(manifest: JsonObject, tools_py: bytes, world: bytes) -> str:
    """Return the digest over `environment.json` without `digests`, `tools.py` and the world."""
    bare = {key: value for key, value in manifest.items() if key != "digests"}
    return digest_of_bytes(canonical_bytes(bare), tools_py, world)
