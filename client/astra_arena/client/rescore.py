"""Scoring again from the record alone: nothing is played, nothing is run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import RecordError
from astra_arena.core.rollout_files import is_journal_start, read_rollouts
from astra_arena.core.rollouts import EpisodeRecord, Rollout
from astra_arena.core.verdicts import Mode, Verdict, score
from astra_arena.servers.bundles.agent_side import public_tasks_digest
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.episodes.journal import read_journal


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


def score_record(record: EpisodeRecord, bundle: Source, *, mode: Mode = "strict") -> Verdict | None:
    """Decide what an episode earned, from its record and the bundle's gold.

    Returns:
        The verdict, or `None` for a void episode.

    Raises:
        RecordError: if the episode was played on another environment or other tasks.
        UnknownTaskError: if the bundle does not have the task.
    """
    _require_same("environment", record.environment_digest, bundle.digests.environment, bundle)
    # Played where the agent could read along: then the record names what was told of the tasks.
    told = bundle.holds_gold and record.tasks_digest == public_tasks_digest(bundle)
    if not told:
        _require_same("tasks", record.tasks_digest, bundle.digests.tasks, bundle)
    if record.void is not None:
        return None
    return score(record.task_as_played(bundle.task(record.task_id)), record.calls, mode=mode)


def rescore(
    rollouts: Iterable[Rollout], bundle: Source, *, mode: Mode = "strict"
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


def rescore_files(
    paths: Iterable[Path], bundle: Source, *, mode: Mode = "strict"
) -> Iterator[Rescored]:
    """Score files again, one by one; each is a rollout file or the journal of one episode.

    Raises:
        RecordError: if a file is damaged, or was played on another environment or other tasks.
    """
    for path in paths:
        if not _is_journal(path):
            yield from rescore(read_rollouts(path), bundle, mode=mode)
            continue
        record = read_journal(path)
        verdict = score_record(record, bundle, mode=mode)
        yield Rescored(path.name, None, record.task_id, None, verdict)


def scores_table(results: Sequence[Rescored]) -> Table:
    """Return the results as a table for people."""
    table = Table(box=None)
    for head in ("rollout", "agent", "task"):
        table.add_column(head, overflow="fold")
    for head in ("stored", "reward", "solved"):
        table.add_column(head, justify="right")
    for one in results:
        table.add_row(
            one.what,
            one.agent or "",
            one.task_id,
            "" if one.stored is None else f"{one.stored:.3f}",
            "void" if one.verdict is None else f"{one.verdict.reward:.3f}",
            "" if one.verdict is None else "yes" if one.verdict.solved else "no",
        )
    return table


def _is_journal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_journal_start(file.readline())
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from None


def _require_same(what: str, came: str, expected: str | None, bundle: Source) -> None:
    if expected is None:
        raise RecordError(f"the bundle at {bundle.path} holds no gold; score with the full bundle")
    if came != expected:
        raise RecordError(
            f"the record was played on {what} {came}, but the bundle at {bundle.path} is {what} "
            f"{expected}; score it with the bundle that it was played on"
        )
