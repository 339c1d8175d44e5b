"""The control plane: open, inspect, score and close episodes. For the harness, never for the agent.

Every answer is written straight from a model: at the rates of training, serialising twice shows.
"""

import secrets
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request, params
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from astra_arena.core.canonical import digest_of
from astra_arena.core.errors import (
    ArenaError,
    PolicyError,
    SandboxUnavailableError,
    SettingsError,
    SpecError,
    UnknownTaskError,
)
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.verdicts import Mode, Verdict
from astra_arena.servers.addresses import Addresses
from astra_arena.servers.bundles.suite import offered_specs
from astra_arena.servers.control_plane.control_models import (
    EnvironmentInfo,
    EpisodeEnd,
    EpisodeRequest,
    EpisodeStatus,
    ErrorAnswer,
    ErrorInfo,
    Health,
    OpenedEpisode,
    SpokenMessage,
    TaskInfo,
    TaskPage,
    UserAnswer,
)
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.failures import (
    ClosedEpisodeError,
    EpisodeLimitError,
    UnknownEpisodeError,
    VoidEpisodeError,
)
from astra_arena.servers.host import EpisodeHost, Served

_STATUS: tuple[tuple[type[ArenaError], int], ...] = (
    (UnknownTaskError, 404),
    (UnknownEpisodeError, 404),
    (ClosedEpisodeError, 409),
    (VoidEpisodeError, 409),
    (EpisodeLimitError, 429),
    (SandboxUnavailableError, 503),
    (SpecError, 422),
    (SettingsError, 422),
    (PolicyError, 422),
)


def build_control_app(host: EpisodeHost, *, token: str, addresses: Addresses) -> FastAPI:
    """Make the control plane of a host.

    Args:
        token: What clients send as `Authorization: Bearer …`.
        addresses: What the addresses of episodes start with.
    """
    app = FastAPI(
        title="astra-arena control plane",
        description="Open, inspect, score and close episodes.",
        responses={"4XX": {"model": ErrorAnswer}, "5XX": {"model": ErrorAnswer}},
    )
    _add_error_handlers(app)
    _add_environment_routes(app, host, token)
    _add_episode_routes(app, host, token, addresses)
    _add_reply_route(app, host, token)
    return app


def _guard(token: str) -> params.Depends:
    expected = token.encode("utf-8")
    bearer = HTTPBearer(auto_error=False)

    async def require_token(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> None:
        came = credentials.credentials.encode("utf-8", "replace") if credentials else b""
        if not secrets.compare_digest(came, expected):
            problem = "this token is wrong" if credentials else "a token is needed"
            raise HTTPException(401, f"{problem}; send 'Authorization: Bearer TOKEN'")

    return params.Depends(require_token)


def _add_environment_routes(app: FastAPI, host: EpisodeHost, token: str) -> None:
    guarded = [_guard(token)]

    @app.get("/healthz", response_model=Health)
    async def healthz() -> Response:
        return _json(b'{"status":"ok"}')

    @app.get("/environments", response_model=list[EnvironmentInfo], dependencies=guarded)
    async def environments() -> Response:
        return _json(
            b"["
            + b",".join(_environment_info(one, host) for one in host.environments.values())
            + b"]"
        )

    @app.get("/environments/{environment}/tasks", response_model=TaskPage, dependencies=guarded)
    async def tasks(
        environment: str,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> Response:
        everything = host.environment(environment).source.tasks
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
        return _json(_bytes(TaskPage(total=len(everything), tasks=page)))


def _add_episode_routes(app: FastAPI, host: EpisodeHost, token: str, addresses: Addresses) -> None:
    guarded = [_guard(token)]

    @app.post("/episodes", status_code=201, response_model=OpenedEpisode, dependencies=guarded)
    async def open_episode(asked: EpisodeRequest) -> Response:
        episode = await host.open(
            asked.environment, asked.task, seed=asked.seed, variant=asked.variant
        )
        return _json(_bytes(_opened(episode, addresses)), status=201)

    @app.get("/episodes/{episode_id}", response_model=EpisodeStatus, dependencies=guarded)
    async def status(episode_id: str) -> Response:
        found = host.find(episode_id)
        if isinstance(found, Episode):
            task, calls = found.task.id, found.call_count
        else:
            task, calls = found.record.task_id, len(found.record.calls)
        answer = EpisodeStatus(
            id=found.id,
            environment=found.source.name,
            task=task,
            open=isinstance(found, Episode),
            calls=calls,
            void=found.void,
        )
        return _json(_bytes(answer))

    @app.get("/episodes/{episode_id}/record", response_model=EpisodeRecord, dependencies=guarded)
    async def record(episode_id: str) -> Response:
        found = host.find(episode_id)
        return _json(_bytes(found.record() if isinstance(found, Episode) else found.record))

    @app.get("/episodes/{episode_id}/verdict", response_model=Verdict, dependencies=guarded)
    async def verdict(episode_id: str, mode: Mode = "strict") -> Response:
        return _json(_bytes(host.find(episode_id).verdict(mode)))

    @app.delete("/episodes/{episode_id}", response_model=EpisodeEnd, dependencies=guarded)
    async def close(episode_id: str) -> Response:
        closed = await host.close(episode_id)
        verdict = None if closed.void is not None else closed.verdict()
        return _json(_bytes(EpisodeEnd(record=closed.record, verdict=verdict)))


def _add_reply_route(app: FastAPI, host: EpisodeHost, token: str) -> None:
    @app.post(
        "/episodes/{episode_id}/reply", response_model=UserAnswer, dependencies=[_guard(token)]
    )
    async def reply(episode_id: str, said: SpokenMessage) -> Response:
        episode = host.get(episode_id)
        if not episode.task.needs_reply:
            raise SpecError(f"task {episode.task.id!r} has no turns that end in words")
        heard = await episode.reply(said.message, said.kind, key=said.key)
        if heard.structured is not None:
            return _json(_bytes(UserAnswer.from_json(heard.structured, what="the reply")))
        if episode.void is not None:
            raise VoidEpisodeError(heard.text)
        raise ClosedEpisodeError(heard.text) if episode.done else SpecError(heard.text)


def _environment_info(served: Served, host: EpisodeHost) -> bytes:
    source = served.source
    info = EnvironmentInfo(
        name=source.name,
        title=source.title,
        description=source.description,
        domain=source.domain,
        environment_digest=source.digests.environment,
        tasks_digest=source.digests.tasks,
        tasks=len(source.tasks),
        tools=tuple(tool.name for tool in offered_specs(source)),
        tier=host.sandbox.tier,
    )
    return _bytes(info)


def _opened(episode: Episode, addresses: Addresses) -> OpenedEpisode:
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
        tools_digest=digest_of([tool.name for tool in episode.tools()]),
        mcp=addresses.episode_mcp(episode.source.name, episode.id),
        control=addresses.episode_control(episode.id),
        tier=episode.tier,
    )


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(ArenaError)
    async def arena_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, ArenaError)
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return _error(status, error.boundary, error.message)

    @app.exception_handler(RequestValidationError)
    async def invalid_request(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        return _error(422, "control", f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = _error(error.status_code, "control", str(error.detail))
        if error.status_code == 401:
            answer.headers["www-authenticate"] = "Bearer"
        return answer

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, __: Exception) -> Response:
        return _error(500, "control", "the control plane failed; its log says why")


def _error(status: int, boundary: str, message: str) -> Response:
    error = ErrorInfo(boundary=boundary, message=message)
    return _json(_bytes(ErrorAnswer(error=error)), status=status)


def _bytes(model: BaseModel) -> bytes:
    return model.__pydantic_serializer__.to_json(model)


def _json(body: bytes, *, status: int = 200) -> Response:
    return Response(body, status_code=status, media_type="application/json")
