"""Oracle rollouts per second over HTTP, the server in a process of its own.

The floor is the same number of calls over fresh connections to the SDK's echo server: no
episodes, no sandbox, no verdicts.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from astra_arena.client import Arena, OracleAgent, RolloutStore, open_arena
from astra_arena.servers import Bundle
from benchmarks.figures import Figures
from benchmarks.mcp_figures import MODE, floor_http

TARGETS = {16: "≥ 50/s"}


async def floor_rate(address: str, *, connections: int, calls: int, concurrency: int) -> float:
    """Return connections per second to the echo server, each with so many calls."""
    waiting: Iterator[int] = iter(range(connections))
    async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=None)) as http:

        async def work() -> None:
            for _ in waiting:
                transport = streamable_http_client(address, http_client=http)
                async with Client(transport, mode=MODE) as client:
                    for _ in range(calls):
                        await client.call_tool("echo", {"text": "x"})

        start = time.perf_counter()
        async with anyio.create_task_group() as group:
            for _ in range(concurrency):
                group.start_soon(work)
        return connections / (time.perf_counter() - start)


async def measure(figures: Figures, bundle: Bundle, folder: Path, *, quick: bool) -> None:
    """Add rollouts per second at each concurrency."""
    agent = OracleAgent(bundle.tasks)
    calls = round(sum(len(task.needed) for task in bundle.tasks) / len(bundle.tasks))
    with floor_http() as floor:
        async with open_arena(bundle.path) as arena:
            await _measured(figures, arena, agent, floor, folder, calls=calls, quick=quick)


async def _measured(
    figures: Figures,
    arena: Arena,
    agent: OracleAgent,
    floor: str,
    folder: Path,
    *,
    calls: int,
    quick: bool,
) -> None:
    await arena.collect([agent], tasks=arena.tasks[:8], concurrency=4)
    for concurrency in (1, 16, 64):
        tasks = arena.tasks[:10] if quick else arena.tasks
        seeds = range(1) if quick or concurrency == 1 else range(3)
        store = RolloutStore(folder / f"rollouts-{concurrency}.jsonl")
        start = time.perf_counter()
        collected = await arena.collect(
            [agent], tasks=tasks, seeds=list(seeds), concurrency=concurrency, store=store
        )
        rate = collected.played / (time.perf_counter() - start)
        figures.add(
            f"oracle rollouts, {concurrency} at once",
            rate,
            "1/s",
            floor=await floor_rate(
                floor, connections=collected.played, calls=calls, concurrency=concurrency
            ),
            target=TARGETS.get(concurrency, ""),
        )


def run(figures: Figures, bundle: Bundle, folder: Path, *, quick: bool) -> None:
    """Add the rollout figures."""
    anyio.run(lambda: measure(figures, bundle, folder, quick=quick))
