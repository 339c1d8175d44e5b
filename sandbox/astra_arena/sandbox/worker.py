"""A sandbox worker: lets whoever knows the token run sessions of its sandbox over a socket.

It holds no gold and no secret but the token. When a connection ends, its sessions end.
"""

import asyncio
import logging
import socket

from astra_arena.sandbox.contract import Sandbox
from astra_arena.sandbox.remote_link import Link
from astra_arena.sandbox.remote_protocol import (
    BEAT_S,
    HANDSHAKE_S,
    VERSION,
    Greeting,
    Hello,
    Opening,
    Refused,
    Welcome,
    new_nonce,
)
from astra_arena.sandbox.wire import WireError
from astra_arena.sandbox.worker_client import Client, Room
from astra_arena.sandbox.worker_store import BlobStore

MAX_SESSIONS = 1000

_MOST_STRANGERS = 64
_log = logging.getLogger(__name__)


class SandboxWorker:
    """Serves one sandbox to any number of clients.

    ```python
    async with ProcessSandbox() as sandbox:
        worker = SandboxWorker(sandbox, token=token)
        await worker.start(open_listener(parse_address("tcp:127.0.0.1:8650")))
    ```
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        token: str,
        max_sessions: int = MAX_SESSIONS,
        store: BlobStore | None = None,
        beat_s: float = BEAT_S,
        handshake_s: float = HANDSHAKE_S,
    ) -> None:
        """Build a worker.

        Args:
            sandbox: Opens the sessions; stays the caller's.
            token: What clients must know.
            max_sessions: How many sessions may be open at once, of all clients together.
            store: Keeps programs; one in a temporary folder if not given.
            beat_s: How often a client hears that the worker is there.
            handshake_s: How long a client may take to say who it is.
        """
        self._sandbox = sandbox
        self._token = token
        self._beat_s = beat_s
        self._handshake_s = handshake_s
        self._room = Room(max_sessions)
        self._store = store or BlobStore()
        self._servers: list[asyncio.Server] = []
        self._attending: set[asyncio.Task[None]] = set()
        self._links: set[Link] = set()
        self._strangers = 0

    @property
    def session_count(self) -> int:
        """How many sessions are open."""
        return self._room.taken

    async def start(self, listener: socket.socket) -> None:
        """Accept connections from a socket that listens."""
        loop = asyncio.get_running_loop()
        create = (
            loop.create_unix_server if listener.family == socket.AF_UNIX else loop.create_server
        )
        self._servers.append(await create(self._accept, sock=listener))

    async def close(self) -> None:
        """End all connections and their sessions; closing twice is harmless."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for link in list(self._links):
            link.abort()
        while self._attending:
            await asyncio.wait(self._attending)
        self._store.close()

    def _accept(self) -> Link:
        link = Link(paced=True, beat_s=self._beat_s)
        self._links.add(link)
        task = asyncio.create_task(self._attend(link))
        self._attending.add(task)
        task.add_done_callback(self._attending.discard)
        return link

    async def _attend(self, link: Link) -> None:
        try:
            opening = await self._introduced(link)
            client = Client(link, self._sandbox, self._store, self._room)
            link.start(client.take, ours=opening.seal("worker"), theirs=opening.seal("client"))
            try:
                reason = await asyncio.shield(link.ended)
                _log.info("a client's connection ended: %s", reason)
            finally:
                await client.close()
        except WireError as error:
            _log.warning("a connection was refused: %s", error)
        finally:
            self._links.discard(link)
            link.abort()

    async def _introduced(self, link: Link) -> Opening:
        """Return what both sides proved to know.

        Raises:
            WireError: if the other side did not.
        """
        # One turn of the loop later the transport is there.
        await asyncio.sleep(0)
        if self._strangers >= _MOST_STRANGERS:
            raise WireError("too many connections that have not said who they are")
        self._strangers += 1
        try:
            nonce = new_nonce()
            link.send(Hello(VERSION, nonce))
            greeting = await link.receive_opening(self._handshake_s)
        finally:
            self._strangers -= 1
        if not isinstance(greeting, Greeting):
            raise self._refused(link, "expected a greeting")
        if greeting.version != VERSION:
            raise self._refused(link, f"the worker speaks version {VERSION} of the protocol")
        opening = Opening(self._token, worker_nonce=nonce, client_nonce=greeting.nonce)
        if not opening.proves("client", greeting.proof):
            raise self._refused(link, "the token is not the worker's")
        link.send(Welcome(opening.proof("worker"), self._sandbox.tier))
        return opening

    def _refused(self, link: Link, reason: str) -> WireError:
        link.send(Refused(reason))
        failure = WireError(reason)
        link.fail(failure)
        return failure
