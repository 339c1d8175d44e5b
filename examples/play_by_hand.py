"""Play one task against `arena serve` with nothing but the MCP SDK and an HTTP client.

Run `arena serve BUNDLE --token secret` in another terminal, then:

    python examples/play_by_hand.py http://127.0.0.1:8641 secret
"""

import asyncio
import json
import sys

import httpx
from mcp import Client


async def main(control: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=control, headers=headers) as plane:
        environments = (await plane.get("/environments")).raise_for_status()
        environment = environments.json()[0]["name"]
        listed = (await plane.get(f"/environments/{environment}/tasks")).json()
        order = {"environment": environment, "task": listed["tasks"][0]["id"], "seed": 7}
        episode = (await plane.post("/episodes", json=order)).json()
        print("task:", episode["prompt"])

        async with Client(episode["mcp"]) as client:
            tools = (await client.list_tools()).tools
            print("tools:", ", ".join(tool.name for tool in tools))
            # An agent would choose; this script takes the first tool that searches.
            search = next(tool.name for tool in tools if tool.name.startswith("find_"))
            result = await client.call_tool(search, {"limit": 1})
            print(f"{search}:", json.dumps(result.structured_content)[:200])

        closed = (await plane.delete(f"/episodes/{episode['id']}")).json()
        print("reward:", closed["verdict"]["reward"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: play_by_hand.py CONTROL-ADDRESS TOKEN")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except httpx.HTTPError as error:
        sys.exit(f"the control plane refused or did not answer: {error}")
