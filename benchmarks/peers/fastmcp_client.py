"""Calls the echo tool of a FastMCP server through FastMCP's client; prints when it began."""

import asyncio
import sys

from fastmcp import Client


async def main(address: str, calls: int) -> None:
    async with Client(address) as client:
        await client.list_tools()
        for _ in range(20):
            await client.call_tool("echo", {"text": "x"})
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(calls):
            await client.call_tool("echo", {"text": "x"})
        print("done", flush=True)
        sys.stdin.readline()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
