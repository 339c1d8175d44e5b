"""Agents play environments: rollouts over MCP, collected with resume, scored by rules.

Names whose modules load a protocol are imported when they are first used: reading and scoring
stored rollouts needs neither MCP nor an HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from astra_arena.client.agent import Agent, EpisodeView, ToolReply, ToolView
from astra_arena.client.collect import Collected, Progress, collect
from astra_arena.client.control_models import TaskCard
from astra_arena.client.harness import play_episode
from astra_arena.client.report import AgentFigures, Report, summarise
from astra_arena.client.rescore import Rescored, rescore, score_record
from astra_arena.client.scripted_agents import NoopAgent, OracleAgent, RandomAgent, build_agent
from astra_arena.client.scripted_venue import ScriptedVenue
from astra_arena.client.store import RolloutStore
from astra_arena.client.venue import Venue
from astra_arena.core.rollout_files import read_rollouts

if TYPE_CHECKING:
    from astra_arena.client.arena import Arena, open_arena
    from astra_arena.client.control_client import ControlClient, open_control_client
    from astra_arena.client.http_venue import HttpVenue
    from astra_arena.client.stdio_venue import StdioVenue

__all__ = [
    "Agent",
    "AgentFigures",
    "Arena",
    "Collected",
    "ControlClient",
    "EpisodeView",
    "HttpVenue",
    "NoopAgent",
    "OracleAgent",
    "Progress",
    "RandomAgent",
    "Report",
    "Rescored",
    "RolloutStore",
    "ScriptedVenue",
    "StdioVenue",
    "TaskCard",
    "ToolReply",
    "ToolView",
    "Venue",
    "build_agent",
    "collect",
    "open_arena",
    "open_control_client",
    "play_episode",
    "read_rollouts",
    "rescore",
    "score_record",
    "summarise",
]

_HOMES = {
    "arena": ("Arena", "open_arena"),
    "control_client": ("ControlClient", "open_control_client"),
    "http_venue": ("HttpVenue",),
    "stdio_venue": ("StdioVenue",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
