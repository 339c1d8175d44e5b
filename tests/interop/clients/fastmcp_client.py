"""FastMCP's client."""

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from playing import USER, play, reply, run, text_of


async def agree(message, response_type, params, context):
    USER.sees(message)
    return ElicitResult(action="accept", content={})


async def main(job):
    target = job.get("url") or StdioTransport(job["command"], job["args"])
    forms = {"elicitation_handler": agree} if job.get("forms") else {}
    async with Client(target, **forms) as client:
        tools = [tool.name for tool in await client.list_tools()]

        async def call(tool, arguments):
            result = await client.call_tool(tool, arguments, raise_on_error=False)
            return reply(result.is_error, text_of(result.content))

        return tools, await play(job["steps"], call)


run(main)
