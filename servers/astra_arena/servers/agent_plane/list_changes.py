"""Telling clients that are bound to one address that its list of tools has become another.

Clients of the older generation are told through the stream of their session, those of the newer one
through `subscriptions/listen`. Only episodes whose turns change the tools have anything to tell.
"""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import mcp.types as wire
from mcp.server import Server
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.shared.exceptions import MCPError

from astra_arena.core.errors import EpisodeError
from astra_arena.servers.agent_plane.bindings import Binding, EpisodeFinder, binding_of
from astra_arena.servers.agent_plane.extensions import RequestContext
from astra_arena.servers.episodes.episode import Episode

logger = logging.getLogger(__name__)

LISTEN = "subscriptions/listen"

_LISTENERS = 32
"""So many streams of one episode are told of changes, in each generation."""


class _Feed:
    """The clients of one episode."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self.listen = ListenHandler(self.bus, max_subscriptions=_LISTENERS, max_buffered_events=16)
        self.sessions: OrderedDict[str, ServerSession] = OrderedDict()
        self._telling: set[asyncio.Task[None]] = set()

    def changed(self) -> None:
        task = asyncio.create_task(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        await self.bus.publish(ToolsListChanged())
        for key, session in tuple(self.sessions.items()):
            try:
                await session.send_tool_list_changed()
            except Exception:
                # The session has ended; its client finds the new list when it asks.
                logger.debug("a session could not be told of new tools", exc_info=True)
                self.sessions.pop(key, None)

    def add(self, key: str, session: ServerSession) -> None:
        self.sessions[key] = session
        while len(self.sessions) > _LISTENERS:
            self.sessions.popitem(last=False)

    def end(self) -> None:
        self.listen.close()
        self.sessions.clear()


class ListChanges:
    """Tells of changed lists on one environment's server.

    Args:
        find: Says which episode a request is about.
    """

    def __init__(self, find: EpisodeFinder) -> None:
        self._find = find
        self._feeds: WeakKeyDictionary[Episode, _Feed] = WeakKeyDictionary()

    def register(self, server: Server[Any]) -> None:
        """Add the handlers to a server."""
        server.add_request_handler(LISTEN, wire.SubscriptionsListenRequestParams, self._listen)
        server.add_notification_handler(
            "notifications/initialized", wire.NotificationParams, self._initialized
        )

    def end(self) -> None:
        """End all streams in good order."""
        for feed in tuple(self._feeds.values()):
            feed.end()

    async def _listen(
        self, context: RequestContext, params: wire.SubscriptionsListenRequestParams
    ) -> wire.SubscriptionsListenResult:
        binding = self._changing(context)
        if binding is None:
            raise MCPError(code=wire.METHOD_NOT_FOUND, message="Method not found", data=LISTEN)
        # Nothing else ever changes here, so nothing else is promised.
        asked = wire.SubscriptionFilter(tools_list_changed=params.notifications.tools_list_changed)
        params = params.model_copy(update={"notifications": asked})
        return await self._feed(binding.episode).listen(context, params)

    async def _initialized(self, context: RequestContext, _: wire.NotificationParams) -> None:
        binding = self._changing(context)
        if binding is not None:
            key = "" if context.request is None else context.request.headers.get(_SESSION, "")
            self._feed(binding.episode).add(key, context.session)

    def _changing(self, context: RequestContext) -> Binding | None:
        with suppress(EpisodeError):
            binding = binding_of(self._find, context)
            if binding.may_change and binding.episode.is_open:
                return binding
        return None

    def _feed(self, episode: Episode) -> _Feed:
        feed = self._feeds.get(episode)
        if feed is None:
            feed = self._feeds[episode] = _Feed()
            episode.on_phase.append(feed.changed)
            episode.on_end.append(feed.end)
        return feed


_SESSION = "mcp-session-id"
