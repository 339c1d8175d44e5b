"""The control plane as one application: for harnesses and operators, never for the agent."""

from fastapi import FastAPI

from astra_arena.servers.addresses import Addresses
from astra_arena.servers.control_plane.access import AccessTokens
from astra_arena.servers.control_plane.answers import add_error_handlers
from astra_arena.servers.control_plane.control_models import ErrorAnswer
from astra_arena.servers.control_plane.environment_routes import environment_routes
from astra_arena.servers.control_plane.episode_routes import episode_routes
from astra_arena.servers.control_plane.operation_routes import operation_routes
from astra_arena.servers.control_plane.snapshot_routes import snapshot_routes
from astra_arena.servers.host import EpisodeHost
from astra_arena.servers.metrics import HostMetrics


def build_control_app(
    host: EpisodeHost,
    *,
    tokens: AccessTokens,
    addresses: Addresses,
    metrics: HostMetrics | None = None,
) -> FastAPI:
    """Make the control plane of a host.

    Args:
        host: Where the episodes are.
        tokens: What clients send as `Authorization: Bearer …`.
        addresses: What the addresses of episodes start with.
        metrics: The host's figures, if they are collected already.
    """
    app = FastAPI(
        title="astra-arena control plane",
        description="Open, inspect, score and close episodes.",
        responses={"4XX": {"model": ErrorAnswer}, "5XX": {"model": ErrorAnswer}},
    )
    add_error_handlers(app)
    app.include_router(environment_routes(host, tokens))
    app.include_router(episode_routes(host, tokens, addresses))
    app.include_router(snapshot_routes(host, tokens, addresses))
    app.include_router(operation_routes(host, tokens, metrics or HostMetrics(host)))
    return app
