"""Frames between host and session: slow, partial, large and late ones."""

import asyncio
import socket

import pytest

from astra_arena.sandbox.wire import FrameChannel, WireError


def channel_pair(*, largest_frame: int = 1000) -> tuple[FrameChannel, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    return FrameChannel(ours, largest_frame=largest_frame), theirs


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


async def test_a_reply_may_come_in_pieces() -> None:
    channel, peer = channel_pair()
    with peer:
        exchange = asyncio.ensure_future(channel.exchange(b"ping", timeout_s=5))
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(peer, 100) == framed(b"ping")
        for byte in framed(b"pong"):
            await loop.sock_sendall(peer, bytes([byte]))
            await asyncio.sleep(0)
        assert await exchange == b"pong"
        channel.close()


async def test_a_request_larger_than_the_socket_buffer_is_sent_in_pieces() -> None:
    channel, peer = channel_pair()
    body = b"x" * 5_000_000
    with peer:
        exchange = asyncio.ensure_future(channel.exchange(body, timeout_s=5))
        loop = asyncio.get_running_loop()
        received = bytearray()
        while len(received) < len(body) + 4:
            received += await loop.sock_recv(peer, 1 << 20)
        await loop.sock_sendall(peer, framed(b"done"))
        assert await exchange == b"done"
        channel.close()


async def test_a_peer_that_stops_reading_meets_the_deadline() -> None:
    channel, peer = channel_pair()
    with peer:
        with pytest.raises(WireError) as error:
            await channel.exchange(b"x" * 5_000_000, timeout_s=0.05)
        assert error.value.late


@pytest.mark.parametrize(
    "reply",
    [framed(b"one") + framed(b"two"), framed(b"x" * 1001), b"\xff\xff\xff\xff", b""],
    ids=["two", "large", "giant", "end"],
)
async def test_anything_but_one_small_frame_ends_the_channel(reply: bytes) -> None:
    channel, peer = channel_pair()
    exchange = asyncio.ensure_future(channel.exchange(b"ping", timeout_s=5))
    await asyncio.sleep(0)
    peer.sendall(reply)
    peer.close()
    with pytest.raises(WireError) as error:
        await exchange
    assert not error.value.late
    with pytest.raises(WireError):
        await channel.exchange(b"ping", timeout_s=5)


async def test_a_frame_that_nobody_asked_for_ends_the_channel() -> None:
    channel, peer = channel_pair()
    with peer:
        peer.sendall(framed(b"hello"))
        async with asyncio.timeout(5):
            while channel.failure is None:
                await asyncio.sleep(0)
        with pytest.raises(WireError, match="without being asked"):
            await channel.exchange(b"ping", timeout_s=5)


async def test_a_cancelled_exchange_ends_the_channel() -> None:
    channel, peer = channel_pair()
    with peer:
        exchange = asyncio.ensure_future(channel.exchange(b"ping", timeout_s=5))
        await asyncio.sleep(0)
        exchange.cancel()
        with pytest.raises(asyncio.CancelledError):
            await exchange
        assert channel.failure is not None
        channel.close()
