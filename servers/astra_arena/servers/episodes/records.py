"""Records of episodes: an empty one to begin with, and what a finished one earned."""

from collections.abc import Iterable

from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import Mode, Verdict, score, unsupported_parts
from astra_arena.sandbox.tiers import EXTERNAL
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.bundles.suite import Source, members_of
from astra_arena.servers.episodes.failures import UngradedEpisodeError, VoidEpisodeError


def tier_with(members: Iterable[Bundle], tier: str) -> str:
    """Return what confines the code behind the tools of environments.

    Args:
        members: The environments.
        tier: What confines tool code here; that of external servers is confined by nobody here.
    """
    external = {member.environment.world.kind == "external" for member in members}
    if external == {True}:
        return EXTERNAL
    return f"{EXTERNAL}+{tier}" if True in external else tier


def tier_of(source: Source, task: Task, tier: str) -> str:
    """Return what confines the code behind the tools of a task; see `tier_with`."""
    members = members_of(source)
    named = [one for one in members if one.digests.environment in task.environments]
    return tier_with(named or members, tier)


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
