"""HTTP connections with limits of their own: clients that dawdle or send endless headers are cut.

uvicorn waits for ever for the rest of a request, and for a client that does not read its answer. It
also writes the head of an answer by itself, which wakes the client twice.
"""

from asyncio import AbstractEventLoop, Handle, TimerHandle, Transport
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_SECONDS = 10.0
"""A request's headers must be there by then, from its first byte or the connection's start."""
BODY_SECONDS = 30.0
"""A request's body must be there by then, from the end of its headers."""
READING_SECONDS = 60.0
"""A client that reads nothing of an answer for so long is cut off."""
MOST_HEADER_BYTES = 64 << 10

_HEAD = b"HTTP/1.1 "
_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_LARGE = b"HTTP/1.1 431 Headers Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _JoinedWrites:
    """A transport that writes the head of an answer together with what follows at once.

    What waking a client costs is a good part of a call; nothing is held beyond the present turn of
    the loop.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._flush: Handle | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, or hold the head of an answer back for a moment."""
        if not self._held and data.startswith(_HEAD):
            self._held = data
            self._flush = self._loop.call_soon(self._write_held)
            return
        if self._held:
            data = self._held + data
            self._forget()
        self._transport.write(data)

    def close(self) -> None:
        """Write what is held, and close."""
        self._write_held()
        self._transport.close()

    def _write_held(self) -> None:
        held = self._held
        self._forget()
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def _forget(self) -> None:
        self._held = b""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection of a plane."""

    _receiving: str | None = None
    """`headers` or `body` of a request, of which the rest is awaited."""
    _timed: str | None = None
    """What the timer waits for."""
    _timer: TimerHandle | None = None
    _stalled: TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # pyright: ignore
        """Start waiting for a request."""
        super().connection_made(cast("Transport", _JoinedWrites(transport, self.loop)))
        self._wait_for("headers")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._wait_for(None)
        self._unstall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for the rest of a request if it is not all there."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._receiving == "headers":
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEADER_BYTES:
                self._cut(_LARGE)
                return
        # Whatever came between two requests has ended the wait for the next one.
        idle = self._receiving is None and not self._answering and not self._kept_alive
        self._wait_for("headers" if idle else self._receiving)

    def on_message_begin(self) -> None:
        """Take notice that a request begins."""
        super().on_message_begin()
        self._receiving, self._head_bytes = "headers", 0

    def on_headers_complete(self) -> None:
        """Take notice of the end of the headers."""
        self._receiving = "body"
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Take notice of the end of a request."""
        self._receiving = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Give a client that does not read its answer some time."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Take notice that a client reads."""
        super().resume_writing()
        self._unstall()

    @property
    def _answering(self) -> bool:
        # There is none before the first request.
        return bool(self.cycle) and not self.cycle.response_complete

    @property
    def _kept_alive(self) -> bool:
        return self.timeout_keep_alive_task is not None

    def _wait_for(self, what: str | None) -> None:
        if what == self._timed:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed = what
        if what is not None:
            seconds = HEADERS_SECONDS if what == "headers" else BODY_SECONDS
            self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._timer, self._timed = None, None
        if self.flow.read_paused:
            # It is this side that does not read: the request before this one is being answered.
            self._wait_for(self._receiving)
        elif not self._answering or not self.cycle.response_started:
            self._cut(_LATE)
        else:
            self._cut(b"")

    def _cut(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()

    def _unstall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
