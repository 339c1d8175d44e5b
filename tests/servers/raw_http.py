"""Requests byte by byte, for what no well-behaved client sends."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import anyio

from astra_arena.core.canonical import Json, JsonObject

MODERN = "2026-07-28"
BOTH = "application/json, text/event-stream"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


def modern(method: str, params: JsonObject | None = None) -> JsonObject:
    """Return a request of the newer generation."""
    meta: JsonObject = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {**(params or {}), "_meta": meta},
    }


def modern_headers(method: str, name: str | None = None) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": BOTH,
        "mcp-protocol-version": MODERN,
        "mcp-method": method,
    }
    return headers if name is None else {**headers, "mcp-name": name}


def call(tool: str, arguments: Json) -> tuple[JsonObject, dict[str, str]]:
    """Return a call of the newer generation with its headers."""
    params: JsonObject = {"name": tool, "arguments": arguments}
    return modern("tools/call", params), modern_headers("tools/call", tool)


async def request(
    address: str,
    body: bytes | JsonObject = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str | None = None,
) -> Answer:
    """Send one request over a connection of its own; `path` goes out as it is."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8")
    parts = urlsplit(address)
    lines = {"host": parts.netloc, "content-length": str(len(data)), "connection": "close"}
    lines |= headers or {}
    head = f"{method} {parts.path if path is None else path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return await exchange(address, head.encode("utf-8") + b"\r\n" + data)


async def exchange(address: str, sent: bytes) -> Answer:
    """Send bytes and return what comes back until the other side closes."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(sent)
        with anyio.fail_after(30):
            came = await reader.read()
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    return read_answer(came)


def read_answer(came: bytes) -> Answer:
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    if not first:
        return Answer(0, {}, b"")
    pairs = (line.partition(": ") for line in lines)
    return Answer(int(first.split()[1]), {name: value for name, _, value in pairs}, body)
