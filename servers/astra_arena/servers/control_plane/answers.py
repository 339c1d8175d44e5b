"""How the control plane answers: models as JSON, and every failure in one form.

Every answer is written straight from a model: at the rates of training, serialising twice shows.
"""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from astra_arena.core.errors import (
    ArenaError,
    BundleError,
    PolicyError,
    SandboxUnavailableError,
    SettingsError,
    SpecError,
    UnknownTaskError,
)
from astra_arena.servers.control_plane.control_models import ErrorAnswer, ErrorInfo
from astra_arena.servers.episodes.failures import (
    BusyError,
    ClosedEpisodeError,
    EpisodeLimitError,
    UngradedEpisodeError,
    UnknownEpisodeError,
    VoidEpisodeError,
)

_STATUS: tuple[tuple[type[ArenaError], int], ...] = (
    (UnknownTaskError, 404),
    (UnknownEpisodeError, 404),
    (ClosedEpisodeError, 409),
    (VoidEpisodeError, 409),
    (UngradedEpisodeError, 409),
    (EpisodeLimitError, 429),
    (BusyError, 503),
    (SandboxUnavailableError, 503),
    (BundleError, 422),
    (SpecError, 422),
    (SettingsError, 422),
    (PolicyError, 422),
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_RETRY_SECONDS = {429: 1, 503: 2}


def json_bytes(model: BaseModel) -> bytes:
    """Return a model as JSON."""
    return model.__pydantic_serializer__.to_json(model)


def json_answer(body: bytes | BaseModel, *, status: int = 200) -> Response:
    """Return JSON as an answer."""
    data = body if isinstance(body, bytes) else json_bytes(body)
    return Response(data, status_code=status, media_type="application/json")


def error_answer(status: int, boundary: str, message: str) -> Response:
    """Return a failure as an answer; one that passes says when to try again."""
    error = ErrorInfo(boundary=boundary, message=message)
    answer = json_answer(ErrorAnswer(error=error), status=status)
    if status in _RETRY_SECONDS:
        answer.headers["retry-after"] = str(_RETRY_SECONDS[status])
    return answer


def add_error_handlers(app: FastAPI) -> None:
    """Have every failure answered in one form."""

    @app.exception_handler(ArenaError)
    async def arena_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, ArenaError)
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return error_answer(status, error.boundary, error.message)

    @app.exception_handler(RequestValidationError)
    async def invalid_request(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        return error_answer(422, "control", f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = error_answer(error.status_code, "control", str(error.detail))
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            # The framework names the methods of one route, but a path may have several.
            answer.headers["allow"] = ", ".join(_methods_at(app, request))
        if error.status_code == 401:
            answer.headers["www-authenticate"] = "Bearer"
        return answer

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, __: Exception) -> Response:
        return error_answer(500, "control", "the control plane failed; its log says why")


def _methods_at(app: FastAPI, request: Request) -> list[str]:
    """Return the methods that some route takes at the path of a request."""
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    return [
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] is Match.FULL for route in app.routes)
    ]
