"""The agent plane over streamable HTTP: the addresses of `paths`, and nothing else.

- `/envs/{name}/r/{episode}/mcp` and `/r/{episode}/mcp`: an episode; the name is that of the bundle
  or suite that is played.
- `/envs/{member}/r/{episode}/mcp`: one member of a suite's episode, its tools under their own
  names.
- `/envs/{name}/r/{episode}/p/{phase}/mcp`: one phase of an episode whose tools change.
- `/envs/{name}/mcp`: an environment to look at.

The episode's id in the address is all that names it. The newer generation of MCP has no sessions,
and some clients of the older one open a session for each call; both find their episode by the
address.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from astra_arena.core.errors import EpisodeError
from astra_arena.servers.agent_plane.bindings import Binding, nothing_bound
from astra_arena.servers.agent_plane.environment_servers import (
    EnvironmentServer,
    EnvironmentServers,
)
from astra_arena.servers.agent_plane.extensions import Extensions, RequestContext
from astra_arena.servers.agent_plane.http_headers import header, host_name, origin, trimmed
from astra_arena.servers.agent_plane.paths import AgentPath, parse_path
from astra_arena.servers.agent_plane.sessions import SESSION_HEADER, Sessions
from astra_arena.servers.agent_plane.streaming import STREAMS
from astra_arena.servers.agent_plane.tool_calls import BUSY_TEXT, MOST_WAITING
from astra_arena.servers.agent_plane.unreadable import (
    TooLargeError,
    called_tool,
    is_call,
    read_body,
    refuse_request,
    replaying,
)
from astra_arena.servers.agent_plane.watching import CallWatch
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.closed_episodes import ClosedEpisode
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.host import EpisodeHost

logger = logging.getLogger(__name__)

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_BINDING = "astra_arena.binding"
_REACHED = "astra_arena.reached"
_UNREADABLE = frozenset((400, 413, 500))
"""What the SDK answers to requests that it cannot read; others are about sessions and addresses."""
_RETRY_SECONDS = 1


class McpApp:
    """The ASGI application of the agent plane.

    Args:
        host: Where the episodes are.
        allowed_hosts: Host names that requests may be addressed to beside the local ones; this
            keeps web pages from reaching a local server by a name of their own.
        extensions: What others add to the environments' servers.
        base_url: What addresses start with when this host has one that it gives out; without one
            it is taken from the request, and only where a phase's own address is used.
    """

    def __init__(
        self,
        host: EpisodeHost,
        *,
        allowed_hosts: Iterable[str] = (),
        extensions: Extensions | None = None,
        base_url: str | None = None,
    ) -> None:
        self._host = host
        self._allowed = frozenset((*LOCAL_HOSTS, *allowed_hosts))
        self._base = base_url
        self._servers = EnvironmentServers(
            host, _binding_of, extensions or {}, _security(self._allowed)
        )
        self._sessions = Sessions()
        self._calling: Counter[str] = Counter()

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Serve while the block runs."""
        self._host.on_close.append(self._end_sessions)
        self._host.on_change.append(self._servers.stop_unused)
        try:
            yield
        finally:
            self._host.on_change.remove(self._servers.stop_unused)
            self._host.on_close.remove(self._end_sessions)
            await self._servers.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one request to its environment, with what it is about on the scope."""
        if scope["type"] != "http":
            return
        scope["headers"] = trimmed(scope["headers"])
        host = host_name(scope)
        if host not in self._allowed:
            text = f"requests must not be addressed to {host[:64]!r}; serve with --advertise-url"
            await refuse_request(send, 421, text)
            return
        # As it came: what is spelt with escapes is another path.
        path = parse_path(scope.get("raw_path") or scope["path"].encode("utf-8", "replace"))
        if path is None:
            text = "nothing is here; episodes are at /envs/{name}/r/{id}/mcp"
            await refuse_request(send, 404, text)
            return
        try:
            source, binding = self._found(path, scope)
        except EpisodeError as error:
            await refuse_request(send, 404, error.message)
            return
        scope[_BINDING] = binding
        session = header(scope, SESSION_HEADER)
        place = scope["path"]
        if session is not None and not self._sessions.knows(place, session):
            await refuse_request(send, 404, "no session of this address has this id; open another")
            return
        running = await self._servers.of(source)
        if scope["method"] == "POST":
            await self._post(running, binding, scope, receive, send)
        else:
            await running.manager.handle_request(scope, receive, send)

    def _found(self, path: AgentPath, scope: Scope) -> tuple[Source, Binding | None]:
        """Return what a path leads to.

        Raises:
            EpisodeError: if that is nowhere.
        """
        if path.episode is None:
            served = self._host.environments.get(path.name or "")
            if served is None:
                raise EpisodeError(
                    f"no environment {path.name!r} is served here; episodes are at "
                    "/envs/{name}/r/{id}/mcp"
                )
            return served.source, None
        episode = self._host.get(path.episode)
        member = None
        if path.name not in (None, episode.source.name):
            member = path.name
            if member not in episode.members or path.phase is not None:
                raise EpisodeError("this episode belongs to another environment")
        if path.phase is not None and not (episode.tools_change and path.phase <= episode.phase):
            raise EpisodeError("this episode has not come to this phase")
        base = self._base or (origin(scope) if path.phase is not None else None)
        return episode.source, Binding(episode, member, path.phase, base, streams=False)

    async def _post(
        self,
        running: EnvironmentServer,
        binding: Binding | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        headers, episode = scope["headers"], None if binding is None else binding.episode
        try:
            body = await read_body(headers, receive)
        except TooLargeError as error:
            text = str(error)
            if episode is not None:
                # Nothing but a call is that large.
                text = await episode.refuse(called_tool(headers), "(a request too large)", text)
            await refuse_request(send, 413, text)
            return
        if body is None:
            return
        if episode is not None and is_call(headers, body):
            await self._call(running, episode, scope, body, receive, send)
        else:
            await self._handled(running, scope, body, receive, send)

    async def _call(
        self,
        running: EnvironmentServer,
        episode: Episode,
        scope: Scope,
        body: bytes,
        receive: Receive,
        send: Send,
    ) -> None:
        """Have one call answered, unless too many wait already."""
        if self._calling[episode.id] >= MOST_WAITING:
            await refuse_request(send, 429, BUSY_TEXT, retry_seconds=_RETRY_SECONDS)
            return
        self._calling[episode.id] += 1
        try:
            charging = _charging(send, episode, scope, body)
            watch = CallWatch(receive, scope)
            try:
                await self._handled(running, scope, body, receive, charging)
            except asyncio.CancelledError:
                if not watch.client_gone():
                    raise
            finally:
                watch.stop()
        finally:
            self._calling[episode.id] -= 1
            if not self._calling[episode.id]:
                del self._calling[episode.id]

    async def _handled(
        self, running: EnvironmentServer, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> None:
        scope[STREAMS] = running.streams(scope, body, scope[_BINDING])
        if header(scope, SESSION_HEADER) is None:
            send = self._sessions.noting(send, scope, running.manager)
        await running.manager.handle_request(scope, replaying(body, receive), send)

    async def _end_sessions(self, episode: ClosedEpisode) -> None:
        """End what the older generation of clients left open; each session holds two tasks."""
        await self._sessions.end(episode.id)
        await self._servers.stop_unused()


def _charging(send: Send, episode: Episode, scope: Scope, body: bytes) -> Send:
    """Charge a call that the SDK refuses to read, before its answer is sent."""

    async def charging(message: Message) -> None:
        if (
            message["type"] == "http.response.start"
            and message["status"] in _UNREADABLE
            and not scope.get(_REACHED)
        ):
            note = f"(a request of {len(body)} bytes)"
            await episode.refuse(called_tool(scope["headers"]), note, "the request cannot be read")
        await send(message)

    return charging


def _binding_of(context: RequestContext) -> Binding:
    request: Request | None = context.request
    # Requests that came over HTTP carry theirs; this server has no other.
    assert request is not None
    request.scope[_REACHED] = True
    binding: Binding | None = request.scope[_BINDING]
    if binding is None:
        raise nothing_bound()
    return binding.streaming() if request.scope.get(STREAMS, False) else binding


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
