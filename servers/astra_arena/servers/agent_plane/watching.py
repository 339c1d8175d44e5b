"""Noticing that the client of a call has gone, where its answer is no stream."""

import asyncio

from starlette.types import Receive, Scope

from astra_arena.servers.agent_plane.http_headers import header
from astra_arena.servers.agent_plane.streaming import STREAMS

WATCH_AFTER_SECONDS = 1.0
"""From then on it is noticed when the client of a call goes; most calls are answered by then."""

_PROTOCOL_HEADER = b"mcp-protocol-version"
_MODERN = b"2026"


class CallWatch:
    """Cancels the handling of a call when its client goes, if it takes long.

    Only in the newer generation is going a way to cancel, and only a plain answer needs this watch:
    the SDK watches streams itself.
    """

    def __init__(self, receive: Receive, scope: Scope) -> None:
        self._receive = receive
        self._scope = scope
        self._handling = asyncio.current_task()
        self._gone = False
        self._task: asyncio.Task[None] | None = None
        modern = (header(scope, _PROTOCOL_HEADER) or b"").startswith(_MODERN)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(WATCH_AFTER_SECONDS, self._start) if modern else None

    def client_gone(self) -> bool:
        """Tell whether the handling was cancelled because the client has gone."""
        if self._gone and self._handling is not None:
            self._handling.uncancel()
        return self._gone

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        if not self._scope.get(STREAMS, False):
            self._task = asyncio.create_task(self._cancel_when_gone())

    async def _cancel_when_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._handling is not None:
            self._gone = True
            self._handling.cancel()
