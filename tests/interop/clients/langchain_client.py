"""LangChain's adapters: over HTTP a new session for each call, over stdio one session for all."""

from contextlib import AsyncExitStack

from langchain_core.messages import ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from playing import play, reply, run


def connection_of(job):
    if "url" in job:
        return {"transport": "http", "url": job["url"]}
    return {"transport": "stdio", "command": job["command"], "args": job["args"]}


async def main(job):
    client = MultiServerMCPClient({"arena": connection_of(job)})
    async with AsyncExitStack() as stack:
        session = None
        if "url" not in job:
            session = await stack.enter_async_context(client.session("arena"))

        async def listed():
            found = await (load_mcp_tools(session) if session else client.get_tools())
            return {tool.name: tool for tool in found}

        tools = await listed()
        first = list(tools)

        async def call(tool, arguments):
            # Its tools are a snapshot; a conversation may bring others.
            if tool not in tools:
                tools.update(await listed())
            asked = {"name": tool, "args": arguments, "id": "call-1", "type": "tool_call"}
            message: ToolMessage = await tools[tool].ainvoke(asked)
            return reply(message.status == "error", message.text)

        return first, await play(job["steps"], call)


run(main)
