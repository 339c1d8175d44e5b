"""The sessions of clients of the older generation: whose they are, and their end."""

import logging
from collections import OrderedDict
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Message, Scope, Send

logger = logging.getLogger(__name__)

SESSION_HEADER = b"mcp-session-id"

_MOST = 32
"""So many sessions at one address; beyond it the one that was idle longest is ended."""


class Sessions:
    """All sessions, by the address at which they were opened; they are good for no other one."""

    def __init__(self) -> None:
        self._at: dict[str, OrderedDict[bytes, StreamableHTTPSessionManager]] = {}

    def knows(self, place: str, session: bytes) -> bool:
        """Tell whether a session was opened at a place; it is the one used last then."""
        known = self._at.get(place)
        if known is None or session not in known:
            return False
        known.move_to_end(session)
        return True

    def noting(self, send: Send, scope: Scope, manager: StreamableHTTPSessionManager) -> Send:
        """Note the session that a reply opens, if it opens one."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                for name, value in message.get("headers", ()):
                    if name == SESSION_HEADER:
                        await self._note(scope["path"], value, manager)
            await send(message)

        return noting

    async def end(self, episode_id: str) -> None:
        """End the sessions of an episode."""
        mark = f"/r/{episode_id}/"
        for place in [place for place in self._at if mark in place]:
            for session, manager in self._at.pop(place).items():
                await _delete(manager, session)

    async def _note(
        self, place: str, session: bytes, manager: StreamableHTTPSessionManager
    ) -> None:
        sessions = self._at.setdefault(place, OrderedDict())
        sessions[session] = manager
        if len(sessions) > _MOST:
            idle, its_manager = sessions.popitem(last=False)
            await _delete(its_manager, idle)


async def _delete(manager: StreamableHTTPSessionManager, session: bytes) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        return

    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "DELETE",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (SESSION_HEADER, session)],
    }
    try:
        await manager.handle_request(scope, receive, send)
    except Exception:
        logger.exception("ending an MCP session failed")
