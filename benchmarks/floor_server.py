"""The floor of every MCP figure: the SDK's own server with one echo tool, none of our code.

Run as a program it serves over HTTP (`http PORT`) or stdio (`stdio`), set up as fast as the SDK
allows: plain JSON replies, the schema hook, no telemetry middleware, uvloop and httptools. With
`hop PORT` the tool asks another process, which is the least that any sandbox of processes costs.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable

import mcp.types as types
import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


Echo = Callable[[str], Awaitable[str]]

_CHILD = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"""


async def _same(text: str) -> str:
    return text


class Hop:
    """Echoes through a process of its own, over a socket, started with the first call."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __call__(self, text: str) -> str:
        """Send a line and return the line that comes back."""
        async with self._lock:
            if self._streams is None:
                ours, theirs = socket.socketpair()
                command = [sys.executable, "-I", "-S", "-c", _CHILD]
                subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno())
                theirs.close()
                self._streams = await asyncio.open_connection(sock=ours)
            reader, writer = self._streams
            writer.write(json.dumps({"text": text}).encode() + b"\n")
            return str(json.loads(await reader.readline())["text"])


def build_server(echo: Echo = _same) -> Server:
    """Return the echo server."""
    tool = types.Tool(name="echo", description="Echo.", input_schema=SCHEMA, output_schema=SCHEMA)

    async def list_tools(
        ctx: ServerRequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        ctx: ServerRequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        result = {"text": await echo(str((params.arguments or {})["text"]))}
        content = types.TextContent(type="text", text=json.dumps(result))
        return types.CallToolResult(content=[content], structured_content=result)

    server = Server(
        "echo",
        version="1",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: SCHEMA if name == "echo" else None,
    )
    server.middleware.clear()
    return server


async def _stdio() -> None:
    server = build_server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def main() -> None:
    """Serve until killed."""
    if sys.argv[1] == "stdio":
        asyncio.run(_stdio())
        return
    echo = Hop() if sys.argv[1] == "hop" else _same
    app = build_server(echo).streamable_http_app(json_response=True, host="127.0.0.1")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        log_level="error",
        access_log=False,
    )


if __name__ == "__main__":
    main()
