"""Where episodes are played: the seam between the harness and what serves them.

A venue hosts one episode at a time for each caller: it opens it, lets the agent's side play through
an open MCP connection, and hands back the host's record with its verdict. `HttpVenue` (in
`http_venue`) plays on a running server, `StdioVenue` (in `stdio_venue`) starts one process per
episode, `ScriptedVenue` (in `scripted_venue`) plays in memory. Nothing here loads a protocol.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from astra_arena.client.agent import ToolReply, ToolView
from astra_arena.client.control_models import ClosedEpisode, TaskCard
from astra_arena.core.canonical import JsonObject
from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import ConnectionLostError
from astra_arena.core.rollouts import Transport
from astra_arena.core.tasks import Budget


@dataclass(frozen=True, slots=True)
class VenueCard:
    """Which environment a venue plays, by digest."""

    environment: str
    environment_digest: str
    tasks_digest: str
    tier: str


class ToolSession(Protocol):
    """An open connection to an episode's tools."""

    async def list_tools(self) -> tuple[ToolView, ...]:
        """Ask for the tools on offer now.

        Raises:
            ConnectionLostError: if no answer came.
        """
        ...

    async def call(
        self, tool: str, arguments: JsonObject, *, key: str, timeout_s: float | None = None
    ) -> ToolReply:
        """Call a tool; see `McpSession.call`.

        Raises:
            ConnectionLostError: if no answer came.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """An open episode: what is asked, and the connection to play it through."""

    prompt: str
    budget: Budget
    tools: tuple[ToolView, ...]
    session: ToolSession
    needs_reply: bool = False
    """Whether turns end in words, by the host's tool `reply`."""
    tool_names: Mapping[str, str] = field(default_factory=dict[str, str])
    """With a tool mixing: by `environment__tool`, the name that the agent uses for it."""


Play: TypeAlias = Callable[[Stage], Awaitable[None]]
"""Plays one episode; it raises nothing but cancellation."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """How an episode ended on the host's side."""

    closed: ClosedEpisode
    lost: ConnectionLostError | None = None
    """What broke the agent's connection, if something did."""


class Venue(Protocol):
    """Hosts episodes of one environment."""

    @property
    def transport(self) -> Transport:
        """How agents are connected."""
        ...

    async def card(self) -> VenueCard:
        """Name the environment that is played here."""
        ...

    async def tasks(self) -> tuple[TaskCard, ...]:
        """List the tasks, without their gold."""
        ...

    async def host(
        self,
        task_id: str,
        play: Play,
        *,
        seed: int,
        variant: str,
        terms: EpisodeTerms = NO_TERMS,
    ) -> Hosted:
        """Open an episode, let it be played, and close it.

        Raises:
            UnknownTaskError: if there is no such task.
            ConnectionLostError: if the host could not be reached, or lost the episode.
        """
        ...
