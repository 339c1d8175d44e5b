"""Calls the echo tool of an OpenEnv server through OpenEnv's client; prints when it began."""

import asyncio
import sys

from openenv.core.mcp_client import MCPToolClient


async def main(address: str, calls: int) -> None:
    async with MCPToolClient(base_url=address) as environment:
        await environment.reset()
        await environment.list_tools()
        for _ in range(20):
            await environment.call_tool("echo", text="x")
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(calls):
            await environment.call_tool("echo", text="x")
        print("done", flush=True)
        sys.stdin.readline()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
