"""Episodes that have ended, remembered for a while, so that a lost reply can be asked for again."""

from collections import OrderedDict
from dataclasses import dataclass

from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.core.verdicts import Mode, Verdict
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.episodes.records import verdict_of


@dataclass(frozen=True, slots=True)
class ClosedEpisode:
    """What is kept of an episode after its end, so that a lost reply can be asked for again."""

    id: str
    source: Source
    record: EpisodeRecord
    log_bytes: int
    """About how much memory the record takes."""

    @property
    def void(self) -> Failure | None:
        """The infrastructure failure that ended the episode, if one did."""
        return self.record.void

    def verdict(self, mode: Mode = "strict") -> Verdict:
        """Decide what the episode earned.

        Raises:
            VoidEpisodeError: if the machinery broke.
        """
        return verdict_of(self.source.task(self.record.task_id), self.record, mode)


class ClosedEpisodes:
    """The last episodes that have ended.

    Args:
        kept: So many can still be asked about.
        bytes_kept: About so many bytes of their logs are kept; the last one always is.
    """

    def __init__(self, *, kept: int, bytes_kept: int) -> None:
        self._kept = kept
        self._bytes_kept = bytes_kept
        self._bytes = 0
        self._by_id: OrderedDict[str, ClosedEpisode] = OrderedDict()

    def get(self, episode_id: str) -> ClosedEpisode | None:
        """Return the episode with this id, if it is remembered."""
        return self._by_id.get(episode_id)

    def add(self, closed: ClosedEpisode) -> None:
        """Remember an episode, and forget the oldest ones beyond what is kept."""
        self._by_id[closed.id] = closed
        self._bytes += closed.log_bytes
        while len(self._by_id) > self._kept or (
            self._bytes > self._bytes_kept and len(self._by_id) > 1
        ):
            _, forgotten = self._by_id.popitem(last=False)
            self._bytes -= forgotten.log_bytes
