"""The paths of the agent plane: one place that makes them and one that reads them.

Names and ids need no escapes, so a path with one is nowhere; no two spellings lead to one place.
"""

import re
from dataclasses import dataclass

_PATH = re.compile(
    r"(?:/envs/(?P<name>[a-z][a-z0-9-]{0,62}))?"
    r"(?:/r/(?P<episode>[A-Za-z0-9_-]{16,64})(?:/p/(?P<phase>0|[1-9][0-9]{0,3}))?)?/mcp"
)


def mcp_path(environment: str, episode_id: str) -> str:
    """Return the path at which an agent plays the episode.

    Args:
        environment: The bundle or suite that is played; or a member of the suite, for that member's
            tools alone, under their own names.
        episode_id: The episode's.
    """
    return f"/envs/{environment}/r/{episode_id}/mcp"


def phase_path(environment: str, episode_id: str, phase: int) -> str:
    """Return the path at which an agent plays one phase of an episode whose tools change.

    Args:
        environment: As for `mcp_path`.
        episode_id: The episode's.
        phase: Its index, from 0; found only when the episode has come to it.
    """
    return f"/envs/{environment}/r/{episode_id}/p/{phase}/mcp"


def browsing_path(environment: str) -> str:
    """Return the path at which the tools of an environment can be looked at, but not called."""
    return f"/envs/{environment}/mcp"


@dataclass(frozen=True, slots=True)
class AgentPath:
    """What a path names."""

    name: str | None
    """An environment, a suite or a member of one; `None` where the episode's id says it all."""
    episode: str | None
    phase: int | None


def parse_path(raw: bytes) -> AgentPath | None:
    """Return what a path as it came names; `None` if it is no path of the agent plane."""
    found = _PATH.fullmatch(raw.decode("latin-1"))
    if found is None or (found["name"] is None and found["episode"] is None):
        return None
    phase = found["phase"]
    return AgentPath(found["name"], found["episode"], None if phase is None else int(phase))
