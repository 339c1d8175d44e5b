"""One connection between a sandbox client and a sandbox worker: frames in, frames out.

What comes is capped before it is kept, checked before it is decoded, and never decoded before the
other side has proved who it is, except for the three frames of the opening.
"""

import asyncio
import hmac
from collections.abc import Callable
from typing import TypeAlias, cast

import msgspec

from astra_arena.sandbox.remote_protocol import (
    BEAT_S,
    LARGEST_FRAME,
    LARGEST_OPENING,
    OPENING,
    SILENT_BEATS,
    TAG_BYTES,
    Beat,
    Greeting,
    Hello,
    Message,
    Refused,
    Seal,
    Welcome,
    encoded,
)
from astra_arena.sandbox.wire import WireError

_HEADER = 4

Take: TypeAlias = Callable[[bytes], None]
"""Handles the body of a frame; a `msgspec.MsgspecError` or `WireError` ends the connection."""


class Link(asyncio.Protocol):
    """Both sides' end of a connection."""

    def __init__(self, *, paced: bool = False, beat_s: float = BEAT_S) -> None:
        """Build an end.

        Args:
            paced: Read nothing while the other side does not read. For the worker alone: were both
                sides to wait for each other, neither would go on.
            beat_s: How often to say something.
        """
        self.ended: asyncio.Future[WireError] = asyncio.get_running_loop().create_future()
        """Set when the connection is over, to the reason."""
        self._paced = paced
        self._beat_s = beat_s
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._opening: asyncio.Future[bytes] | None = None
        self._take: Take | None = None
        self._theirs: Seal | None = None
        self._ours: Seal | None = None
        self._heard = True
        self._silent = 0
        self._held = False
        self._stuck = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None

    async def receive_opening(self, timeout_s: float) -> Hello | Greeting | Welcome | Refused:
        """Return the next frame of the opening.

        Raises:
            WireError: if the connection ends, takes too long or says something else.
        """
        self._opening = asyncio.get_running_loop().create_future()
        self._parse()
        try:
            async with asyncio.timeout(timeout_s):
                return OPENING.decode(await self._opening)
        except TimeoutError:
            failure = WireError("the other side did not introduce itself in time", late=True)
        except msgspec.MsgspecError as error:
            failure = WireError(f"the other side speaks another protocol ({error})")
        finally:
            self._opening = None
        self.fail(failure)
        raise failure

    def start(self, take: Take, *, ours: Seal, theirs: Seal) -> None:
        """Hand every further frame to `take`, sealed in both directions."""
        self._ours, self._theirs, self._take = ours, theirs, take
        self._timer = asyncio.get_running_loop().call_later(self._beat_s, self._beat)
        self._parse()

    def send(self, message: Message) -> None:
        """Send a message; after the end of the connection it is dropped."""
        if self._transport is None or self.ended.done():
            return
        body = encoded(message)
        tag = b"" if self._ours is None else self._ours.tag(body)
        size = len(body) + len(tag)
        self._transport.writelines((size.to_bytes(_HEADER, "big"), body, tag))

    def hold(self, held: bool) -> None:
        """Stop or go on reading; the other side then waits."""
        self._held = held
        self._pace()

    def fail(self, failure: WireError) -> None:
        """End the connection; ending it twice is harmless."""
        if self.ended.done():
            return
        self.ended.set_result(failure)
        if self._timer is not None:
            self._timer.cancel()
        if self._opening is not None and not self._opening.done():
            self._opening.set_exception(failure)
        self._received.clear()
        if self._transport is not None:
            # What was said before is still sent, unless nobody reads it.
            if self._stuck:
                self._transport.abort()
            else:
                self._transport.close()

    def abort(self) -> None:
        """End the connection without sending what is left."""
        self._stuck = True
        self.fail(WireError("the connection was closed"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        # Not asserted: the transports of other event loops have other classes.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.fail(WireError("the other side ended" if exc is None else f"connection lost: {exc}"))

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`; each further request would make a further reply."""
        self._stuck = True
        self._pace()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._stuck = False
        self._pace()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self.ended.done():
            return
        self._heard = True
        self._received += data
        self._parse()

    def _pace(self) -> None:
        paused = self._held or (self._stuck and self._paced)
        if paused == self._paused or self._transport is None or self._transport.is_closing():
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
            # What had come before the pause.
            self._parse()

    def _parse(self) -> None:
        received = self._received
        while not (self.ended.done() or self._paused) and len(received) >= _HEADER:
            size = int.from_bytes(received[:_HEADER], "big")
            if size > (LARGEST_OPENING if self._take is None else LARGEST_FRAME):
                self.fail(WireError(f"a frame of {size} bytes, which is too large"))
                return
            if len(received) < size + _HEADER:
                return
            if self._take is None and (self._opening is None or self._opening.done()):
                # Nobody has asked for it yet.
                if len(received) > 2 * LARGEST_OPENING:
                    self.fail(WireError("more was said than asked for"))
                return
            frame = bytes(memoryview(received)[_HEADER : size + _HEADER])
            del received[: size + _HEADER]
            self._deliver(frame)

    def _deliver(self, frame: bytes) -> None:
        if self._take is None or self._theirs is None:
            assert self._opening is not None
            self._opening.set_result(frame)
            return
        content = memoryview(frame)[: max(0, len(frame) - TAG_BYTES)]
        if not hmac.compare_digest(self._theirs.tag(content), frame[len(content) :]):
            self.fail(WireError("a frame with a wrong tag"))
            return
        try:
            self._take(bytes(content))
        except (msgspec.MsgspecError, RecursionError, WireError) as error:
            self.fail(WireError(f"a message that cannot be read: {error}"))

    def _beat(self) -> None:
        # Counted in beats that this side lived through, not in time: after a pause of this process
        # what came meanwhile is read before the next one.
        listening = self._stuck or not self._held
        self._silent = self._silent + 1 if listening and not self._heard else 0
        self._heard = False
        if self._silent >= SILENT_BEATS:
            self._stuck = True
            self.fail(WireError("nothing was heard from the other side for too long", late=True))
            return
        self.send(Beat())
        self._timer = asyncio.get_running_loop().call_later(self._beat_s, self._beat)
