"""The client's side of one connection to a sandbox worker: requests and their replies."""

import asyncio
import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox.remote_address import Address
from astra_arena.sandbox.remote_link import Link
from astra_arena.sandbox.remote_protocol import (
    BEAT_S,
    CHUNK_BYTES,
    FROM_WORKER,
    HANDSHAKE_S,
    UPLOAD_S,
    VERSION,
    Beat,
    Close,
    Done,
    FromWorker,
    Greeting,
    Hello,
    Message,
    Missing,
    Open,
    Opening,
    Refused,
    Reply,
    Trouble,
    Upload,
    Welcome,
    WireProgram,
    new_nonce,
)
from astra_arena.sandbox.remote_values import error_of
from astra_arena.sandbox.wire import WireError

# Starting a server, opening a large world and checking its code, as the worker's own deadlines.
_OPEN_S = 240.0
_MOST_MISSING = 3


class LostError(SandboxUnavailableError):
    """The worker cannot be reached or has no room; another one may do."""


class Connection:
    """One connection, whose worker knows the token as this side does."""

    def __init__(self, address: Address, link: Link, tier: str) -> None:
        self.address = address
        self.tier = tier
        """What confines tool code at the worker."""
        self.session_count = 0
        """Sessions that are open here."""
        self._link = link
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._last_id = 0
        self._last_session = 0
        self._uploading = asyncio.Lock()
        self._sent: Counter[str] = Counter()
        link.ended.add_done_callback(self._lost)

    @property
    def ended(self) -> bool:
        """Whether it is of no more use."""
        return self._link.ended.done()

    async def open_session(
        self, program: WireProgram, blobs: dict[str, bytes | Path], *, seed: int
    ) -> int:
        """Open a session and return its number; sends what the worker does not have.

        Args:
            program: What it runs.
            blobs: Code and world, by digest.
            seed: Keys its random streams.

        Raises:
            LostError: if the worker cannot be reached or has no room.
            PolicyError, SandboxUnavailableError: as the worker's sandbox.
        """
        self._last_session += 1
        number = self._last_session
        self.session_count += 1
        try:
            for _ in range(_MOST_MISSING):
                sent = self._sent.copy()
                reply = await self.request(
                    lambda i: Open(i, number, program, str(seed)), timeout_s=_OPEN_S
                )
                if not isinstance(reply, Missing):
                    return number
                await self._upload(reply.blobs, blobs, sent)
            raise LostError(f"{self.address} does not keep what it is sent")
        except BaseException:
            # It may be there all the same, if nobody waited for the reply.
            self.close_session(number)
            raise

    def close_session(self, number: int) -> None:
        """End a session."""
        self.session_count -= 1
        self._link.send(Close(number))

    async def request(self, message: Callable[[int], Message], *, timeout_s: float) -> Reply:
        """Send a request and return the reply.

        Args:
            message: Makes the request, given its id.
            timeout_s: When to give up. The worker has deadlines of its own, and one that died is
                found by its silence; this one is for what neither of these finds.

        Raises:
            LostError: if the connection ended or no reply came.
            ArenaError: what the worker's sandbox raised.
        """
        if self.ended:
            raise self._failure()
        self._last_id += 1
        number = self._last_id
        waiter = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            self._link.send(message(number))
            async with asyncio.timeout(timeout_s):
                reply = await waiter
        except TimeoutError:
            raise LostError(f"no reply from {self.address} within {timeout_s:g} s") from None
        finally:
            del self._pending[number]
        if isinstance(reply, Trouble):
            if reply.kind == "full":
                raise LostError(reply.text)
            raise error_of(reply)
        return reply

    def close(self) -> None:
        """End it; the worker ends its sessions."""
        self._link.fail(WireError("the sandbox was closed"))

    def take(self, body: bytes) -> None:
        """Handle one message of the worker's."""
        message: FromWorker = FROM_WORKER.decode(body)
        if isinstance(message, Beat):
            return
        waiter = self._pending.get(message.id)
        # A request that was given up is still answered.
        if waiter is not None and not waiter.done():
            waiter.set_result(message)

    def _failure(self) -> LostError:
        return LostError(f"lost {self.address}: {self._link.ended.result()}")

    def _lost(self, _: asyncio.Future[WireError]) -> None:
        for waiter in self._pending.values():
            if not waiter.done():
                waiter.set_exception(self._failure())

    async def _upload(
        self, missing: tuple[str, ...], blobs: dict[str, bytes | Path], sent: Counter[str]
    ) -> None:
        # One at a time, and what was sent since the worker was asked is not sent again.
        async with self._uploading:
            for digest in missing:
                if digest not in blobs:
                    raise LostError(f"{self.address} asks for what it was not offered")
                if self._sent[digest] == sent[digest]:
                    await self._send_blob(digest, blobs[digest])
                    self._sent[digest] += 1

    async def _send_blob(self, digest: str, blob: bytes | Path) -> None:
        for data, last in _chunks(blob):
            reply = await self.request(
                lambda i, data=data, last=last: Upload(i, digest, data, last), timeout_s=UPLOAD_S
            )
            if not isinstance(reply, Done):
                raise LostError(f"{self.address} answered an upload with nonsense")


async def connect(address: Address, token: str, *, beat_s: float = BEAT_S) -> Connection:
    """Connect to a worker; each side proves to the other that it knows the token.

    Raises:
        LostError: if nobody listens, or somebody else does.
    """
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            link = await _link_to(address, beat_s)
    except (OSError, TimeoutError) as error:
        raise LostError(f"nobody listens on {address} ({error or 'no answer'})") from None
    try:
        return await _introduce(address, link, token)
    except WireError as error:
        link.abort()
        raise LostError(f"{address}: {error}") from None
    except BaseException:
        link.abort()
        raise


async def _link_to(address: Address, beat_s: float) -> Link:
    loop = asyncio.get_running_loop()
    if address.path is not None:
        _, link = await loop.create_unix_connection(lambda: Link(beat_s=beat_s), address.path)
    else:
        _, link = await loop.create_connection(
            lambda: Link(beat_s=beat_s), address.host, address.port
        )
    return link


async def _introduce(address: Address, link: Link, token: str) -> Connection:
    hello = await link.receive_opening(HANDSHAKE_S)
    if not isinstance(hello, Hello):
        raise WireError("expected a worker that introduces itself")
    if hello.version != VERSION:
        raise WireError(f"it speaks version {hello.version} of the protocol, expected {VERSION}")
    nonce = new_nonce()
    opening = Opening(token, worker_nonce=hello.nonce, client_nonce=nonce)
    link.send(Greeting(VERSION, nonce, opening.proof("client")))
    welcome = await link.receive_opening(HANDSHAKE_S)
    if isinstance(welcome, Refused):
        raise WireError(f"refused: {welcome.reason}")
    if not isinstance(welcome, Welcome) or not opening.proves("worker", welcome.proof):
        raise WireError("it does not know the token")
    connection = Connection(address, link, welcome.tier)
    link.start(connection.take, ours=opening.seal("client"), theirs=opening.seal("worker"))
    return connection


def _chunks(blob: bytes | Path) -> Iterator[tuple[bytes, bool]]:
    """Yield the pieces of a blob and whether each is the last; an empty blob has one."""
    with io.BytesIO(blob) if isinstance(blob, bytes) else blob.open("rb") as file:
        data = file.read(CHUNK_BYTES)
        while following := file.read(CHUNK_BYTES):
            yield data, False
            data = following
        yield data, True
