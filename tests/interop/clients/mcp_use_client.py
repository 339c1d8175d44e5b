"""mcp-use."""

from mcp.types import ElicitResult
from mcp_use import MCPClient
from playing import USER, play, reply, run, text_of


async def agree(context, params):
    USER.sees(params.message)
    return ElicitResult(action="accept", content={})


async def main(job):
    server = {key: job[key] for key in ("url", "command", "args") if key in job}
    forms = {"elicitation_callback": agree} if job.get("forms") else {}
    client = MCPClient({"mcpServers": {"arena": server}}, **forms)
    try:
        session = await client.create_session("arena")
        tools = [tool.name for tool in await session.list_tools()]

        async def call(tool, arguments):
            result = await session.call_tool(tool, arguments)
            return reply(result.isError, text_of(result.content))

        return tools, await play(job["steps"], call)
    finally:
        await client.close_all_sessions()


run(main)
