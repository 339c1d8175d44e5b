"""Length-prefixed frames on a blocking socket: four bytes, big-endian, then the body."""

import socket

_CHUNK = 65536


def send_frame(channel: socket.socket, body: bytes) -> None:
    """Send one frame."""
    channel.sendall(len(body).to_bytes(4, "big") + body)


def read_frame(channel: socket.socket, *, largest: int | None = None) -> bytes | None:
    """Read one frame; `None` at the end of the stream.

    The writer must wait for a reply before it sends the next frame: what follows is not kept.

    Raises:
        ValueError: if the frame is larger than `largest`.
    """
    data = channel.recv(_CHUNK)
    while len(data) < 4:
        if not (more := channel.recv(_CHUNK)):
            return None
        data += more
    size = int.from_bytes(data[:4], "big")
    if largest is not None and size > largest:
        raise ValueError(f"expected a frame of at most {largest} bytes, got {size}")
    if len(data) == size + 4:
        return data[4:]
    return _rest(channel, bytearray(data[4:]), size)


def _rest(channel: socket.socket, body: bytearray, size: int) -> bytes | None:
    while len(body) < size:
        if not (more := channel.recv(min(1 << 20, size - len(body)))):
            return None
        body += more
    return bytes(body)
