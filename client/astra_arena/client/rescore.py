"""Scoring again from the record alone: nothing is played, nothing is run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import RecordError
from astra_arena.core.rollouts import EpisodeRecord, Rollout
from astra_arena.core.verdicts import Mode, Verdict, score
from astra_arena.servers.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Rescored:
    """A record and what it earns now."""

    what: str
    """The rollout's id, or the journal's file name."""
    agent: str | None
    """`None` for journals, which do not know who played."""
    task_id: str
    stored: float | None
    """The reward in the file; `None` for journals."""
    verdict: Verdict | None
    """`None` for what is void: that is never scored."""

    def to_json(self) -> JsonObject:
        """Return the result as JSON."""
        return {
            "what": self.what,
            "agent": self.agent,
            "task": self.task_id,
            "stored": self.stored,
            "reward": None if self.verdict is None else self.verdict.reward,
            "solved": None if self.verdict is None else self.verdict.solved,
        }


def score_record(record: EpisodeRecord, bundle: Bundle, *, mode: Mode = "strict") -> Verdict | None:
    """Decide what an episode earned, from its record and the bundle's gold.

    Returns:
        The verdict, or `None` for a void episode.

    Raises:
        RecordError: if the episode was played on another environment or other tasks.
        UnknownTaskError: if the bundle does not have the task.
    """
    _require_same("environment", record.environment_digest, bundle.digests.environment, bundle)
    _require_same("tasks", record.tasks_digest, bundle.digests.tasks, bundle)
    if record.void is not None:
        return None
    return score(bundle.task(record.task_id), record.calls, mode=mode)


def rescore(
    rollouts: Iterable[Rollout], bundle: Bundle, *, mode: Mode = "strict"
) -> Iterator[Rescored]:
    """Score rollouts again, one by one.

    Raises:
        RecordError: if a rollout was played on another environment or other tasks.
    """
    for rollout in rollouts:
        verdict = (
            None if rollout.ended == "void" else score_record(rollout.episode, bundle, mode=mode)
        )
        yield Rescored(
            what=rollout.id,
            agent=rollout.agent,
            task_id=rollout.episode.task_id,
            stored=None if rollout.verdict is None else rollout.verdict.reward,
            verdict=verdict,
        )


def _require_same(what: str, came: str, expected: str | None, bundle: Bundle) -> None:
    if expected is None:
        raise RecordError(f"the bundle at {bundle.path} holds no gold; score with the full bundle")
    if came != expected:
        raise RecordError(
            f"the record was played on {what} {came}, but the bundle at {bundle.path} is {what} "
            f"{expected}; score it with the bundle that it was played on"
        )
