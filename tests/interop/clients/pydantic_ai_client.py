"""Pydantic AI's toolset for MCP servers, with errors as its agents get them."""

import json

from fastmcp.client.transports import StdioTransport
from playing import play, reply, run
from pydantic_ai import ModelRetry
from pydantic_ai.mcp import MCPToolset


async def main(job):
    target = job.get("url") or StdioTransport(job["command"], job["args"])
    async with MCPToolset(target) as toolset:
        tools = [tool.name for tool in await toolset.list_tools()]

        async def call(tool, arguments):
            try:
                result = await toolset.direct_call_tool(tool, arguments)
            except ModelRetry as refused:
                return reply(True, str(refused))
            return reply(False, result if isinstance(result, str) else json.dumps(result))

        return tools, await play(job["steps"], call)


run(main)
