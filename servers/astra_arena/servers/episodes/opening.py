"""Opening an episode: which worlds it needs, and sessions that are ready before anyone is told."""

import secrets
from collections.abc import Sequence

from astra_arena.core.tasks import Budget, BudgetChange, Task
from astra_arena.core.tool_mixing import ToolMixing
from astra_arena.sandbox.contract import Program, Sandbox
from astra_arena.sandbox.recovery import IdlePolicy
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.episodes.clock import EpisodeClock
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.members import (
    LiveMember,
    Member,
    compiled_members,
    members_in_use,
    prepare_needed,
    require_playable,
)
from astra_arena.servers.episodes.mixing import (
    MOST_BUDGET,
    DistractorPool,
    MixedEpisode,
    mixed_tools,
    played_task,
)
from astra_arena.servers.episodes.records import tier_of
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
    budget: BudgetChange | None = None,
    mixing: ToolMixing | None = None,
    pool: DistractorPool | None = None,
    most: Budget = MOST_BUDGET,
    clock: EpisodeClock | None = None,
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
        budget: What to change of the task's budget.
        mixing: In place of the task's own.
        pool: Environments that distractors may be of, beside those of the source.
        most: The most that may be asked for as a budget.
        clock: Measures the budget, and keeps replies waiting.

    Raises:
        SpecError: if the task cannot be played, or not on this source, or not so.
        UnknownTaskError: if the task has no such variant.
        PolicyError: if the tool code was refused.
        SandboxUnavailableError: if no session can be started.
    """
    require_playable(task, variant, graded=source.holds_gold)
    played = played_task(task, budget=budget, mixing=mixing, most=most)
    chosen = members or compiled_members(source, toolset=toolset, program=program)
    in_use = members_in_use(source, chosen, task)
    mixed = _mixed(played, in_use, chosen, pool, sandbox, seed=seed, idle=idle)
    live = [LiveMember(member, sandbox, seed=seed, idle=idle) for member in in_use]
    episode = Episode(
        identifier=secrets.token_urlsafe(24),
        source=source,
        task=played,
        seed=seed,
        tier=tier_of(source, task, sandbox.tier),
        members=live,
        mixed=mixed,
        clock=clock,
        own_task=task,
    )
    return await _prepared(episode, live, task)


async def _prepared(episode: Episode, live: Sequence[LiveMember], task: Task) -> Episode:
    try:
        await prepare_needed(live, task)
    except BaseException:
        await episode.close()
        raise
    return episode


def _mixed(
    task: Task,
    in_use: Sequence[Member],
    chosen: Sequence[Member],
    pool: DistractorPool | None,
    sandbox: Sandbox,
    *,
    seed: int,
    idle: IdlePolicy | None,
) -> MixedEpisode | None:
    """Decide what comes of the task's mixing, if it has one that is about tools."""
    own = {member.name: member for member in chosen}
    bundles = {} if pool is None else dict(pool.bundles)
    bundles |= {name: member.bundle for name, member in own.items()}
    mixed = mixed_tools(task, [member.bundle for member in in_use], bundles, seed=seed)
    if mixed is None:
        return None
    tools, names = mixed
    worlds: dict[str, LiveMember] = {}
    for name in names.environments:
        if name in own:
            member = own[name]
        else:
            assert pool is not None, "others come from the pool alone"
            member = pool.member(name)
        worlds[name] = LiveMember(member, sandbox, seed=seed, idle=idle)
    return MixedEpisode(tools, names, worlds)
