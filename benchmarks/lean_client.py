"""The least that can call a tool over HTTP: requests written as bytes, answers read by length.

It costs about 30 us a call, so that what is measured is the server.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.figures import p50

PROTOCOL = "2026-07-28"


def call_request(address: str, tool: str, arguments: dict[str, object]) -> bytes:
    """Return the bytes of a `tools/call` of the newer generation."""
    parts = urlsplit(address)
    message: dict[str, object] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": PROTOCOL,
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
    body = json.dumps(message).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        f"MCP-Protocol-Version: {PROTOCOL}\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class LeanConnection:
    """One keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise RuntimeError(f"expected a success, got {head[:40]!r} {body[:200]!r}")
        return body

    async def calls(self, request: bytes, count: int) -> None:
        """Make so many calls, none of which may fail."""
        for _ in range(count):
            body = await self.send(request)
            if b'"isError":true' in body:
                raise RuntimeError(f"expected a success, got {body[:200]!r}")

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def connect(address: str) -> LeanConnection:
    """Connect to the host of an address."""
    parts = urlsplit(address)
    return LeanConnection(*await asyncio.open_connection(parts.hostname, parts.port))


async def call_rate(addresses: Sequence[str], tool: str, *, calls: int) -> float:
    """Return the calls per second of one connection for each address, all at once."""
    request = {address: call_request(address, tool, {"text": "x"}) for address in addresses}
    connections = [await connect(address) for address in addresses]
    pairs = list(zip(connections, addresses, strict=True))
    await asyncio.gather(*(one.calls(request[address], 5) for one, address in pairs))
    start = time.perf_counter()
    await asyncio.gather(*(one.calls(request[address], calls) for one, address in pairs))
    seconds = time.perf_counter() - start
    for connection in connections:
        connection.close()
    return calls * len(addresses) / seconds


async def request_seconds(address: str, request: bytes, count: int) -> float:
    """Return the median seconds of a request that is repeated on one connection."""
    connection = await connect(address)
    taken: list[float] = []
    for _ in range(count):
        start = time.perf_counter()
        await connection.send(request)
        taken.append(time.perf_counter() - start)
    connection.close()
    return p50(taken)
