"""One MCP connection for one episode.

A connection is entered and left by one task, the owner of the rollout; the SDK requires it. What
the agent did wrong comes back as a reply; what broke raises `ConnectionLostError`.
"""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, TextIO, TypeAlias, cast

import httpx2
from mcp import Client, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from astra_arena.client.agent import ToolReply, ToolView
from astra_arena.core.calls import CALL_KEY_META, CALL_REFUSED_META, UNCHARGED_META
from astra_arena.core.canonical import Json, JsonObject, normalised
from astra_arena.core.errors import ConnectionLostError, SpecError

logger = logging.getLogger(__name__)

PROTOCOL_VERSION: Literal["2026-07-28"] = "2026-07-28"
"""Our own servers speak it; pinning it saves the handshake."""
Negotiation: TypeAlias = Literal["2026-07-28", "auto", "legacy"]
"""How to agree on a protocol version: by assuming the newer generation, by asking which the server
has, or by the handshake of the older."""
MOST_ARGUMENT_BYTES = 1 << 18
"""Larger arguments are not sent: far below what servers drop, which would look like a lost call."""
MOST_ARGUMENT_LEVELS = 100
"""Nor are deeper ones: the encoders on the way give up at different depths."""
MOST_NAME_CHARS = 128
MOST_TOOL_PAGES = 100


class McpSession:
    """An open connection to one episode's server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list_tools(self) -> tuple[ToolView, ...]:
        """Ask the server for its tools."""
        tools: list[ToolView] = []
        cursor: str | None = None
        for _ in range(MOST_TOOL_PAGES):
            try:
                page = await self._client.session.list_tools(
                    params=types.PaginatedRequestParams(cursor=cursor)
                )
            except (MCPError, ValidationError) as error:
                raise ConnectionLostError(f"the server did not list its tools: {error}") from error
            tools.extend(_view(tool) for tool in page.tools)
            cursor = page.next_cursor
            if cursor is None:
                break
        return tuple(tools)

    async def call(
        self, tool: str, arguments: JsonObject, *, key: str, timeout_s: float | None = None
    ) -> ToolReply:
        """Call a tool.

        Args:
            tool: Its name; an unknown one is answered with an error reply.
            arguments: Its arguments.
            key: Idempotency key: a call that was already made is answered from the host's log.
            timeout_s: How long to wait.

        Raises:
            ConnectionLostError: if no answer came.
        """
        meta = {CALL_KEY_META: key}
        refusal = _unsendable(tool, arguments)
        if refusal is not None:
            # The host must know of it: a malformed call costs what any refused one costs.
            meta[CALL_REFUSED_META] = refusal
            tool, arguments = _sendable_name(tool), {}
        params = types.CallToolRequestParams.model_validate(
            {"name": tool, "arguments": arguments, "_meta": meta}
        )
        try:
            # Not `Client.call_tool`: it compiles a tool's output schema for every connection, to
            # check what the host has checked before it wrote the log that is scored.
            result = await self._client.session.send_request(
                types.CallToolRequest(params=params),
                types.CallToolResult,
                request_read_timeout_seconds=timeout_s,
            )
        except MCPError as error:
            if error.code == types.INVALID_PARAMS:
                return ToolReply(is_error=True, text=error.message)
            raise ConnectionLostError(
                f"no answer to a call of {tool!r}: {error.message}"
            ) from error
        except ValidationError as error:
            raise ConnectionLostError(f"the answer to a call of {tool!r} is not MCP's") from error
        return _reply(result)


@asynccontextmanager
async def open_http_session(
    address: str, *, http: httpx2.AsyncClient, negotiation: Negotiation = PROTOCOL_VERSION
) -> AsyncGenerator[McpSession]:
    """Connect to an episode's server over streamable HTTP.

    Args:
        address: The episode's `mcp` address.
        http: Shared by all connections of a run: making one costs more than an episode.
        negotiation: For servers that are not ours.

    Raises:
        ConnectionLostError: if the connection breaks, then or later.
    """
    transport = streamable_http_client(address, http_client=http)
    async with _attributed(address), Client(transport, mode=negotiation, cache=None) as client:
        yield McpSession(client)


@asynccontextmanager
async def open_stdio_session(
    server: StdioServerParameters, *, errlog: TextIO
) -> AsyncGenerator[McpSession]:
    """Start a server as a subprocess and connect to its standard streams.

    Args:
        server: How to start it. Of this process's environment it gets little more than `PATH`.
        errlog: Where its stderr goes; a real file.

    Raises:
        ConnectionLostError: if it cannot be started or ends early.
    """
    what = " ".join([server.command, *server.args])
    transport = stdio_client(server, errlog=errlog)
    async with _attributed(what), Client(transport, mode=PROTOCOL_VERSION, cache=None) as client:
        yield McpSession(client)


@asynccontextmanager
async def _attributed(address: str) -> AsyncGenerator[None]:
    """Turn what a transport raises, in whatever grouping, into one `ConnectionLostError`."""
    try:
        yield
    except BaseExceptionGroup as group:
        broken, rest = group.split(_BROKEN)
        if broken is None or rest is not None:
            raise
        raise _lost(address, _first(broken)) from broken
    except _BROKEN as error:
        raise _lost(address, error) from error


_BROKEN = (ConnectionLostError, httpx2.HTTPError, MCPError, OSError)


def _lost(address: str, error: BaseException) -> ConnectionLostError:
    if isinstance(error, ConnectionLostError):
        return error
    detail = str(error) or type(error).__name__
    return ConnectionLostError(f"the connection to {address} broke: {detail}")


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", group).exceptions[0]
    return group


def open_http_pool() -> httpx2.AsyncClient:
    """Return an HTTP client fit for many episodes at the same time."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(300.0, connect=5.0, pool=None),
        limits=httpx2.Limits(
            max_connections=None, max_keepalive_connections=256, keepalive_expiry=60.0
        ),
    )


def _view(tool: types.Tool) -> ToolView:
    return ToolView(
        name=tool.name,
        description=tool.description or "",
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
    )


def _reply(result: types.CallToolResult) -> ToolReply:
    text = "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))
    charged = (result.meta or {}).get(UNCHARGED_META) is not True
    return ToolReply(result.is_error, text, result.structured_content, charged)


def _unsendable(tool: str, arguments: object) -> str | None:
    """Return why no server can be sent this call, in the agent's words."""
    if not isinstance(arguments, dict):
        return f"Invalid arguments: expected a JSON object, got {type(arguments).__name__}"
    if _deeper_than(MOST_ARGUMENT_LEVELS, cast("JsonObject", arguments)):
        return f"Invalid arguments: nested deeper than {MOST_ARGUMENT_LEVELS} levels"
    try:
        spelled = json.dumps([tool, normalised(cast("object", arguments))], ensure_ascii=False)
        size = len(spelled.encode("utf-8"))
    except SpecError as error:
        return f"Invalid arguments: {error.message}"
    except UnicodeEncodeError:
        return "Invalid arguments: expected Unicode text, got a lone surrogate"
    except ValueError as error:
        return f"Invalid arguments: {error}"
    if size > MOST_ARGUMENT_BYTES:
        return f"Invalid arguments: {size} bytes, more than {MOST_ARGUMENT_BYTES}"
    return None


def _sendable_name(tool: object) -> str:
    return str(tool)[:MOST_NAME_CHARS].encode("utf-8", "replace").decode("utf-8")


def _deeper_than(levels: int, value: Json) -> bool:
    match value:
        case dict():
            inner = value.values()
        case list():
            inner = value
        case _:
            return False
    return levels == 0 or any(_deeper_than(levels - 1, item) for item in inner)
