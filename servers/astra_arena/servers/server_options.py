"""What can be chosen about a server; each has a default."""

from typing import TypedDict

from astra_arena.sandbox.contract import Limits, Sandbox
from astra_arena.servers.agent_plane.extensions import Extensions


class PlaneOptions(TypedDict, total=False):
    """Options of `serve`."""

    host: str
    """What to bind to; this machine alone when absent."""
    port: int
    """Of the agent plane; 0 takes a free one."""
    control_port: int
    """Of the control plane; 0 takes a free one."""
    token: str | None
    """What the control plane asks operators for; a random one when absent."""
    collector_token: str | None
    """What it asks collectors for; without one there are operators only."""
    advertise_url: str | None
    """How others reach this host, when that differs from `host`."""
    limits: Limits | None
    """What a session may use."""
    max_episodes: int
    """How many episodes may be open at once."""
    max_requests: int
    """How many requests each plane works on at once."""
    idle_seconds: float
    """An episode that nobody used for so long is closed."""
    extensions: Extensions | None
    """What others add to the environments' MCP servers, by name of the environment."""


class ServerOptions(PlaneOptions, total=False):
    """Options of `open_server`."""

    sandbox: Sandbox | None
    """Runs the tool code; a `ProcessSandbox` when absent."""
