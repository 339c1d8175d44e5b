"""Bundles and suites become MCP servers; episodes and the control plane.

Names are imported when they are first used: a stdio server, of which there is one for each episode,
must not wait for the web framework of the control plane.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astra_arena.servers.addresses import Addresses
    from astra_arena.servers.agent_plane.http_app import McpApp
    from astra_arena.servers.agent_plane.mcp_app import build_mcp_server
    from astra_arena.servers.agent_plane.stdio import serve_stdio
    from astra_arena.servers.bundles.bundle import Bundle, load_bundle, write_bundle
    from astra_arena.servers.bundles.inspection import bundle_facts, source_facts
    from astra_arena.servers.bundles.suite import (
        Source,
        Suite,
        load_source,
        load_suite,
        write_suite,
    )
    from astra_arena.servers.closed_episodes import ClosedEpisode
    from astra_arena.servers.control_plane.access import AccessTokens
    from astra_arena.servers.control_plane.app import build_control_app
    from astra_arena.servers.emission.emit import emit_server
    from astra_arena.servers.episodes.branching import EpisodeSnapshot, open_branch, take_snapshot
    from astra_arena.servers.episodes.episode import Episode
    from astra_arena.servers.episodes.episode_log import CallReply
    from astra_arena.servers.episodes.failures import (
        ClosedEpisodeError,
        EpisodeLimitError,
        UnknownEpisodeError,
        VoidEpisodeError,
    )
    from astra_arena.servers.episodes.journal import Journal, read_journal
    from astra_arena.servers.episodes.opening import open_episode
    from astra_arena.servers.episodes.records import verdict_of
    from astra_arena.servers.host import EpisodeHost
    from astra_arena.servers.serve import RunningServer, open_server
    from astra_arena.servers.server_process import ServerProcess, start_server_process

__all__ = [
    "AccessTokens",
    "Addresses",
    "Bundle",
    "CallReply",
    "ClosedEpisode",
    "ClosedEpisodeError",
    "Episode",
    "EpisodeHost",
    "EpisodeLimitError",
    "EpisodeSnapshot",
    "Journal",
    "McpApp",
    "RunningServer",
    "ServerProcess",
    "Source",
    "Suite",
    "UnknownEpisodeError",
    "VoidEpisodeError",
    "build_control_app",
    "build_mcp_server",
    "bundle_facts",
    "emit_server",
    "load_bundle",
    "load_source",
    "load_suite",
    "open_branch",
    "open_episode",
    "open_server",
    "read_journal",
    "serve_stdio",
    "source_facts",
    "start_server_process",
    "take_snapshot",
    "verdict_of",
    "write_bundle",
    "write_suite",
]

_HOMES = {
    "addresses": ("Addresses",),
    "bundles.bundle": ("Bundle", "load_bundle", "write_bundle"),
    "control_plane.access": ("AccessTokens",),
    "control_plane.app": ("build_control_app",),
    "emission.emit": ("emit_server",),
    "episodes.episode": ("Episode",),
    "episodes.branching": ("EpisodeSnapshot", "open_branch", "take_snapshot"),
    "episodes.opening": ("open_episode",),
    "episodes.episode_log": ("CallReply",),
    "episodes.failures": (
        "ClosedEpisodeError",
        "EpisodeLimitError",
        "UnknownEpisodeError",
        "VoidEpisodeError",
    ),
    "closed_episodes": ("ClosedEpisode",),
    "host": ("EpisodeHost",),
    "agent_plane.http_app": ("McpApp",),
    "bundles.inspection": ("bundle_facts", "source_facts"),
    "episodes.journal": ("Journal", "read_journal"),
    "agent_plane.mcp_app": ("build_mcp_server",),
    "episodes.records": ("verdict_of",),
    "serve": ("RunningServer", "open_server"),
    "server_process": ("ServerProcess", "start_server_process"),
    "agent_plane.stdio": ("serve_stdio",),
    "bundles.suite": ("Source", "Suite", "load_source", "load_suite", "write_suite"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
