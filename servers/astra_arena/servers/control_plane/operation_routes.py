"""Routes for whoever runs the server: is it alive, is it ready, its figures, and draining it."""

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.servers.control_plane.access import AccessTokens, guard
from astra_arena.servers.control_plane.answers import json_answer
from astra_arena.servers.control_plane.control_models import DrainState, Health
from astra_arena.servers.host import EpisodeHost
from astra_arena.servers.metrics import HostMetrics


def operation_routes(host: EpisodeHost, tokens: AccessTokens, metrics: HostMetrics) -> APIRouter:
    """Return the routes of operation."""
    router = APIRouter(tags=["operation"])
    collecting = [guard(tokens)]
    operating = [guard(tokens, role="operator")]

    @router.get("/healthz", response_model=Health)
    async def healthz() -> Response:
        """Tell that the process answers; needs no token."""
        return json_answer(b'{"status":"ok"}')

    @router.get("/readyz", response_model=Health, responses={503: {"model": Health}})
    async def readyz() -> Response:
        """Tell whether episodes can be opened; needs no token."""
        status = _readiness(host)
        return json_answer(Health(status=status), status=200 if status == "ready" else 503)

    @router.get("/metrics", dependencies=collecting, response_class=Response)
    async def figures() -> Response:
        """Return figures in the form that Prometheus reads."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    @router.post("/drain", response_model=DrainState, dependencies=operating)
    async def drain() -> Response:
        """Open no further episodes; those that are open go on."""
        host.draining = True
        return json_answer(DrainState(draining=True, open=host.open_count))

    @router.delete("/drain", response_model=DrainState, dependencies=operating)
    async def resume() -> Response:
        """Open episodes again."""
        host.draining = False
        return json_answer(DrainState(draining=False, open=host.open_count))

    return router


def _readiness(host: EpisodeHost) -> str:
    if host.draining:
        return "draining"
    try:
        _ = host.sandbox.tier
    except SandboxUnavailableError:
        return "no sandbox"
    return "ready"
