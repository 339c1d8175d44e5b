"""The short way in: a bundle, served while a block runs, on which agents play.

from pathlib import Path

from astra_arena.client import OracleAgent, open_arena

async with open_arena(Path("flights")) as arena:
    rollout = await arena.play(arena.tasks[0].id, OracleAgent(arena.bundle.tasks))
    print(rollout.verdict.reward)
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from astra_arena.client.agent import Agent
from astra_arena.client.collect import Collected, Progress, collect
from astra_arena.client.control_models import TaskCard
from astra_arena.client.harness import play_episode
from astra_arena.client.http_venue import HttpVenue
from astra_arena.client.store import RolloutStore
from astra_arena.core.rollouts import Rollout
from astra_arena.servers.bundles.suite import Source, load_source
from astra_arena.servers.server_process import start_server_process


@dataclass(frozen=True, slots=True)
class Arena:
    """A bundle that is being served."""

    bundle: Source
    tasks: tuple[TaskCard, ...]
    """What can be played, without gold."""
    venue: HttpVenue

    async def play(self, task_id: str, agent: Agent, *, seed: int = 0) -> Rollout:
        """Let an agent play one task; see `play_episode`."""
        return await play_episode(self.venue, task_id, agent, seed=seed)

    async def collect(
        self,
        agents: Sequence[Agent],
        *,
        tasks: Sequence[TaskCard] | None = None,
        seeds: Sequence[int] = (0,),
        concurrency: int = 8,
        store: RolloutStore | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Collected:
        """Let agents play many tasks, all of them when none are given; see `collect`."""
        return await collect(
            self.venue,
            self.tasks if tasks is None else tasks,
            agents,
            concurrency=concurrency,
            seeds=seeds,
            store=store,
            on_progress=on_progress,
        )


@asynccontextmanager
async def open_arena(
    path: Path | str, *, allow_external: Sequence[str] = ()
) -> AsyncGenerator[Arena]:
    """Serve the bundle at `path` from a process of its own while the block runs.

    Args:
        path: The bundle or suite.
        allow_external: Environments whose external servers may be started or reached.

    Raises:
        BundleError: if there is no sound bundle.
        SettingsError: if the server does not start.
    """
    bundle = load_source(Path(path))
    with start_server_process([bundle.path], allow_external=allow_external) as server:
        async with HttpVenue(server.addresses.control, server.token) as venue:
            yield Arena(bundle, await venue.tasks(), venue)
