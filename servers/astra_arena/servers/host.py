"""All episodes of one process: opened by task, found by id, closed, and remembered for a while."""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from astra_arena.core.tasks import Budget, BudgetChange
from astra_arena.core.tool_mixing import ToolMixing
from astra_arena.sandbox.contract import Limits, Sandbox
from astra_arena.sandbox.hibernation import IdleSessions
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.closed_episodes import ClosedEpisode, ClosedEpisodes
from astra_arena.servers.episodes.branching import EpisodeSnapshot, open_branch, take_snapshot
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.failures import (
    BusyError,
    ClosedEpisodeError,
    EpisodeLimitError,
    UnknownEpisodeError,
)
from astra_arena.servers.episodes.mixing import MOST_BUDGET, draws_on_others
from astra_arena.servers.episodes.opening import open_episode
from astra_arena.servers.served import Served, ServedEnvironments
from astra_arena.servers.tracing import current_trace, span
from astra_arena.servers.turns import Turns

logger = logging.getLogger(__name__)

MAX_EPISODES = 4096
IDLE_SECONDS = 1800.0
CLOSED_KEPT = 1024
CLOSED_BYTES_KEPT = 64 << 20
HIBERNATE_SECONDS = 300.0
LIVE_SESSIONS = 1024
SNAPSHOTS_KEPT = 1024
OPENING_AT_ONCE = 64
OPENING_WAIT_SECONDS = 20.0


_DRAIN_CHECK_SECONDS = 0.02


class EpisodeHost:
    """Opens and finds episodes; environments come and go while others are played.

    An episode keeps the environment that it was opened with, whatever becomes of that name.

    Args:
        sources: The bundles and suites; their names must differ.
        sandbox: Runs the tool code; it stays the caller's to close.
        max_episodes: How many may be open at once.
        idle_seconds: An episode that nobody used for so long is closed.
        closed_kept: So many closed episodes can still be asked about.
        closed_bytes_kept: About so many bytes of their logs are kept; the last one always is.
        limits: What a session may use; the sandbox's defaults when absent.
        hibernate_seconds: A session that was not called for so long loses its process, and comes
            back by replay with its next call.
        live_sessions: So many sessions have a process at once; the least recently used gives way.
        snapshots_kept: So many snapshots are kept; the least recently used gives way.
        opening_at_once: So many episodes are opened at the same time; others wait a while for
            their turn, and are then told to come back.
        max_budget: The most that an episode's opener may ask for, unless its task has more.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        sandbox: Sandbox,
        *,
        max_episodes: int = MAX_EPISODES,
        idle_seconds: float = IDLE_SECONDS,
        closed_kept: int = CLOSED_KEPT,
        closed_bytes_kept: int = CLOSED_BYTES_KEPT,
        limits: Limits | None = None,
        hibernate_seconds: float = HIBERNATE_SECONDS,
        live_sessions: int = LIVE_SESSIONS,
        snapshots_kept: int = SNAPSHOTS_KEPT,
        opening_at_once: int = OPENING_AT_ONCE,
        max_budget: Budget = MOST_BUDGET,
    ) -> None:
        self.sandbox = sandbox
        self._served = ServedEnvironments(limits)
        self._max_budget = max_budget
        for source in sources:
            self.add(source)
        self.on_close: list[Callable[[ClosedEpisode], Awaitable[None]]] = []
        """Called with each episode that ended."""
        self.on_open: list[Callable[[Episode], None]] = []
        """Called with each episode that was opened, before anyone else knows it."""
        self.draining = False
        """Whether no further episodes are opened."""
        self.on_change: list[Callable[[], Awaitable[None]]] = []
        """Called when environments have come or gone."""
        self._max_episodes = max_episodes
        self._idle_seconds = idle_seconds
        self._idle = IdleSessions(idle_s=hibernate_seconds, most_live=live_sessions)
        self._open: dict[str, Episode] = {}
        self._opening = 0
        self._turns = Turns(opening_at_once, wait_seconds=OPENING_WAIT_SECONDS)
        self._closed = ClosedEpisodes(kept=closed_kept, bytes_kept=closed_bytes_kept)
        self._snapshots: OrderedDict[str, EpisodeSnapshot] = OrderedDict()
        self._snapshots_kept = snapshots_kept

    @property
    def open_count(self) -> int:
        """How many episodes are open."""
        return len(self._open)

    @property
    def open_episodes(self) -> tuple[Episode, ...]:
        """The open episodes, in the order in which they were opened."""
        return tuple(self._open.values())

    @property
    def live_sessions(self) -> int:
        """How many sessions have a process, about."""
        return self._idle.live_count

    @property
    def snapshot_count(self) -> int:
        """How many snapshots are kept."""
        return len(self._snapshots)

    async def drained(self, *, calls_seconds: float, episodes_seconds: float) -> None:
        """Open no further episodes, and wait until those that are open have ended.

        Args:
            calls_seconds: The most to wait for calls that are being answered.
            episodes_seconds: The most to wait for episodes to be played to their end.
        """
        self.draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(episodes_seconds):
                while self._open:
                    await asyncio.sleep(_DRAIN_CHECK_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(calls_seconds):
                while any(episode.busy for episode in self._open.values()):
                    await asyncio.sleep(_DRAIN_CHECK_SECONDS)

    @property
    def environments(self) -> Mapping[str, Served]:
        """What is served now, by name."""
        return self._served.by_name

    @property
    def sources_in_use(self) -> tuple[Source, ...]:
        """What is served now or still played."""
        served = [one.source for one in self.environments.values()]
        return (*served, *(episode.source for episode in self._open.values()))

    def add(self, source: Source) -> Served:
        """Serve one more bundle or suite.

        Raises:
            SettingsError: if one of that name is served already.
        """
        return self._served.add(source)

    async def replace(self, source: Source) -> Served:
        """Serve a bundle or suite in place of the one of its name, if there is one."""
        served = self._served.put(source)
        await self._tell_change()
        return served

    async def remove(self, name: str) -> Served:
        """Serve no further episodes of an environment; those that are open go on.

        Raises:
            UnknownTaskError: if there is no such environment.
        """
        served = self._served.remove(name)
        await self._tell_change()
        return served

    async def _tell_change(self) -> None:
        for notify in self.on_change:
            await notify()

    def environment(self, name: str) -> Served:
        """Return the environment called `name`.

        Raises:
            UnknownTaskError: naming what there is.
        """
        return self._served.get(name)

    async def open(
        self,
        environment: str,
        task_id: str,
        *,
        seed: int = 0,
        variant: str | None = None,
        budget: BudgetChange | None = None,
        mixing: ToolMixing | None = None,
    ) -> Episode:
        """Open an episode.

        Args:
            environment: The name of a bundle or a suite.
            task_id: Its task.
            seed: Keys all randomness of the episode.
            variant: Must be the task's own; `None` takes that.
            budget: What to change of the task's budget.
            mixing: In place of the task's own; tools of all that is served can be mixed in.

        Raises:
            UnknownTaskError: if there is no such environment, task or variant.
            SpecError: if the task has parts that this version cannot play.
            EpisodeLimitError: if too many episodes are open.
            PolicyError: if the tool code was refused.
            SandboxUnavailableError: if no session can be started.
        """
        served = self.environment(environment)
        task = served.source.task(task_id)
        async with self._room():
            episode = await open_episode(
                served.source,
                task,
                self.sandbox,
                seed=seed,
                variant=variant,
                members=served.members,
                idle=self._idle,
                budget=budget,
                mixing=mixing,
                pool=self._served.pool() if draws_on_others(task, mixing) else None,
                most=self._max_budget,
            )
            self._keep(episode)
        return episode

    def _keep(self, episode: Episode) -> None:
        episode.trace = current_trace()
        for notify in self.on_open:
            notify(episode)
        self._open[episode.id] = episode

    @asynccontextmanager
    async def _room(self) -> AsyncGenerator[None]:
        """Hold a place for an episode while it is opened, when it is its turn."""
        if self.draining:
            raise BusyError("this server drains and opens no more episodes; use another one")
        if len(self._open) + self._opening >= self._max_episodes:
            raise EpisodeLimitError(
                f"{self._max_episodes} episodes are open, which is the limit; close some, wait, or "
                "serve with a higher --max-episodes"
            )
        self._opening += 1
        try:
            async with self._turns.taken():
                with span("open episode"):
                    yield
        finally:
            self._opening -= 1

    async def snapshot(self, episode_id: str) -> tuple[str, EpisodeSnapshot]:
        """Keep an open episode as it is now, under a new id, until it is dropped.

        Raises:
            UnknownEpisodeError: if there is none.
            ClosedEpisodeError: if it has ended.
            VoidEpisodeError: if the machinery broke during it.
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        taken = await take_snapshot(self.get(episode_id))
        identifier = secrets.token_urlsafe(24)
        self._snapshots[identifier] = taken
        if len(self._snapshots) > self._snapshots_kept:
            self._snapshots.popitem(last=False)
        return identifier, taken

    def kept_snapshot(self, snapshot_id: str) -> EpisodeSnapshot:
        """Return the snapshot with this id.

        Raises:
            UnknownEpisodeError: if there is none.
        """
        kept = self._snapshots.get(snapshot_id)
        if kept is None:
            raise UnknownEpisodeError(
                "no snapshot has this id, or later ones took its place; take it again"
            )
        self._snapshots.move_to_end(snapshot_id)
        return kept

    def drop_snapshot(self, snapshot_id: str) -> None:
        """Forget a snapshot; its branches go on.

        Raises:
            UnknownEpisodeError: if there is none.
        """
        self.kept_snapshot(snapshot_id)
        del self._snapshots[snapshot_id]

    async def branch(self, snapshot: EpisodeSnapshot) -> Episode:
        """Open an independent episode that goes on from a snapshot.

        Raises:
            EpisodeLimitError: if too many episodes are open.
            SandboxError: if a world could not be rebuilt.
            SandboxUnavailableError: if no session can be started.
        """
        async with self._room():
            episode = await open_branch(snapshot, self.sandbox, idle=self._idle)
            self._keep(episode)
        return episode

    def get(self, episode_id: str) -> Episode:
        """Return the open episode with this id.

        Raises:
            ClosedEpisodeError: if it has ended.
            UnknownEpisodeError: if there is none.
        """
        episode = self._open.get(episode_id)
        if episode is not None:
            return episode
        if self._closed.get(episode_id) is not None:
            raise ClosedEpisodeError("this episode has ended; open a new one on the control plane")
        raise UnknownEpisodeError(
            "no episode has this id, or it ended long ago; open one on the control plane"
        )

    def find(self, episode_id: str) -> Episode | ClosedEpisode:
        """Return the episode with this id, open or closed.

        Raises:
            UnknownEpisodeError: if there is none.
        """
        closed = self._closed.get(episode_id)
        return closed if closed is not None else self.get(episode_id)

    async def close(self, episode_id: str) -> ClosedEpisode:
        """End an episode, or return it again if it has ended.

        Raises:
            UnknownEpisodeError: if there is none.
        """
        found = self.find(episode_id)
        if isinstance(found, ClosedEpisode):
            return found
        await found.close()
        return await self._retire(found)

    async def _retire(self, episode: Episode) -> ClosedEpisode:
        before = self._closed.get(episode.id)
        if before is not None:
            return before
        closed = ClosedEpisode(episode.id, episode.source, episode.record(), episode.log_bytes)
        self._closed.add(closed)
        self._open.pop(episode.id, None)
        for notify in self.on_close:
            await notify(closed)
        return closed

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Expire abandoned episodes while the block runs, and end all of them after it."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeper.cancel()
            await asyncio.gather(sweeper, return_exceptions=True)
            left = tuple(self._open.values())
            await asyncio.gather(*(episode.abort() for episode in left), return_exceptions=True)
            for episode in left:
                await self._retire(episode)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(max(0.05, self._idle_seconds / 30))
            deadline = time.monotonic() - self._idle_seconds
            for episode in [e for e in self._open.values() if e.last_used < deadline]:
                logger.info("closing an episode of task %r: idle", episode.task.id)
                try:
                    await self.close(episode.id)
                except Exception:
                    logger.exception("closing an idle episode failed")
