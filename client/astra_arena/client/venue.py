"""Where episodes are played: the seam between the harness and what serves them.

A venue hosts one episode at a time for each caller: it opens it, lets the agent's side play through
an open MCP connection, and hands back the host's record with its verdict. `HttpVenue` plays on a
running server, `StdioVenue` (in `stdio_venue`) starts one process per episode.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import anyio
import httpx2

from astra_arena.client.agent import ToolReply, ToolView
from astra_arena.client.control_client import ControlClient, open_control_client
from astra_arena.client.control_models import ClosedEpisode, EnvironmentCard, TaskCard
from astra_arena.client.mcp_session import McpSession, open_http_pool, open_http_session
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import ArenaError, ConnectionLostError
from astra_arena.core.rollouts import Transport
from astra_arena.core.tasks import Budget

CLOSING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class VenueCard:
    """Which environment a venue plays, by digest."""

    environment: str
    environment_digest: str
    tasks_digest: str
    tier: str


class ToolSession(Protocol):
    """An open connection to an episode's tools."""

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

    async def host(self, task_id: str, play: Play, *, seed: int, variant: str) -> Hosted:
        """Open an episode, let it be played, and close it.

        Raises:
            UnknownTaskError: if there is no such task.
            ConnectionLostError: if the host could not be reached, or lost the episode.
        """
        ...


class HttpVenue:
    """Plays on a server that runs elsewhere, through its control plane and MCP over HTTP.

    Use it as a context manager; one venue serves any number of episodes at the same time.

    Args:
        control: The control plane's address.
        token: Its token.
        environment: Which environment; needed only when the server has several.
    """

    transport: Transport = "http"

    def __init__(self, control: str, token: str, *, environment: str | None = None) -> None:
        self._address = control
        self._token = token
        self._name = environment
        self._stack = AsyncExitStack()
        self._card: EnvironmentCard | None = None
        self._tools: dict[str, tuple[ToolView, ...]] = {}

    async def __aenter__(self) -> Self:
        connecting = open_control_client(self._address, self._token)
        self._control: ControlClient = await self._stack.enter_async_context(connecting)
        self._pool: httpx2.AsyncClient = await self._stack.enter_async_context(open_http_pool())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def card(self) -> VenueCard:
        """Name the environment that is played here."""
        card = await self._environment()
        return VenueCard(card.name, card.environment_digest, card.tasks_digest or "", card.tier)

    async def tasks(self) -> tuple[TaskCard, ...]:
        """List the tasks, without their gold."""
        return await self._control.tasks((await self._environment()).name)

    async def host(self, task_id: str, play: Play, *, seed: int, variant: str) -> Hosted:
        """Open an episode on the server, let it be played, and close it."""
        name = (await self._environment()).name
        opened = await self._control.open_episode(name, task_id, seed=seed, variant=variant)
        lost: ConnectionLostError | None = None
        try:
            async with open_http_session(opened.mcp, http=self._pool) as session:
                tools = await self._listed(opened.environment_digest, session)
                await play(Stage(opened.prompt, opened.budget, tools, session))
        except ConnectionLostError as error:
            lost = error
        except BaseException:
            # A cancelled run frees its episodes. A failure here must not replace the cancellation:
            # it would be recorded as a void rollout.
            with anyio.move_on_after(CLOSING_SECONDS, shield=True), suppress(ArenaError):
                await self._control.close_episode(opened.id)
            raise
        return Hosted(await self._control.close_episode(opened.id), lost)

    async def _environment(self) -> EnvironmentCard:
        if self._card is None:
            self._card = await self._control.environment(self._name)
        return self._card

    async def _listed(self, digest: str, session: McpSession) -> tuple[ToolView, ...]:
        """Ask for the tools once: equal digests mean equal tools."""
        if digest not in self._tools:
            self._tools[digest] = await session.list_tools()
        return self._tools[digest]
