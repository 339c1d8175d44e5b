"""What a call costs the server, and how many it takes: CPU time, rates, opening, readiness.

The floor is the SDK's echo server, called by the same client in the same run; OpenEnv and FastMCP
serve the same tool through their own servers and are called by their own clients.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from astra_arena.client import open_control_client
from astra_arena.servers import Bundle, ServerProcess, start_server_process
from benchmarks.figures import Figures, p50
from benchmarks.lean_client import call_rate, call_request, connect, request_seconds
from benchmarks.mcp_figures import MODE, floor_process
from benchmarks.peers_environment import peers_python
from benchmarks.processes import children_cpu_seconds, cpu_seconds

AGENTS = 64
ROUNDS = 5


async def _cpu_of_calls(pid: int, address: str, calls: int) -> float:
    """Return the CPU seconds that a server's own process uses for each call."""
    connection = await connect(address)
    request = call_request(address, "echo", {"text": "x"})
    await connection.calls(request, 20)
    before = cpu_seconds(pid)
    await connection.calls(request, calls)
    used = cpu_seconds(pid) - before
    connection.close()
    return used / calls


async def cpu_per_call(figures: Figures, bundle: Bundle, *, quick: bool) -> float:
    """Add the CPU time of a call; returns the server's with its sandbox, in ms."""
    calls = 20 if quick else 1000
    ours: list[float] = []
    floors: list[float] = []
    hops: list[float] = []
    children = 0.0
    with (
        floor_process() as (floor, floor_pid),
        floor_process("hop") as (hop, hop_pid),
        start_server_process([bundle.path]) as server,
    ):
        async with open_control_client(server.addresses.control, server.token) as control:
            opened = await control.open_episode(bundle.name, bundle.tasks[0].id)
            # In turns, so that a busy moment hits all of them.
            for _ in range(1 if quick else ROUNDS):
                before = children_cpu_seconds(server.pid)
                ours.append(await _cpu_of_calls(server.pid, opened.mcp, calls))
                children += children_cpu_seconds(server.pid) - before
                floors.append(await _cpu_of_calls(floor_pid, floor, calls))
                hops.append(await _cpu_of_calls(hop_pid, hop, calls))
    own = p50(ours) * 1e3
    name = "CPU of the server's process per call"
    figures.add(name, own, "ms", floor=p50(floors) * 1e3, target="≤ 1.4 floors")
    figures.add(f"{name}, floor with a process hop", own, "ms", floor=p50(hops) * 1e3)
    sandboxed = children / len(ours) / calls * 1e3
    figures.add("CPU of the sandbox's processes per call", sandboxed, "ms")
    return own + sandboxed


async def rates(figures: Figures, bundle: Bundle, *, quick: bool) -> None:
    """Add calls per second of many agents at once, with a lean client and with the SDK's."""
    agents = 8 if quick else AGENTS
    calls = 3 if quick else 60
    with floor_process() as (floor, _), start_server_process([bundle.path]) as server:
        async with open_control_client(server.addresses.control, server.token) as control:
            opened = [
                await control.open_episode(bundle.name, bundle.tasks[0].id) for _ in range(agents)
            ]
            addresses = [episode.mcp for episode in opened]
            floors = [floor] * agents
            lean: list[tuple[float, float]] = []
            sdk: list[tuple[float, float]] = []
            for _ in range(1 if quick else 3):
                ours = await call_rate(addresses, "echo", calls=calls)
                lean.append((ours, await call_rate(floors, "echo", calls=calls)))
                ours = await _sdk_rate(addresses, calls=calls)
                sdk.append((ours, await _sdk_rate(floors, calls=calls)))
    for name, pairs, target in (
        (f"calls, {agents} at once, lean client", lean, "≥ 1,000/s"),
        (f"calls, {agents} at once, SDK client", sdk, "≥ 0.8 floors"),
    ):
        figures.add(
            name,
            p50([ours for ours, _ in pairs]),
            "1/s",
            floor=p50([floor for _, floor in pairs]),
            target=target,
        )


async def _sdk_rate(addresses: list[str], *, calls: int) -> float:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=256)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as http:
        ready = 0
        start, began, ended = anyio.Event(), 0.0, 0.0

        async def play(address: str) -> None:
            nonlocal ready, ended
            transport = streamable_http_client(address, http_client=http)
            async with Client(transport, mode=MODE) as client:
                await client.list_tools()
                await client.call_tool("echo", {"text": "x"})
                ready += 1
                await start.wait()
                for _ in range(calls):
                    await client.call_tool("echo", {"text": "x"})
                ended = time.perf_counter()

        async with anyio.create_task_group() as group:
            for address in addresses:
                group.start_soon(play, address)
            while ready < len(addresses):
                await anyio.sleep(0.01)
            began = time.perf_counter()
            start.set()
        return calls * len(addresses) / (ended - began)


async def opening(figures: Figures, bundle: Bundle, *, quick: bool) -> None:
    """Add how long opening an episode takes over HTTP."""
    with start_server_process([bundle.path]) as server:
        request = _open_request(server, bundle)
        seconds = await request_seconds(server.addresses.control, request, 20 if quick else 400)
    figures.add("episode opened over HTTP p50", seconds * 1e3, "ms", target="≤ 12 ms")


def _open_request(server: ServerProcess, bundle: Bundle) -> bytes:
    body = json.dumps({"environment": bundle.name, "task": bundle.tasks[0].id}).encode()
    head = (
        "POST /episodes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def stdio_ready(figures: Figures, bundle: Bundle, *, quick: bool) -> None:
    """Add how long a stdio server takes until it has answered its first request."""
    ours = [sys.executable, str(bundle.path / "server.py"), "--task", bundle.tasks[0].id]
    floor = [sys.executable, "-m", "benchmarks.floor_server", "stdio"]
    times: dict[str, list[float]] = {"ours": [], "floor": []}
    for _ in range(1 if quick else 7):
        times["ours"].append(_seconds_until_answer(ours))
        times["floor"].append(_seconds_until_answer(floor))
    later = p50(times["ours"]) - p50(times["floor"])
    figures.add("stdio server ready", p50(times["ours"]), "s", floor=p50(times["floor"]))
    figures.add("stdio server ready later than the SDK's", later, "s", target="≤ 0.3 s")


def _seconds_until_answer(command: list[str]) -> float:
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "benchmark", "version": "1"},
        },
    }
    start = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        taken = time.perf_counter() - start
        process.stdin.close()
    if b'"result"' not in answer:
        raise RuntimeError(f"{command}: expected a result, got {answer[:200]!r}")
    return taken


def peers(figures: Figures, ours: float, *, quick: bool) -> None:
    """Add the CPU time of the same call on the peers' own servers.

    Args:
        figures: Where it is noted.
        ours: Of our server with its sandbox, in ms.
        quick: Few calls.
    """
    python = peers_python()
    calls = 50 if quick else 1000
    openenv = _peer_cpu(python, "openenv", "", calls)
    fastmcp = _peer_cpu(python, "fastmcp", "/mcp", calls)
    figures.add("CPU of OpenEnv's server per call", openenv * 1e3, "ms", floor=ours, target="≥ 5")
    figures.add("CPU of FastMCP's server per call", fastmcp * 1e3, "ms", floor=ours)


def _peer_cpu(python: Path, name: str, path: str, calls: int) -> float:
    here = Path(__file__).parent / "peers"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _peer_server([str(python), str(here / f"{name}_server.py"), str(port)], port) as pid:
        command = [str(python), str(here / f"{name}_client.py"), f"http://127.0.0.1:{port}{path}"]
        with subprocess.Popen(
            [*command, str(calls)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            if client.stdout.readline() != "ready\n":
                raise RuntimeError(f"{name}: the client did not get ready")
            before = cpu_seconds(pid)
            client.stdin.write("\n")
            client.stdin.flush()
            if client.stdout.readline() != "done\n":
                raise RuntimeError(f"{name}: the client did not finish")
            return (cpu_seconds(pid) - before) / calls


@contextmanager
def _peer_server(command: list[str], port: int) -> Generator[int]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def run(figures: Figures, bundle: Bundle, *, quick: bool) -> None:
    """Add all of them; the peers, which need the package index, only in a whole run."""

    async def measure() -> float:
        ours = await cpu_per_call(figures, bundle, quick=quick)
        await rates(figures, bundle, quick=quick)
        await opening(figures, bundle, quick=quick)
        return ours

    ours = asyncio.run(measure())
    stdio_ready(figures, bundle, quick=quick)
    if not quick:
        peers(figures, ours, quick=quick)
