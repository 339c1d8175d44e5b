"""Episodes on a running server: opened and closed over its control plane, played over MCP."""

from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import anyio
import httpx2

from astra_arena.client.agent import ToolView
from astra_arena.client.control_client import ControlClient, open_control_client
from astra_arena.client.control_models import EnvironmentCard, OpenedEpisode, TaskCard
from astra_arena.client.mcp_session import McpSession, open_http_pool, open_http_session
from astra_arena.client.venue import Hosted, Play, Stage, VenueCard
from astra_arena.core.calls import MIRROR_KEYWORD
from astra_arena.core.canonical import canonical_bytes
from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import ArenaError, ConnectionLostError
from astra_arena.core.rollouts import Transport

CLOSING_SECONDS = 30.0


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
        self._tools: dict[tuple[str, str, bool], tuple[ToolView, ...]] = {}

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

    async def host(
        self,
        task_id: str,
        play: Play,
        *,
        seed: int,
        variant: str,
        terms: EpisodeTerms = NO_TERMS,
    ) -> Hosted:
        """Open an episode on the server, let it be played, and close it."""
        name = (await self._environment()).name
        opened = await self._control.open_episode(
            name,
            task_id,
            seed=seed,
            variant=variant,
            budget=terms.budget,
            mixing=terms.mixing,
        )
        lost: ConnectionLostError | None = None
        try:
            async with open_http_session(opened.mcp, http=self._pool) as session:
                tools = await self._listed(opened, session)
                stage = Stage(
                    opened.prompt,
                    opened.budget,
                    tools,
                    session,
                    opened.needs_reply,
                    opened.tool_names,
                )
                await play(stage)
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

    async def _listed(self, opened: OpenedEpisode, session: McpSession) -> tuple[ToolView, ...]:
        """Ask for the tools once: equal digests mean equal tools."""
        key = (opened.environment_digest, opened.tools_digest, opened.needs_reply)
        if key in self._tools:
            return self._tools[key]
        tools = await session.list_tools()
        # A connection knows which arguments go into headers, too, from its own list of tools.
        if not any(MIRROR_KEYWORD in canonical_bytes(tool.input_schema) for tool in tools):
            self._tools[key] = tools
        return tools
