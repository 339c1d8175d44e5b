"""The floor of every MCP figure: the SDK's own server with one echo tool, none of our code.

Run as a program it serves over HTTP (`http PORT`) or stdio (`stdio`), set up as fast as the SDK
allows: plain JSON replies, the schema hook, no telemetry middleware, uvloop and httptools.
"""

import asyncio
import json
import sys

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


def build_server() -> Server:
    """Return the echo server."""
    tool = types.Tool(name="echo", description="Echo.", input_schema=SCHEMA, output_schema=SCHEMA)

    async def list_tools(
        ctx: ServerRequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        ctx: ServerRequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        result = {"text": str((params.arguments or {})["text"])}
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
    app = build_server().streamable_http_app(json_response=True, host="127.0.0.1")
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
