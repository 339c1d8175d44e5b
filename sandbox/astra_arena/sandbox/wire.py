"""Framed requests and replies with one session, on a non-blocking socket, under any event loop.

The other side is hostile: one reply per request, capped before it is read, and anything else ends
the channel.
"""

import asyncio
import socket

_CHUNK = 1 << 18


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
        self._largest = self._allowed = largest_frame
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[bytes] | None = None
        self._received = bytearray()
        self._unsent = memoryview(b"")
        self._writing = False
        self._loop.add_reader(sock.fileno(), self._read)

    @property
    def busy(self) -> bool:
        """Whether a reply is being waited for."""
        return self._waiter is not None

    def poll(self) -> None:
        """Take notice of what arrived since; `failure` then says whether the channel ended."""
        if self.failure is None:
            self._read()

    async def exchange(
        self, body: bytes, *, timeout_s: float, largest_frame: int | None = None
    ) -> bytes:
        """Send one frame and return the reply's body.

        Args:
            body: The frame's.
            timeout_s: When to give up.
            largest_frame: Bytes that this reply may have, if not as many as others.

        Raises:
            WireError: if the channel ended, also before this call.
        """
        self._allowed = largest_frame or self._largest
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
        if size > self._allowed:
            self._fail(WireError(f"a frame of {size} bytes, more than {self._allowed}"))
        elif len(received) > size + 4:
            self._fail(WireError("more than one frame came as a reply"))
        elif len(received) == size + 4:
            frame = bytes(received[4:])
            received.clear()
            waiter.set_result(frame)
