"""A tool call through MCP: in memory, over HTTP and over stdio, beside the SDK's own echo server.

Floor and ours are driven by the same client in turns, so that a busy moment hits both.
"""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from astra_arena.client import open_control_client
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers import Bundle, build_mcp_server, open_episode, start_server_process
from benchmarks.figures import Figures, p50, percentile
from benchmarks.floor_server import build_server
from benchmarks.sandbox_figures import timed

MODE = "2026-07-28"
ROUNDS = 10


@contextmanager
def floor_http() -> Generator[str]:
    """Run the floor's HTTP server; yields its address."""
    with floor_process() as (address, _):
        yield address


@contextmanager
def floor_process(way: str = "http") -> Generator[tuple[str, int]]:
    """Run the floor's HTTP server; yields its address and its process.

    Args:
        way: `http`, or `hop` for one whose tool asks another process.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.floor_server", way, str(port)]
    process = subprocess.Popen(command)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/mcp", process.pid
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"the floor server did not open port {port}")


async def compare(ours: Client, floor: Client, *, calls: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each call of ours and of the floor's, measured in turns."""
    await ours.list_tools()
    await floor.list_tools()
    our_times: list[float] = []
    floor_times: list[float] = []
    for _ in range(ROUNDS):
        our_times += await timed(calls // ROUNDS, lambda: ours.call_tool("echo", {"text": "x"}))
        floor_times += await timed(calls // ROUNDS, lambda: floor.call_tool("echo", {"text": "x"}))
    return our_times, floor_times


def note(figures: Figures, name: str, times: tuple[list[float], list[float]], target: str) -> None:
    """Add p50 and p99 of one way to call."""
    ours, floor = times
    figures.add(f"{name} p50", p50(ours) * 1e3, "ms", floor=p50(floor) * 1e3, target=target)
    figures.add(
        f"{name} p99",
        percentile(ours, 0.99) * 1e3,
        "ms",
        floor=percentile(floor, 0.99) * 1e3,
    )


async def in_memory(figures: Figures, bundle: Bundle, *, calls: int) -> None:
    """Add the figures of a client in the server's own process."""
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.tasks[0], sandbox)
        server = build_mcp_server(bundle, lambda _: episode)
        async with Client(server, mode=MODE) as ours, Client(build_server(), mode=MODE) as floor:
            note(figures, "MCP call in memory", await compare(ours, floor, calls=calls), "")
        await episode.close()


@asynccontextmanager
async def _connected(address: str, http: httpx2.AsyncClient) -> AsyncGenerator[Client]:
    async with Client(streamable_http_client(address, http_client=http), mode=MODE) as client:
        yield client


async def over_http(figures: Figures, bundle: Bundle, *, calls: int) -> None:
    """Add the figures of a client in another process than the server, over HTTP."""
    with floor_http() as floor_address, start_server_process([bundle.path]) as server:
        async with open_control_client(server.addresses.control, server.token) as control:
            opened = await control.open_episode(bundle.name, bundle.tasks[0].id)
            async with (
                httpx2.AsyncClient(timeout=60) as http,
                _connected(opened.mcp, http) as ours,
                _connected(floor_address, http) as floor,
            ):
                times = await compare(ours, floor, calls=calls)
            await control.close_episode(opened.id)
    note(figures, "MCP call over HTTP", times, "≤ 1.5 floors")


async def over_stdio(figures: Figures, bundle: Bundle, *, calls: int, folder: Path) -> None:
    """Add the figures of a client that started the server itself."""
    task = bundle.tasks[0].id
    script = str(bundle.path / "server.py")
    arguments = [script, "--task", task, "--journal", str(folder / "journals")]
    ours = StdioServerParameters(command=sys.executable, args=arguments)
    floor = StdioServerParameters(
        command=sys.executable, args=["-m", "benchmarks.floor_server", "stdio"]
    )
    with (folder / "stdio.log").open("w", encoding="utf-8") as log:
        async with (
            Client(stdio_client(ours, errlog=log), mode=MODE) as our_client,
            Client(stdio_client(floor, errlog=log), mode=MODE) as floor_client,
        ):
            times = await compare(our_client, floor_client, calls=calls)
    note(figures, "MCP call over stdio", times, "")


def run(figures: Figures, bundle: Bundle, folder: Path, *, quick: bool) -> None:
    """Add all MCP figures."""
    calls = 50 if quick else 2000

    async def measure() -> None:
        await in_memory(figures, bundle, calls=calls)
        await over_http(figures, bundle, calls=calls)
        await over_stdio(figures, bundle, calls=calls, folder=folder)

    anyio.run(measure, backend_options={"use_uvloop": True})
