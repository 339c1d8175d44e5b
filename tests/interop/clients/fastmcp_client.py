"""FastMCP's client."""

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from playing import play, reply, run, text_of


async def main(job):
    target = job.get("url") or StdioTransport(job["command"], job["args"])
    async with Client(target) as client:
        tools = [tool.name for tool in await client.list_tools()]

        async def call(tool, arguments):
            result = await client.call_tool(tool, arguments, raise_on_error=False)
            return reply(result.is_error, text_of(result.content))

        return tools, await play(job["steps"], call)


run(main)
