"""The MCP servers of all environments that are served or played, each started when it is needed."""

import asyncio

from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Scope

from astra_arena.servers.agent_plane.bindings import Binding, EpisodeFinder
from astra_arena.servers.agent_plane.extensions import Extensions, extensions_of
from astra_arena.servers.agent_plane.http_headers import header
from astra_arena.servers.agent_plane.mcp_app import AssembledServer, assemble
from astra_arena.servers.agent_plane.streaming import EitherManager
from astra_arena.servers.agent_plane.unreadable import MAX_REQUEST_BYTES
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.host import EpisodeHost

_PROGRESS = b'"progressToken"'
_STREAM = b"text/event-stream"


class EnvironmentServer:
    """An environment's server, running in a task of its own, which both enters and leaves it."""

    def __init__(
        self, source: Source, made: AssembledServer, manager: EitherManager, *, extended: bool
    ) -> None:
        self.source = source
        self.manager = manager
        self._changes = made.changes
        self._extended = extended
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

    def streams(self, scope: Scope, body: bytes, binding: Binding | None) -> bool:
        """Tell whether something may have to be sent before the answer to a request."""
        asks = binding is not None and binding.episode.task.variant == "elicitation"
        wanted = self._extended or asks or _PROGRESS in body
        return wanted and _STREAM in (header(scope, b"accept") or b"")

    async def stop(self) -> None:
        """End the manager with its sessions, and the streams of the newer generation."""
        self._changes.end()
        self._stop.set()
        await self._task


class EnvironmentServers:
    """All of them.

    Args:
        host: Says which environments are served or played.
        find: Says which episode a request is about.
        extensions: What others add, by environment.
        security: Which hosts and origins are served.
    """

    def __init__(
        self,
        host: EpisodeHost,
        find: EpisodeFinder,
        extensions: Extensions,
        security: TransportSecuritySettings,
    ) -> None:
        self._host = host
        self._find = find
        self._extensions = extensions
        self._security = security
        self._servers: dict[int, EnvironmentServer] = {}
        """By identity of the source: comparing sources would compare all their tasks."""

    async def of(self, source: Source) -> EnvironmentServer:
        """Return the server of an environment, which starts with its first request."""
        server = self._servers.get(id(source))
        if server is None:
            extensions = extensions_of(self._extensions, source.name)
            made = assemble(source, self._find, extensions=extensions)
            manager = EitherManager(made.server, security=self._security, largest=MAX_REQUEST_BYTES)
            server = EnvironmentServer(source, made, manager, extended=bool(extensions))
            self._servers[id(source)] = server
        await server.ready()
        return server

    async def stop_unused(self) -> None:
        """Stop the servers of environments that are neither served nor played any more."""
        served = {id(one.source) for one in self._host.environments.values()}
        if served.issuperset(self._servers):
            return
        in_use = set(map(id, self._host.sources_in_use))
        for key in [key for key in self._servers if key not in in_use]:
            await self._servers.pop(key).stop()

    async def stop(self) -> None:
        """Stop all of them."""
        for server in tuple(self._servers.values()):
            await server.stop()
        self._servers.clear()
