"""Routes for environments and their tasks: listed for all, changed by operators."""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from astra_arena.core.errors import SettingsError
from astra_arena.servers.bundles.suite import load_source, members_of, offered_specs
from astra_arena.servers.control_plane.access import AccessTokens, guard
from astra_arena.servers.control_plane.answers import json_answer, json_bytes
from astra_arena.servers.control_plane.control_models import (
    EnvironmentInfo,
    EnvironmentPlace,
    TaskInfo,
    TaskPage,
)
from astra_arena.servers.episodes.records import tier_with
from astra_arena.servers.host import EpisodeHost
from astra_arena.servers.served import Served

MOST_TASKS = 10_000


def environment_routes(host: EpisodeHost, tokens: AccessTokens) -> APIRouter:
    """Return the routes under `/environments`."""
    router = APIRouter(tags=["environments"])
    _add_reading(router, host, tokens)
    _add_changing(router, host, tokens)
    return router


def _add_reading(router: APIRouter, host: EpisodeHost, tokens: AccessTokens) -> None:
    guarded = [guard(tokens)]

    @router.get("/environments", response_model=list[EnvironmentInfo], dependencies=guarded)
    async def environments() -> Response:
        """List what is served."""
        infos = [json_bytes(_info(one, host)) for one in host.environments.values()]
        return json_answer(b"[" + b",".join(infos) + b"]")

    @router.get("/environments/{name}", response_model=EnvironmentInfo, dependencies=guarded)
    async def environment(name: str) -> Response:
        """Tell of one environment or suite."""
        return json_answer(_info(host.environment(name), host))

    @router.get("/environments/{name}/tasks", response_model=TaskPage, dependencies=guarded)
    async def tasks(
        name: str,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_TASKS)] = 1000,
    ) -> Response:
        """List tasks without their gold."""
        everything = host.environment(name).source.tasks
        page = tuple(
            TaskInfo(
                id=task.id,
                prompt=task.prompt,
                split=task.split,
                variant=task.variant,
                budget=task.budget,
                difficulty=task.difficulty,
                needs_reply=task.needs_reply,
            )
            for task in everything[offset : offset + limit]
        )
        return json_answer(TaskPage(total=len(everything), tasks=page))


def _add_changing(router: APIRouter, host: EpisodeHost, tokens: AccessTokens) -> None:
    guarded = [guard(tokens, role="operator")]

    @router.post(
        "/environments", status_code=201, response_model=EnvironmentInfo, dependencies=guarded
    )
    async def add(place: EnvironmentPlace) -> Response:
        """Serve one more bundle or suite, read from a folder on the server's machine."""
        source = await asyncio.to_thread(load_source, Path(place.path))
        return json_answer(_info(host.add(source), host), status=201)

    @router.put("/environments/{name}", response_model=EnvironmentInfo, dependencies=guarded)
    async def replace(name: str, place: EnvironmentPlace) -> Response:
        """Serve a bundle or suite in place of the one of its name; open episodes go on."""
        source = await asyncio.to_thread(load_source, Path(place.path))
        if source.name != name:
            raise SettingsError(
                f"expected an environment called {name!r} at {place.path}, got {source.name!r}"
            )
        return json_answer(_info(await host.replace(source), host))

    @router.delete("/environments/{name}", response_model=EnvironmentInfo, dependencies=guarded)
    async def remove(name: str) -> Response:
        """Open no further episodes of an environment; those that are open go on."""
        return json_answer(_info(await host.remove(name), host))


def _info(served: Served, host: EpisodeHost) -> EnvironmentInfo:
    source = served.source
    return EnvironmentInfo(
        name=source.name,
        title=source.title,
        description=source.description,
        domain=source.domain,
        environment_digest=source.digests.environment,
        tasks_digest=source.digests.tasks,
        tasks=len(source.tasks),
        tools=tuple(tool.name for tool in offered_specs(source)),
        tier=tier_with(members_of(source), host.sandbox.tier),
    )
