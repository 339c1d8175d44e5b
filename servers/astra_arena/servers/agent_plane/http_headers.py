"""Headers of one request, looked up by name."""

from starlette.types import Scope

_HEADERS = "astra_arena.headers"


def header(scope: Scope, wanted: bytes) -> bytes | None:
    """Return the header of this name, the first one if there are several."""
    headers: dict[bytes, bytes] | None = scope.get(_HEADERS)
    if headers is None:
        headers = scope[_HEADERS] = dict(reversed(scope["headers"]))
    return headers.get(wanted)


def trimmed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Take blanks from around values: they belong to none, but uvicorn leaves them there."""
    return [(name, value.strip(b" \t")) for name, value in headers]


def host_name(scope: Scope) -> str:
    """Return the host that a request is addressed to, without its port."""
    text = (header(scope, b"host") or b"").decode("latin-1")
    head, colon, port = text.rpartition(":")
    return head if colon and port.isdecimal() else text


def origin(scope: Scope) -> str | None:
    """Return what the address of a request starts with, as its client wrote it."""
    host = header(scope, b"host")
    return None if host is None else f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}"
