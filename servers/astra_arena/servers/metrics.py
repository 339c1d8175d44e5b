"""Figures of a host in the form that Prometheus reads.

They tell how much happens and how it ends. Nothing in them is gold, a reward or an episode's id.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

from astra_arena.core.calls import CallRecord
from astra_arena.core.rollouts import Failure
from astra_arena.servers.closed_episodes import ClosedEpisode
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.host import EpisodeHost

_CALL_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


class HostMetrics:
    """Counts what happens on a host from now on.

    Args:
        host: The host.
    """

    def __init__(self, host: EpisodeHost) -> None:
        registry = self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self._opened = Counter(
            "arena_episodes_opened", "Episodes opened.", ["environment"], registry=registry
        )
        self._closed = Counter(
            "arena_episodes_closed", "Episodes that ended.", ["environment"], registry=registry
        )
        self._void = Counter(
            "arena_episodes_void",
            "Episodes that the machinery broke.",
            ["environment", "boundary"],
            registry=registry,
        )
        self._calls = Counter(
            "arena_calls",
            "Calls in episode logs, by how they ended.",
            ["environment", "outcome"],
            registry=registry,
        )
        self._by_outcome: dict[tuple[str, str], Counter] = {}
        self._faults = Counter(
            "arena_faults", "Injected faults.", ["environment", "fault"], registry=registry
        )
        self._seconds = Histogram(
            "arena_call_seconds",
            "Time that a call takes once it is its turn.",
            ["environment"],
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self.refused = Counter(
            "arena_requests_refused",
            "Requests refused because the server was full.",
            ["plane"],
            registry=registry,
        )
        self._add_gauges(host)
        host.on_open.append(self._watch)
        host.on_close.append(self._note_end)

    def _add_gauges(self, host: EpisodeHost) -> None:
        for name, text, figure in (
            ("arena_episodes_open", "Episodes open now.", lambda: host.open_count),
            ("arena_sessions_live", "Sessions with a process.", lambda: host.live_sessions),
            ("arena_snapshots", "Snapshots kept.", lambda: host.snapshot_count),
            ("arena_environments", "Environments served.", lambda: len(host.environments)),
            ("arena_draining", "Whether no episodes are opened.", lambda: host.draining),
        ):
            Gauge(name, text, registry=self._registry).set_function(figure)

    def exposition(self) -> bytes:
        """Return all figures as text."""
        return generate_latest(self._registry)

    def _watch(self, episode: Episode) -> None:
        name = episode.source.name
        self._opened.labels(name).inc()
        episode.on_answer = self._seconds.labels(name).observe

        def record(call: CallRecord) -> None:
            self._ended(call.environment, call.outcome).inc()
            if call.fault is not None:
                self._faults.labels(call.environment, call.fault).inc()

        def void(failure: Failure) -> None:
            self._void.labels(name, failure.boundary).inc()

        episode.on_record, episode.on_void = record, void

    def _ended(self, environment: str, outcome: str) -> Counter:
        # The library checks and spells labels anew each time.
        found = self._by_outcome.get((environment, outcome))
        if found is None:
            found = self._calls.labels(environment, outcome)
            self._by_outcome[environment, outcome] = found
        return found

    async def _note_end(self, closed: ClosedEpisode) -> None:
        self._closed.labels(closed.source.name).inc()
