"""How an external MCP server is reached: the content of `world.json` in a bundle that wraps one.

The file holds names of variables and never their values, so a bundle can be given to others.
"""

import base64
import binascii
import json
import os
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from astra_arena.core.canonical import digest_of_bytes
from astra_arena.core.environment import ToolName
from astra_arena.core.errors import BundleError, SpecError
from astra_arena.core.model import Model
from astra_arena.sandbox.contract import Program
from astra_arena.servers.bundles.bundle import Bundle, read_file

MOST_FILE_BYTES = 8 << 20
"""So many bytes of files a bundle lays out for its server, in all."""

CALL_SECONDS = 30.0
"""How long a call may take where the bundle does not say."""

Returns = Literal["structured", "value", "content"]
"""What a tool's result is made of. `structured`: the server's structured content as it is. `value`:
the same below `result`, where it need not be an object. `content`: its content blocks."""

Generation = Literal["modern", "legacy"]
"""Which protocol the server was found to speak: 2026-07-28 and later, or one with a handshake."""


class StdioServer(Model):
    """A server that is a program: started once for each session."""

    command: tuple[str, ...] = Field(min_length=1)
    environment: tuple[str, ...] = ()
    """Names of variables that it gets beside `PATH`, `HOME` and the like."""
    cwd: str | None = None
    """Where it runs; a fresh folder for each session when absent."""


class HttpServer(Model):
    """A server at an address."""

    url: str
    headers_from: dict[str, str] = Field(default_factory=dict[str, str])
    """Headers, each with the name of the variable that holds its value."""

    @model_validator(mode="after")
    def _url_is_plain(self) -> "HttpServer":
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address like https://host.example/mcp")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a secret must not be in the address; use headers_from")
        return self


class ToolRoute(Model):
    """Where a tool's calls go."""

    calls: str
    """The tool's name at the server."""
    returns: Returns = "content"
    read_only: bool = False
    """Whether the server claims that calls change nothing; nobody has proved it."""


class ExternalWorld(Model):
    """The content of `world.json`."""

    stdio: StdioServer | None = None
    http: HttpServer | None = None
    state: Literal["connection", "server"]
    """What state is bound to. With `connection` each connection starts afresh, and a lost one is
    made again and its calls repeated. With `server` all connections share one state."""
    generation: Generation | None = None
    lists_first: bool = False
    """Whether the tools must be listed on each connection: some arguments are sent as headers, too,
    and the list says which."""
    call_seconds: float | None = Field(default=None, gt=0)
    """How long a call may take; half a minute when absent."""
    files: dict[str, str] = Field(default_factory=dict[str, str])
    """What is in the folder in which a program starts, by relative path, as base64."""
    tools: dict[ToolName, ToolRoute] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_sound(self) -> "ExternalWorld":
        if (self.stdio is None) == (self.http is None):
            raise ValueError("expected either 'stdio' or 'http'")
        if self.files and (self.stdio is None or self.stdio.cwd is not None):
            raise ValueError("'files' are for a program that runs in a fresh folder")
        for name in self.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
                raise ValueError(f"expected a path below the folder, got {name!r}")
        if sum(len(content) for content in self.files.values()) > MOST_FILE_BYTES * 4 // 3 + 64:
            raise ValueError(f"expected files of at most {MOST_FILE_BYTES} bytes in all")
        try:
            self.file_contents()
        except binascii.Error as error:
            raise ValueError(f"a file's content is not base64: {error}") from None
        return self

    def file_contents(self) -> dict[str, bytes]:
        """Return what the files hold, by relative path."""
        return {name: base64.b64decode(text, validate=True) for name, text in self.files.items()}

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that must be set to reach the server."""
        if self.http is not None:
            return tuple(self.http.headers_from.values())
        return () if self.stdio is None else self.stdio.environment

    @property
    def missing_variables(self) -> list[str]:
        """Those of them that are not set here."""
        return [name for name in self.variables if name not in os.environ]

    @property
    def reached_by(self) -> str:
        """How the server is reached, for people."""
        if self.http is not None:
            return f"the address {self.http.url}"
        assert self.stdio is not None
        return f"the command {' '.join(self.stdio.command)}"


def external_world(data: bytes, *, what: str) -> ExternalWorld:
    """Read the world of a bundle that wraps an external server.

    Raises:
        BundleError: if it is none.
    """
    try:
        return ExternalWorld.from_json(json.loads(data), what=what)
    except SpecError as error:
        raise BundleError(error.message) from None
    except ValueError as error:
        raise BundleError(f"{what}: expected JSON: {error}") from None


def world_of(bundle: Bundle) -> ExternalWorld:
    """Return how the server of a bundle is reached.

    Raises:
        BundleError: if the bundle does not say.
    """
    path = bundle.path / bundle.environment.world.file
    return external_world(read_file(path), what=str(path))


def shares_state(program: Program) -> bool:
    """Tell whether all episodes of a program work on one state, which an external server holds.

    Raises:
        BundleError: if the program's world cannot be read.
    """
    if program.world_kind != "external":
        return False
    path = program.world_path
    return external_world(read_file(path), what=str(path)).state == "server"


def world_digest(data: bytes) -> str:
    """Return what names a way to reach a server, whatever the bundle around it is called."""
    return digest_of_bytes(data)
