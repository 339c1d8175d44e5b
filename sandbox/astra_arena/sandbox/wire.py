"""Messages between the host and its confined processes, on non-blocking sockets, under any event loop.

`FrameChannel` talks to a session, which is hostile: one reply per request, capped before it is read, and
anything else ends the channel. `ControlChannel` talks to a server of ours and carries descriptors.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence

import msgspec

_CHUNK = 1 << 18
_CONTROL_MESSAGE = 65536
_MOST_DESCRIPTORS = 4


class WireError(Exception):
    """The other side ended, broke the protocol or took too long."""

    def __init__(self, what: str, *, late: bool = False) -> None:
        super().__init__(what)
        self.late = late
        """Whether a deadline passed."""


class FrameChannel:
    """Requests and replies with one session."""

    def __init__(self, sock: socket.socket, *, largest_frame: int) -> None:
        sock.setblocking(False)
        self.failure: WireError | None = None
        """Why the channel ended; `None` while it is usable."""
        self._sock = sock
        self._largest = largest_frame
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[bytes] | None = None
        self._received = bytearray()
        self._unsent = memoryview(b"")
        self._writing = False
        self._loop.add_reader(sock.fileno(), self._read)

    async def exchange(self, body: bytes, *, timeout_s: float) -> bytes:
        """Send one frame and return the reply's body.

        Raises:
            WireError: if the channel ended, also before this call.
        """
        if self.failure is None:
            self._unsent = memoryview(len(body).to_bytes(4, "big") + body)
            self._write()
        return await self.receive(timeout_s=timeout_s)

    async def receive(self, *, timeout_s: float) -> bytes:
        """Return the next frame's body.

        Raises:
            WireError: as for `exchange`.
        """
        if self.failure is not None:
            raise self.failure
        if self._waiter is not None:
            raise RuntimeError("expected calls to a session one after another, got two at once")
        waiter = self._waiter = self._loop.create_future()
        deadline = self._loop.call_later(timeout_s, self._expire)
        try:
            return await waiter
        except asyncio.CancelledError:
            # A reply would come when nobody waits for it.
            self.close()
            raise
        finally:
            deadline.cancel()
            self._waiter = None

    def close(self) -> None:
        """End the channel; closing twice is harmless."""
        self._fail(WireError("the channel was closed"))

    def _expire(self) -> None:
        self._fail(WireError("no reply before the deadline", late=True))

    def _fail(self, failure: WireError) -> None:
        if self.failure is not None:
            return
        self.failure = failure
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)

    def _write(self) -> None:
        try:
            sent = self._sock.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail(WireError(f"the session's process ended ({error})"))
            return
        self._unsent = self._unsent[sent:]
        if bool(self._unsent) == self._writing:
            return
        self._writing = not self._writing
        if self._writing:
            self._loop.add_writer(self._sock.fileno(), self._write)
        else:
            self._loop.remove_writer(self._sock.fileno())

    def _read(self) -> None:
        try:
            chunk = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(WireError(f"the session's process ended ({error})"))
            return
        if not chunk:
            self._fail(WireError("the session's process ended"))
        elif self._waiter is None or self._waiter.done():
            self._fail(WireError("the session spoke without being asked"))
        else:
            self._received += chunk
            self._take_frame(self._waiter)

    def _take_frame(self, waiter: asyncio.Future[bytes]) -> None:
        received = self._received
        if len(received) < 4:
            return
        size = int.from_bytes(received[:4], "big")
        if size > self._largest:
            self._fail(WireError(f"a frame of {size} bytes, more than {self._largest}"))
        elif len(received) > size + 4:
            self._fail(WireError("more than one frame came as a reply"))
        elif len(received) == size + 4:
            frame = bytes(received[4:])
            received.clear()
            waiter.set_result(frame)


class ServerMessage(msgspec.Struct, forbid_unknown_fields=True):
    """What a server says on its control channel."""

    id: int | None = None
    """The request that this answers; 0 for the start."""
    ready: bool = False
    findings: tuple[str, ...] = ()
    error: str | None = None
    pid: int | None = None
    """The child that was forked."""
    exit: int | None = None
    """The child that ended, of its own accord or not."""
    status: int = 0


_SERVER_MESSAGE = msgspec.json.Decoder(ServerMessage)


class Forked:
    """A child of a server, as the host knows it."""

    def __init__(self, pid: int, handle: int, exited: asyncio.Future[int | None]) -> None:
        self.pid = pid
        self.exited = exited
        """Its exit status; `None` if its server ended first."""
        self._handle = handle

    def kill(self) -> None:
        """End the process; killing twice is harmless."""
        if self._handle < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        os.close(self._handle)
        self._handle = -1


class ControlChannel:
    """Requests to a server of ours: each forks a child of it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.ended = False
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[ServerMessage] = self._loop.create_future()
        self._pending: dict[int, asyncio.Future[Forked]] = {}
        self._exits: dict[int, asyncio.Future[int | None]] = {}
        self._last_id = 0
        # A full socket buffer would refuse a request; so many always fit.
        self._turns = asyncio.Semaphore(16)
        self._loop.add_reader(sock.fileno(), self._read)

    async def started(self, *, timeout_s: float) -> ServerMessage:
        """Wait for the server to be ready.

        Raises:
            WireError: if it ended, said that it failed or took too long.
        """
        async with _deadline(timeout_s, "the server did not start in time"):
            message = await asyncio.shield(self._started)
        if message.error is not None:
            raise WireError(message.error)
        return message

    async def fork(
        self, request: dict[str, object], fds: Sequence[int], *, timeout_s: float
    ) -> Forked:
        """Have the server fork a child with `fds`.

        Raises:
            WireError: if the server ended, could not fork or took too long.
        """
        async with self._turns, _deadline(timeout_s, "the server did not answer in time"):
            if self.ended:
                raise WireError("the server ended")
            self._last_id += 1
            number = self._last_id
            answer = self._pending[number] = self._loop.create_future()
            try:
                body = msgspec.json.encode({**request, "id": number})
                socket.send_fds(self._sock, [body], fds)
                return await answer
            except OSError as error:
                raise WireError(f"the server ended ({error})") from error
            finally:
                self._pending.pop(number, None)

    def close(self) -> None:
        """End the channel; the server then ends itself and its children."""
        if self.ended:
            return
        self.ended = True
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for waiter in [self._started, *self._pending.values()]:
            if not waiter.done():
                waiter.set_exception(WireError("the server ended"))
        # Whoever waits for the start has its reference; nobody else will ask.
        self._started.exception()
        for exited in self._exits.values():
            if not exited.done():
                exited.set_result(None)
        self._exits.clear()

    def _read(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(
                self._sock, _CONTROL_MESSAGE, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        try:
            message = _SERVER_MESSAGE.decode(data)
        except msgspec.MsgspecError:
            _close_all(fds)
            self.close()
            return
        self._take(message, fds)

    def _take(self, message: ServerMessage, fds: list[int]) -> None:
        if message.exit is not None:
            exited = self._exits.pop(message.exit, None)
            if exited is not None and not exited.done():
                exited.set_result(message.status)
        elif message.id == 0 and not self._started.done():
            self._started.set_result(message)
        elif message.id is not None:
            self._answer(message.id, message, fds)
            return
        _close_all(fds)

    def _answer(self, number: int, message: ServerMessage, fds: list[int]) -> None:
        waiter = self._pending.pop(number, None)
        if message.pid is None or len(fds) != 1:
            _close_all(fds)
            if waiter is not None and not waiter.done():
                waiter.set_exception(WireError(message.error or "the server answered nonsense"))
            return
        exited = self._exits[message.pid] = self._loop.create_future()
        forked = Forked(message.pid, fds[0], exited)
        if waiter is None or waiter.done():
            forked.kill()
        else:
            waiter.set_result(forked)


@contextlib.asynccontextmanager
async def _deadline(timeout_s: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise WireError(what, late=True) from None


def _close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
