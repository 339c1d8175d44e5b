"""Routes for episodes: opened, watched, branched, scored and closed."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from astra_arena.core.canonical import digest_of
from astra_arena.core.errors import SpecError
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.verdicts import Mode, Verdict
from astra_arena.servers.addresses import Addresses
from astra_arena.servers.closed_episodes import ClosedEpisode
from astra_arena.servers.control_plane.access import AccessTokens, guard
from astra_arena.servers.control_plane.answers import json_answer
from astra_arena.servers.control_plane.control_models import (
    CallPage,
    EpisodeEnd,
    EpisodePage,
    EpisodeRequest,
    EpisodeState,
    EpisodeStatus,
    OpenedEpisode,
    SpokenMessage,
    UserAnswer,
)
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.failures import ClosedEpisodeError, VoidEpisodeError
from astra_arena.servers.host import EpisodeHost

MOST_LISTED = 1000


def episode_routes(host: EpisodeHost, tokens: AccessTokens, addresses: Addresses) -> APIRouter:
    """Return the routes under `/episodes`."""
    router = APIRouter(tags=["episodes"])
    _add_opening(router, host, tokens, addresses)
    _add_reading(router, host, tokens)
    _add_reply(router, host, tokens, addresses)
    return router


def _add_opening(
    router: APIRouter, host: EpisodeHost, tokens: AccessTokens, addresses: Addresses
) -> None:
    guarded = [guard(tokens)]

    @router.post("/episodes", status_code=201, response_model=OpenedEpisode, dependencies=guarded)
    async def open_episode(asked: EpisodeRequest) -> Response:
        """Open an episode of a task."""
        episode = await host.open(
            asked.environment,
            asked.task,
            seed=asked.seed,
            variant=asked.variant,
            budget=asked.budget,
            mixing=asked.mixing,
        )
        return json_answer(opened_episode(episode, addresses), status=201)

    @router.delete("/episodes/{episode_id}", response_model=EpisodeEnd, dependencies=guarded)
    async def close(episode_id: str) -> Response:
        """End an episode; asked again, it answers the same."""
        closed = await host.close(episode_id)
        graded = closed.record.void is None and closed.source.holds_gold
        verdict = closed.verdict() if graded else None
        return json_answer(EpisodeEnd(record=closed.record, verdict=verdict))

    @router.get(
        "/episodes", response_model=EpisodePage, dependencies=[guard(tokens, role="operator")]
    )
    async def episodes(
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
    ) -> Response:
        """List the open episodes, in the order in which they were opened."""
        listed = host.open_episodes
        page = tuple(_status(episode) for episode in listed[offset : offset + limit])
        return json_answer(EpisodePage(total=len(listed), episodes=page))


def _add_reading(router: APIRouter, host: EpisodeHost, tokens: AccessTokens) -> None:
    guarded = [guard(tokens)]

    @router.get("/episodes/{episode_id}", response_model=EpisodeStatus, dependencies=guarded)
    async def status(episode_id: str) -> Response:
        """Tell how an episode stands."""
        return json_answer(_status(host.find(episode_id)))

    @router.get("/episodes/{episode_id}/record", response_model=EpisodeRecord, dependencies=guarded)
    async def record(episode_id: str) -> Response:
        """Return all that the host knows of an episode."""
        return json_answer(_record(host.find(episode_id)))

    @router.get("/episodes/{episode_id}/log", response_model=CallPage, dependencies=guarded)
    async def log(
        episode_id: str,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
    ) -> Response:
        """Return a part of an episode's calls, in order."""
        calls = _record(host.find(episode_id)).calls
        return json_answer(CallPage(total=len(calls), calls=calls[offset : offset + limit]))

    @router.get("/episodes/{episode_id}/state", response_model=EpisodeState, dependencies=guarded)
    async def state(episode_id: str) -> Response:
        """Tell what the worlds of an open episode have become."""
        episode = host.get(episode_id)
        return json_answer(EpisodeState(calls=episode.call_count, worlds=await episode.state()))

    @router.get("/episodes/{episode_id}/verdict", response_model=Verdict, dependencies=guarded)
    async def verdict(episode_id: str, mode: Mode = "strict") -> Response:
        """Decide what an episode has earned so far."""
        return json_answer(host.find(episode_id).verdict(mode))


def _add_reply(
    router: APIRouter, host: EpisodeHost, tokens: AccessTokens, addresses: Addresses
) -> None:
    @router.post(
        "/episodes/{episode_id}/reply", response_model=UserAnswer, dependencies=[guard(tokens)]
    )
    async def reply(episode_id: str, said: SpokenMessage) -> Response:
        """End the agent's turn in words."""
        episode = host.get(episode_id)
        if not episode.task.needs_reply:
            raise SpecError(f"task {episode.task.id!r} has no turns that end in words")
        heard = await episode.reply(said.message, said.kind, key=said.key)
        if heard.structured is not None:
            answer = UserAnswer.from_json(heard.structured, what="the reply")
            if heard.entered is not None:
                answer = answer.model_copy(update={"mcp": addresses.episode_phase(episode)})
            return json_answer(answer)
        if episode.void is not None:
            raise VoidEpisodeError(heard.text)
        raise ClosedEpisodeError(heard.text) if episode.done else SpecError(heard.text)


def _record(found: Episode | ClosedEpisode) -> EpisodeRecord:
    return found.record() if isinstance(found, Episode) else found.record


def _status(found: Episode | ClosedEpisode) -> EpisodeStatus:
    if isinstance(found, Episode):
        task, calls = found.task.id, found.call_count
    else:
        task, calls = found.record.task_id, len(found.record.calls)
    return EpisodeStatus(
        id=found.id,
        environment=found.source.name,
        task=task,
        open=isinstance(found, Episode),
        calls=calls,
        void=found.void,
    )


def _tools_digest(episode: Episode) -> str:
    tools = episode.tools()
    if not episode.tool_names:
        return digest_of([tool.name for tool in tools])
    # Documents differ as well, and so may the order of properties, which canonical JSON drops.
    return digest_of([tool.model_dump_json() for tool in tools])


def opened_episode(episode: Episode, addresses: Addresses) -> OpenedEpisode:
    """Return what a harness needs to have an episode played."""
    return OpenedEpisode(
        id=episode.id,
        environment=episode.source.name,
        environment_digest=episode.source.digests.environment,
        tasks_digest=episode.source.digests.tasks,
        task=episode.task.id,
        seed=episode.seed,
        variant=episode.task.variant,
        prompt=episode.task.prompt,
        budget=episode.task.budget,
        needs_reply=episode.task.needs_reply,
        tools_digest=_tools_digest(episode),
        tool_names=episode.tool_names,
        mcp=addresses.episode_mcp(episode.source.name, episode.id),
        phase=addresses.episode_phase(episode) if episode.tools_change else None,
        members=addresses.episode_members(episode),
        control=addresses.episode_control(episode.id),
        tier=episode.tier,
    )
