"""Environments in containers, played from here; and what was earned, as bytes."""

from pathlib import Path

from astra_arena.client import HttpVenue, RolloutStore, build_agent, collect, read_rollouts
from astra_arena.core.canonical import line_text
from astra_arena.core.rollouts import Rollout
from astra_arena.servers.bundles.suite import Source

NAMES = ("arithmetic-stories", "music-business", "petstore")
SAMPLE = 6


async def played(source: Source, control: str, token: str, out: Path) -> dict[str, Rollout]:
    """Let the oracle play the first tasks; return its rollouts by id."""
    async with HttpVenue(control, token, environment=source.name) as venue:
        cards = (await venue.tasks())[:SAMPLE]
        with RolloutStore(out) as store:
            done = await collect(
                venue, cards, [build_agent("oracle", tasks=source.tasks)], store=store
            )
    assert done.findings == ()
    return {rollout.id: rollout for rollout in read_rollouts(out)}


def verdicts(rollouts: dict[str, Rollout]) -> dict[str, str]:
    """What was earned, and what every call came to, byte for byte."""
    return {
        id_: line_text(
            {
                "verdict": rollout.to_json()["verdict"],
                "results": [call.to_json()["result"] for call in rollout.episode.calls],
            }
        )
        for id_, rollout in rollouts.items()
    }
