"""Records of episodes: an empty one to begin with, and what a finished one earned."""

from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import Mode, Verdict, score, unsupported_parts
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.episodes.failures import UngradedEpisodeError, VoidEpisodeError


def empty_record(source: Source, task: Task, *, seed: int, tier: str) -> EpisodeRecord:
    """Return the record of an episode in which nothing has happened."""
    return EpisodeRecord(
        environment=source.name,
        environment_digest=source.digests.environment,
        tasks_digest=source.tasks_digest,
        task_id=task.id,
        seed=seed,
        variant=task.variant,
        tier=tier,
    )


def verdict_of(task: Task, record: EpisodeRecord, mode: Mode = "strict") -> Verdict:
    """Decide what a recorded episode earned.

    Raises:
        VoidEpisodeError: if the machinery broke; such an episode is never scored.
        UngradedEpisodeError: if the task is without its gold.
    """
    if record.void is not None:
        raise VoidEpisodeError(
            f"the episode is void and has no verdict: {record.void.message}; "
            "open a new episode of the same task"
        )
    if unsupported_parts(task):
        raise UngradedEpisodeError(
            f"there is no gold of task {task.id!r} here, only in the full bundle; score the record "
            "there: arena score FILE --bundle FULL_BUNDLE"
        )
    return score(record.task_as_played(task), record.calls, mode=mode)
