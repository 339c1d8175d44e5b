"""Oracle rollouts per second over HTTP, the server in a process of its own."""

import time
from pathlib import Path

import anyio

from astra_arena.client import OracleAgent, RolloutStore, open_arena
from astra_arena.servers import Bundle
from benchmarks.figures import Figures

TARGETS = {16: "≥ 50/s"}


async def measure(figures: Figures, bundle: Bundle, folder: Path, *, quick: bool) -> None:
    """Add rollouts per second at each concurrency."""
    agent = OracleAgent(bundle.tasks)
    async with open_arena(bundle.path) as arena:
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
                target=TARGETS.get(concurrency, ""),
            )


def run(figures: Figures, bundle: Bundle, folder: Path, *, quick: bool) -> None:
    """Add the rollout figures."""
    anyio.run(lambda: measure(figures, bundle, folder, quick=quick))
