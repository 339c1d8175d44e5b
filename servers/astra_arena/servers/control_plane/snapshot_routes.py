"""Routes for snapshots: an episode as it was at one moment, and branches that go on from there."""

from fastapi import APIRouter
from fastapi.responses import Response

from astra_arena.servers.addresses import Addresses
from astra_arena.servers.control_plane.access import AccessTokens, guard
from astra_arena.servers.control_plane.answers import json_answer
from astra_arena.servers.control_plane.control_models import (
    BranchRequest,
    OpenedEpisode,
    SnapshotInfo,
)
from astra_arena.servers.control_plane.episode_routes import opened_episode
from astra_arena.servers.episodes.branching import EpisodeSnapshot, take_snapshot
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.failures import UnknownEpisodeError
from astra_arena.servers.host import EpisodeHost


def snapshot_routes(host: EpisodeHost, tokens: AccessTokens, addresses: Addresses) -> APIRouter:
    """Return the routes for snapshots and branches."""
    router = APIRouter(tags=["snapshots"], dependencies=[guard(tokens)])

    @router.post("/episodes/{episode_id}/snapshots", status_code=201, response_model=SnapshotInfo)
    async def take(episode_id: str) -> Response:
        """Keep an episode as it is now, all its worlds included."""
        identifier, taken = await host.snapshot(episode_id)
        return json_answer(_info(identifier, taken), status=201)

    @router.get("/snapshots/{snapshot_id}", response_model=SnapshotInfo)
    async def look(snapshot_id: str) -> Response:
        """Tell of a snapshot."""
        return json_answer(_info(snapshot_id, host.kept_snapshot(snapshot_id)))

    @router.delete("/snapshots/{snapshot_id}", status_code=204)
    async def drop(snapshot_id: str) -> Response:
        """Forget a snapshot; its branches go on."""
        host.drop_snapshot(snapshot_id)
        return Response(status_code=204)

    @router.post("/episodes/{episode_id}/branch", status_code=201, response_model=OpenedEpisode)
    async def branch(episode_id: str, asked: BranchRequest | None = None) -> Response:
        """Open an independent episode that goes on from here, or from a snapshot of this one."""
        opened = await host.branch(await _branching_point(host, episode_id, asked))
        return json_answer(opened_episode(opened, addresses), status=201)

    return router


async def _branching_point(
    host: EpisodeHost, episode_id: str, asked: BranchRequest | None
) -> EpisodeSnapshot:
    found = host.find(episode_id)
    if asked is None or asked.snapshot is None:
        return await take_snapshot(found if isinstance(found, Episode) else host.get(episode_id))
    kept = host.kept_snapshot(asked.snapshot)
    if kept.episode.id != episode_id:
        raise UnknownEpisodeError("this snapshot is of another episode")
    return kept


def _info(identifier: str, snapshot: EpisodeSnapshot) -> SnapshotInfo:
    return SnapshotInfo(
        id=identifier,
        episode=snapshot.episode.id,
        calls=len(snapshot.log.calls),
        state_digests=snapshot.state_digests,
    )
