"""Snapshots of whole episodes, and episodes that go on from one independently.

A snapshot takes every session, the log, the user's side, the fault schedule and what is left of the
budget at one moment between two calls. It holds no process: worlds come back by replay, or by a
fork where the sandbox can.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from astra_arena.core.user import UserState
from astra_arena.sandbox.contract import Sandbox
from astra_arena.sandbox.recovery import IdlePolicy
from astra_arena.sandbox.snapshots import Snapshot
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.episode_log import LogState
from astra_arena.servers.episodes.failures import ClosedEpisodeError, VoidEpisodeError
from astra_arena.servers.episodes.fault_schedule import Attempts
from astra_arena.servers.episodes.members import LiveMember


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeSnapshot:
    """An episode between two calls."""

    episode: Episode
    """The one it is of, for what all branches share; it may have ended since."""
    worlds: Mapping[str, Snapshot | None] = field(repr=False)
    """By member; `None` where nothing was done yet."""
    log: LogState = field(repr=False)
    user: UserState = field(repr=False)
    attempts: Attempts = field(repr=False)

    @property
    def state_digests(self) -> dict[str, str | None]:
        """The state digest of each member's world; `None` where nothing was done yet."""
        return {
            name: None if world is None else world.state_digest
            for name, world in self.worlds.items()
        }


async def take_snapshot(episode: Episode) -> EpisodeSnapshot:
    """Return an episode as it is between two calls; it goes on unharmed.

    Raises:
        ClosedEpisodeError: if it has ended.
        VoidEpisodeError: if the machinery broke during it.
        SandboxUnavailableError: if the sandbox failed twice in a row.
    """
    async with episode.between_calls():
        if episode.void is not None:
            raise VoidEpisodeError("a void episode cannot be branched; open a new one")
        if not episode.is_open:
            raise ClosedEpisodeError("this episode has ended; branch it while it is open")
        return EpisodeSnapshot(
            episode,
            {name: await member.snapshot() for name, member in episode.worlds.items()},
            episode.calling.log.state(),
            episode.calling.conversation.state,
            episode.calling.faults.attempts(),
        )


async def open_branch(
    snapshot: EpisodeSnapshot, sandbox: Sandbox, *, idle: IdlePolicy | None = None
) -> Episode:
    """Open an independent episode that goes on from a snapshot.

    Args:
        snapshot: Where it begins.
        sandbox: Runs its tool code; stays the caller's.
        idle: Hibernates its sessions when they were not called for long.

    Raises:
        SandboxError: if a world could not be rebuilt.
        SandboxUnavailableError: if no session can be started.
    """
    origin = snapshot.episode
    members: list[LiveMember] = []
    try:
        for name, member in origin.worlds.items():
            members.append(await member.branch(snapshot.worlds[name], sandbox, idle=idle))
    except BaseException:
        for member in members:
            await member.close()
        raise
    episode = origin.sibling(secrets.token_urlsafe(24), members)
    episode.calling.log.resume(snapshot.log)
    episode.calling.conversation.state = snapshot.user
    episode.calling.faults.resume(snapshot.attempts)
    episode.branched_at = len(snapshot.log.calls)
    return episode
