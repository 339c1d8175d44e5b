"""Many rollouts: bounded concurrency, resumable, the same results in whatever order they arrive.

What is played is (task, agent, seed); its id says whether a store holds it already. A void rollout
is recorded, played once more, and the second one is recorded too. Which rollout is written first
is chance; what each one holds is not.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import anyio

from astra_arena.client.agent import Agent
from astra_arena.client.confinement import require_confined
from astra_arena.client.control_models import TaskCard
from astra_arena.client.harness import play_episode
from astra_arena.client.report import Report, Tallies
from astra_arena.client.store import RolloutStore
from astra_arena.client.venue import Venue, VenueCard
from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import ConnectionLostError, SettingsError
from astra_arena.core.rollout_files import read_rollouts
from astra_arena.core.rollouts import Rollout, rollout_id

logger = logging.getLogger(__name__)

VOID_RETRIES = 1
FEWEST_VOIDS_TO_GIVE_UP = 10


@dataclass(frozen=True, slots=True)
class Job:
    """One rollout to be played."""

    id: str
    task: TaskCard
    agent: Agent
    seed: int
    terms: EpisodeTerms


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, told after each rollout."""

    done: int
    total: int
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class Collected:
    """What a run did."""

    report: Report
    """Figures of everything that was asked for, what the store held before included."""
    played: int
    """Rollouts played in this run, repeated ones once."""
    skipped: int
    """Rollouts that the store held."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What makes the figures unfit for conclusions: too many rollouts that stayed void."""
        return self.report.findings


async def collect(
    venue: Venue,
    tasks: Sequence[TaskCard],
    agents: Sequence[Agent],
    *,
    concurrency: int = 8,
    seeds: Sequence[int] = (0,),
    store: RolloutStore | None = None,
    min_tier: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    terms: EpisodeTerms = NO_TERMS,
) -> Collected:
    """Let every agent play every task under every seed.

    Cancelling stops it cleanly: the store holds whole rollouts, and a later run goes on from there.

    Args:
        venue: Where to play.
        tasks: What to play; `await venue.tasks()` lists all.
        agents: Who plays; their names must differ.
        concurrency: How many episodes are open at once.
        seeds: One rollout for each.
        store: Where rollouts go, and whose rollouts are not played again.
        min_tier: What must confine the tools at least.
        on_progress: Called after each rollout.
        terms: What episodes are opened with in place of their tasks' own.

    Raises:
        SettingsError: if two agents have one name, concurrency is below 1, or the tools are
            unconfined.
        SandboxUnavailableError: if they are confined less than `min_tier` asks for.
        ConnectionLostError: if one void rollout follows the other: the server is gone.
    """
    _require_sound(agents, concurrency)
    card = await venue.card()
    require_confined(card.tier, min_tier=min_tier)
    jobs = _jobs(card, tasks, agents, seeds, terms)
    run = _Run(venue, store, on_progress, total=len(jobs), patience=2 * concurrency)
    run.recall({job.id for job in jobs})
    waiting = iter([job for job in jobs if store is None or job.id not in store])
    try:
        async with anyio.create_task_group() as group:
            for _ in range(concurrency):
                group.start_soon(run.work, waiting)
    except BaseExceptionGroup as errors:
        # The first error cancels the other workers; the rest of the group says nothing more.
        raise errors.exceptions[0] from None
    return Collected(
        report=run.everything.report(),
        played=run.played,
        skipped=len(jobs) - run.played,
    )


class _Run:
    """What the workers of one run share."""

    def __init__(
        self,
        venue: Venue,
        store: RolloutStore | None,
        on_progress: Callable[[Progress], None] | None,
        *,
        total: int,
        patience: int,
    ) -> None:
        self.everything = Tallies()
        self.played = 0
        self._venue = venue
        self._store = store
        self._on_progress = on_progress
        self._total = total
        self._held = 0
        self._patience = max(FEWEST_VOIDS_TO_GIVE_UP, patience)
        self._voids_in_a_row = 0

    def recall(self, asked_for: set[str]) -> None:
        """Count what the store holds of what is asked for."""
        if self._store is None:
            return
        for rollout in read_rollouts(self._store.path):
            if rollout.id in asked_for:
                self.everything.add(rollout)
        self._held = sum(job_id in self._store for job_id in asked_for)

    async def work(self, waiting: Iterator[Job]) -> None:
        """Play jobs until none are left."""
        for job in waiting:
            rollout = await self._play(job)
            self.played += 1
            if self._on_progress is not None:
                self._on_progress(Progress(self._held + self.played, self._total, rollout))

    async def _play(self, job: Job) -> Rollout:
        before = 0 if self._store is None else self._store.attempts(job.id)
        rollout = await self._attempt(job, before)
        for retry in range(VOID_RETRIES):
            if rollout.ended == "void":
                rollout = await self._attempt(job, before + 1 + retry)
        return rollout

    async def _attempt(self, job: Job, attempt: int) -> Rollout:
        rollout = await play_episode(
            self._venue,
            job.task.id,
            job.agent,
            seed=job.seed,
            variant=job.task.variant,
            attempt=attempt,
            terms=job.terms,
        )
        self._keep(rollout)
        return rollout

    def _keep(self, rollout: Rollout) -> None:
        if self._store is not None:
            self._store.append(rollout)
        self.everything.add(rollout)
        if rollout.ended != "void":
            self._voids_in_a_row = 0
            return
        self._voids_in_a_row += 1
        reason = rollout.failure.message if rollout.failure else ""
        logger.debug(
            "rollout %s (task %r) is void: %s", rollout.id, rollout.episode.task_id, reason
        )
        if self._voids_in_a_row >= self._patience:
            kept = "Nothing is kept, for want of a rollout file"
            if self._store is not None:
                kept = f"What was collected is in {self._store.path}; run again to go on"
            raise ConnectionLostError(
                f"{self._voids_in_a_row} attempts in a row were void, so the run was stopped; the "
                f"last failure: {reason}. {kept}"
            )


def _require_sound(agents: Sequence[Agent], concurrency: int) -> None:
    names = [agent.name for agent in agents]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SettingsError(f"agents must have different names; {doubled} came more than once")
    if concurrency < 1:
        raise SettingsError(f"expected a concurrency of at least 1, got {concurrency}")


def _jobs(
    card: VenueCard,
    tasks: Sequence[TaskCard],
    agents: Sequence[Agent],
    seeds: Sequence[int],
    terms: EpisodeTerms,
) -> tuple[Job, ...]:
    jobs = (
        Job(_job_id(card, task, agent, seed, terms), task, agent, seed, terms)
        for agent in agents
        for seed in seeds
        for task in tasks
    )
    return tuple({job.id: job for job in jobs}.values())


def _job_id(card: VenueCard, task: TaskCard, agent: Agent, seed: int, terms: EpisodeTerms) -> str:
    return rollout_id(
        environment_digest=card.environment_digest,
        tasks_digest=card.tasks_digest,
        task_id=task.id,
        seed=seed,
        variant=task.variant,
        agent=agent.name,
        budget=terms.budget,
        mixing=terms.mixing,
    )
