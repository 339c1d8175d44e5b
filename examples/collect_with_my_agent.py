"""Let an agent of your own play every task of a bundle, and keep the scored rollouts.

    python examples/collect_with_my_agent.py arena-demo/nycflights13 rollouts.jsonl

The agent here is a simple one: it calls one search tool and reports what it found. Put a model's
loop in its place.
"""

import asyncio
import sys
from pathlib import Path

from astra_arena.client import EpisodeView, RolloutStore, open_arena


class FirstSearchAgent:
    """Calls the first tool that searches, once."""

    name = "first-search"

    async def play(self, episode: EpisodeView) -> str | None:
        search = next(tool for tool in episode.tools if tool.name.startswith("find_"))
        reply = await episode.call(search.name, {"limit": 1})
        return f"I asked {search.name} and read: {reply.text[:80]}"


async def main(bundle: Path, out: Path) -> None:
    async with open_arena(bundle) as arena:
        with RolloutStore(out) as store:
            collected = await arena.collect([FirstSearchAgent()], concurrency=16, store=store)
    figures = collected.report.agents["first-search"]
    print(f"{figures.rollouts} rollouts in {out}, mean reward {figures.mean_reward:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: collect_with_my_agent.py BUNDLE OUT.jsonl")
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
