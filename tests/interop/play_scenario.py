"""The harness's own MCP session, driven by the conformance suite's client scenarios.

The suite starts this with the address of its server, the scenario and the protocol version:
python -m tests.interop.play_scenario http://127.0.0.1:PORT/mcp
"""

import asyncio
import json
import os
import sys

from astra_arena.client.agent import ToolView
from astra_arena.client.mcp_session import Negotiation, open_http_pool, open_http_session
from astra_arena.core.canonical import Json, JsonObject

_NEWER = "2026-07-28"
_ONLY_LISTED = ("json-schema-ref-no-deref",)
"""The suite's server of these has no tool that can be called."""
_ARGUMENTS: dict[str, Json] = {
    "string": "us-west1",
    "integer": 5,
    "number": 2.5,
    "boolean": True,
    "object": {},
    "array": [],
}


async def play(address: str, version: str, scenario: str, wanted: list[JsonObject]) -> None:
    """List the tools and call each, with the scenario's arguments where it names some."""
    negotiation: Negotiation = "auto" if version == _NEWER else "legacy"
    async with (
        open_http_pool() as http,
        open_http_session(address, http=http, negotiation=negotiation) as session,
    ):
        tools = await session.list_tools()
        if scenario in _ONLY_LISTED:
            return
        calls = [(str(call["name"]), call["arguments"]) for call in wanted]
        calls = calls or [(tool.name, _arguments(tool, tools)) for tool in tools]
        for number, (name, arguments) in enumerate(calls):
            assert isinstance(arguments, dict)
            reply = await session.call(name, arguments, key=f"call-{number}", timeout_s=20)
            print(f"{name}: {reply.text}")


def _arguments(tool: ToolView, tools: tuple[ToolView, ...]) -> JsonObject:
    """Make up arguments by the types of a tool's schema."""
    properties = tool.input_schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    if "schema" in properties:
        # A tool that gets back the schema of another, so that the suite sees what was kept of it.
        return {"schema": next(one.input_schema for one in tools if one.name != tool.name)}
    return {
        name: _ARGUMENTS.get(str(schema.get("type")), "x")
        for name, schema in properties.items()
        if isinstance(schema, dict)
    }


def main() -> None:
    """Play the scenario that the environment names."""
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    version = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", _NEWER)
    scenario = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
    asyncio.run(play(sys.argv[1], version, scenario, context.get("toolCalls", [])))


if __name__ == "__main__":
    main()
