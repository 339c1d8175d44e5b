"""Opening an episode: which worlds it needs, and sessions that are ready before anyone is told."""

import secrets
from collections.abc import Sequence

from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Program, Sandbox
from astra_arena.sandbox.recovery import IdlePolicy
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.members import (
    LiveMember,
    Member,
    compiled_members,
    members_in_use,
    prepare_needed,
    require_playable,
)
from astra_arena.servers.episodes.toolset import Toolset


async def open_episode(
    source: Source,
    task: Task,
    sandbox: Sandbox,
    *,
    seed: int = 0,
    variant: str | None = None,
    members: Sequence[Member] | None = None,
    toolset: Toolset | None = None,
    program: Program | None = None,
    idle: IdlePolicy | None = None,
) -> Episode:
    """Open an episode with a live session; with several members, one for each that the gold needs.

    Args:
        source: A bundle, or a suite, of which the members that the task names are in use.
        seed: Keys the random streams of the sessions, and the faults.
        variant: Must be the task's own; `None` takes that.
        members: The source's, when they were compiled already.
        toolset: A bundle's, when it was compiled already.
        program: A bundle's, when it was made already; one with limits of its own, for instance.
        idle: Hibernates the sessions when they were not called for long.

    Raises:
        SpecError: if the task cannot be played, or not on this source.
        UnknownTaskError: if the task has no such variant.
        PolicyError: if the tool code was refused.
        SandboxUnavailableError: if no session can be started.
    """
    require_playable(task, variant, graded=source.holds_gold)
    chosen = members or compiled_members(source, toolset=toolset, program=program)
    live = [
        LiveMember(member, sandbox, seed=seed, idle=idle)
        for member in members_in_use(source, chosen, task)
    ]
    episode = Episode(
        identifier=secrets.token_urlsafe(24),
        source=source,
        task=task,
        seed=seed,
        tier=sandbox.tier,
        members=live,
    )
    try:
        await prepare_needed(live, task)
    except BaseException:
        await episode.close()
        raise
    return episode
