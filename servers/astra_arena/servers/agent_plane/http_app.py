"""The agent plane over streamable HTTP: `/envs/{name}/r/{episode}/mcp`, and nothing else.

The name is that of the bundle or suite that is played; `/r/{episode}/mcp` is the same place.

The episode's id in the address is all that names it. The newer generation of MCP has no sessions,
and some clients of the older one open a session for each call; both find their episode by the
address.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import mcp.types as wire
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import EpisodeError
from astra_arena.servers.agent_plane.extensions import (
    Extensions,
    RequestContext,
    extensions_of,
)
from astra_arena.servers.agent_plane.mcp_app import build_mcp_server
from astra_arena.servers.agent_plane.unreadable import (
    MAX_REQUEST_BYTES,
    TooLargeError,
    called_tool,
    is_call,
    read_body,
    replaying,
)
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.host import ClosedEpisode, EpisodeHost

logger = logging.getLogger(__name__)

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")

_EPISODE = "astra_arena.episode"
_REACHED = "astra_arena.reached"
_SESSION_HEADER = b"mcp-session-id"
_SESSIONS_PER_EPISODE = 32
"""Of clients of the older generation; beyond it the one that was idle longest is ended."""
_NO_SESSIONS: Mapping[bytes, StreamableHTTPSessionManager] = {}
_UNREADABLE = frozenset((400, 413, 500))
"""What the SDK answers to requests that it cannot read; others are about sessions and addresses."""


class McpApp:
    """The ASGI application of the agent plane.

    Args:
        host: Where the episodes are.
        allowed_hosts: Host names that requests may be addressed to beside the local ones; this
            keeps web pages from reaching a local server by a name of their own.
        extensions: What others add to the environments' servers.
    """

    def __init__(
        self,
        host: EpisodeHost,
        *,
        allowed_hosts: Iterable[str] = (),
        extensions: Extensions | None = None,
    ) -> None:
        self._host = host
        self._allowed = frozenset((*LOCAL_HOSTS, *allowed_hosts))
        self._extensions: Extensions = extensions or {}
        self._managers: dict[int, _Running] = {}
        """By identity of the source: comparing sources would compare all their tasks."""
        self._security = _security(self._allowed)
        self._sessions: dict[str, OrderedDict[bytes, StreamableHTTPSessionManager]] = {}

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Serve while the block runs."""
        self._host.on_close.append(self._end_sessions)
        self._host.on_change.append(self._stop_unused)
        try:
            yield
        finally:
            self._host.on_change.remove(self._stop_unused)
            self._host.on_close.remove(self._end_sessions)
            for running in tuple(self._managers.values()):
                await running.stop()
            self._managers.clear()

    async def _manager_of(self, source: Source) -> StreamableHTTPSessionManager:
        """Return the manager of an environment, which starts with its first request."""
        running = self._managers.get(id(source))
        if running is None:
            extensions = extensions_of(self._extensions, source.name)
            manager = StreamableHTTPSessionManager(
                build_mcp_server(source, _episode_of, extensions=extensions),
                # A plain answer halves the cost of a call, but only a stream carries what
                # extensions may send before it.
                json_response=not extensions,
                security_settings=self._security,
                max_request_body_size=MAX_REQUEST_BYTES,
            )
            running = self._managers[id(source)] = _Running(source, manager)
        await running.ready()
        return running.manager

    async def _stop_unused(self) -> None:
        """Stop the managers of environments that are neither served nor played any more."""
        served = {id(one.source) for one in self._host.environments.values()}
        if served.issuperset(self._managers):
            return
        in_use = set(map(id, self._host.sources_in_use))
        for key in [key for key in self._managers if key not in in_use]:
            await self._managers.pop(key).stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one request to its environment, with its episode on the scope."""
        if scope["type"] != "http":
            return
        host = _host_name(scope)
        if host not in self._allowed:
            text = f"requests must not be addressed to {host!r}; serve with --advertise-url"
            await _refuse(send, 421, text)
            return
        match scope["path"].split("/"):
            case ["", "envs", environment, "r", episode_id, "mcp"]:
                pass
            case ["", "r", episode_id, "mcp"]:
                environment = None
            case _:
                await _refuse(send, 404, "nothing is here; episodes are at /envs/{name}/r/{id}/mcp")
                return
        try:
            episode = self._host.get(episode_id)
            if environment not in (None, episode.source.name):
                raise EpisodeError("this episode belongs to another environment")
        except EpisodeError as error:
            await _refuse(send, 404, error.message)
            return
        scope[_EPISODE] = episode
        scope["headers"] = _trimmed(scope["headers"])
        if scope["method"] == "POST":
            await self._post(episode, scope, receive, send)
        else:
            manager = await self._manager_of(episode.source)
            await manager.handle_request(scope, receive, send)

    async def _post(self, episode: Episode, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        try:
            body = await read_body(headers, receive)
        except TooLargeError as error:
            # Nothing but a call is that large.
            text = await episode.refuse(called_tool(headers), "(a request too large)", str(error))
            await _refuse(send, 413, text)
            return
        if body is None:
            return
        manager = await self._manager_of(episode.source)
        session = next((value for name, value in headers if name == _SESSION_HEADER), None)
        if session is None:
            send = self._noting_session(send, episode.id, manager)
        else:
            known = self._sessions.get(episode.id)
            if known is not None and session in known:
                known.move_to_end(session)
        send = _charging(send, episode, scope, body)
        await manager.handle_request(scope, replaying(body, receive), send)

    def _noting_session(
        self, send: Send, episode_id: str, manager: StreamableHTTPSessionManager
    ) -> Send:
        """Note the session that the reply opens, if it opens one."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                for name, value in message.get("headers", ()):
                    if name == _SESSION_HEADER:
                        await self._note_session(episode_id, manager, value)
            await send(message)

        return noting

    async def _note_session(
        self, episode_id: str, manager: StreamableHTTPSessionManager, session: bytes
    ) -> None:
        sessions = self._sessions.setdefault(episode_id, OrderedDict())
        sessions[session] = manager
        if len(sessions) > _SESSIONS_PER_EPISODE:
            idle, its_manager = sessions.popitem(last=False)
            await _delete_session(its_manager, idle)

    async def _end_sessions(self, episode: ClosedEpisode) -> None:
        """End what the older generation of clients left open; each session holds two tasks."""
        for session, manager in self._sessions.pop(episode.id, _NO_SESSIONS).items():
            await _delete_session(manager, session)
        await self._stop_unused()


def _charging(send: Send, episode: Episode, scope: Scope, body: bytes) -> Send:
    """Charge a call that the SDK refuses to read, before its answer is sent."""

    async def charging(message: Message) -> None:
        if (
            message["type"] == "http.response.start"
            and message["status"] in _UNREADABLE
            and not scope.get(_REACHED)
            and is_call(scope["headers"], body)
        ):
            note = f"(a request of {len(body)} bytes)"
            await episode.refuse(called_tool(scope["headers"]), note, "the request cannot be read")
        await send(message)

    return charging


def _episode_of(context: RequestContext) -> Episode:
    request: Request | None = context.request
    # Requests that came over HTTP carry theirs; this server has no other.
    assert request is not None
    request.scope[_REACHED] = True
    return request.scope[_EPISODE]


def _security(hosts: Iterable[str]) -> TransportSecuritySettings:
    names = sorted(hosts)
    return TransportSecuritySettings(
        allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
        allowed_origins=[
            f"{scheme}://{form}"
            for name in names
            for scheme in ("http", "https")
            for form in (name, f"{name}:*")
        ],
    )


class _Running:
    """A manager running in a task of its own, which both enters and leaves it."""

    def __init__(self, source: Source, manager: StreamableHTTPSessionManager) -> None:
        self.source = source
        self.manager = manager
        self._ready, self._stop = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._hold())

    async def _hold(self) -> None:
        try:
            async with self.manager.run():
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()

    async def ready(self) -> None:
        """Return when the manager takes requests."""
        if not self._ready.is_set():
            await self._ready.wait()

    async def stop(self) -> None:
        """End the manager with its sessions."""
        self._stop.set()
        await self._task


async def _delete_session(manager: StreamableHTTPSessionManager, session: bytes) -> None:
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
        "headers": [(b"host", b"localhost"), (_SESSION_HEADER, session)],
    }
    try:
        await manager.handle_request(scope, receive, send)
    except Exception:
        logger.exception("ending an MCP session failed")


def _trimmed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Take blanks from around values: they belong to none, but uvicorn leaves them there."""
    return [(name, value.strip(b" \t")) for name, value in headers]


def _host_name(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            text: str = value.decode("latin-1")
            head, colon, port = text.rpartition(":")
            return head if colon and port.isdecimal() else text
    return ""


async def _refuse(send: Send, status: int, text: str) -> None:
    error: JsonObject = {"code": wire.INVALID_REQUEST, "message": text}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode("utf-8")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
