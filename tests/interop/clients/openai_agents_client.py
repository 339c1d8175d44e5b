"""The OpenAI Agents SDK: tools converted for its agents, calls through its MCP server objects."""

from agents.mcp import MCPServerStdio, MCPServerStreamableHttp, MCPUtil
from playing import play, reply, run, text_of


def server_of(job):
    if "url" in job:
        return MCPServerStreamableHttp({"url": job["url"], "timeout": 30})
    return MCPServerStdio({"command": job["command"], "args": job["args"]})


async def main(job):
    async with server_of(job) as server:
        tools = [
            MCPUtil.to_function_tool(tool, server, convert_schemas_to_strict=True).name
            for tool in await server.list_tools()
        ]

        async def call(tool, arguments):
            result = await server.call_tool(tool, arguments)
            failed = getattr(result, "is_error", None) or getattr(result, "isError", None)
            return reply(failed, text_of(result.content))

        return tools, await play(job["steps"], call)


run(main)
