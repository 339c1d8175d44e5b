"""Requests that no tool ever sees because they are too large or cannot be read as a message.

Such a request is charged to its episode like any refused call and answered with a JSON-RPC error:
were it a lost connection, it would be a way out of a losing episode.
"""

import json
import re
from typing import cast

import mcp.types as wire
from starlette.types import Message, Receive, Send

from astra_arena.core.canonical import Json, JsonObject

MAX_REQUEST_BYTES = 1 << 20
_READ_OVER = 8 << 20
"""Requests up to this size are read to their end before they are refused."""
UNKNOWN_TOOL = "(unknown)"

_CALL = b'"tools/call"'
_METHOD_HEADER = b"mcp-method"
_NAME_HEADER = b"mcp-name"
_HEAD = re.compile(rb'\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(-?\d{1,18}|"[^"\\]{0,200}")')
_DIGITS = 400


class TooLargeError(Exception):
    """A body is above the limit."""

    def __init__(self, declared: int | None) -> None:
        came = "more" if declared is None else str(declared)
        super().__init__(f"expected a request of at most {MAX_REQUEST_BYTES} bytes, got {came}")


async def read_body(headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes | None:
    """Return a request's body, or `None` if the client went before its end.

    Raises:
        TooLargeError: as soon as that is known and most clients would read an answer.
    """
    length = next((value for name, value in headers if name == b"content-length"), b"")
    declared = int(length[:19]) if length.isdigit() else None
    too_large = declared is not None and declared > MAX_REQUEST_BYTES
    if too_large and declared is not None and declared > _READ_OVER:
        raise TooLargeError(declared)
    body = bytearray()
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        piece = message.get("body", b"")
        size += len(piece)
        too_large = too_large or size > MAX_REQUEST_BYTES
        if too_large:
            # A client that is still sending when the connection is closed does not see the answer.
            body.clear()
        else:
            body += piece
        ended = not message.get("more_body", False)
        if too_large and (ended or size > _READ_OVER):
            raise TooLargeError(declared)
        if ended:
            return bytes(body)


async def refuse_request(
    send: Send, status: int, text: str, *, retry_seconds: int | None = None
) -> None:
    """Answer a request with an error, before any part of MCP sees it.

    Args:
        send: Sends the answer.
        status: Of HTTP.
        text: What was expected and what came.
        retry_seconds: When to try again, if that may help.
    """
    body = json.dumps(_error(wire.INVALID_REQUEST, text, None)).encode("utf-8")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
    ]
    if retry_seconds is not None:
        headers.append((b"retry-after", str(retry_seconds).encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def replaying(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read already, and then whatever comes."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def is_call(headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
    """Tell whether a request that was refused was meant to call a tool."""
    return (_METHOD_HEADER, b"tools/call") in headers or _CALL in body


def called_tool(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the name of the tool that was called, as far as the headers tell."""
    name = next((value for name, value in headers if name == _NAME_HEADER), None)
    return UNKNOWN_TOOL if name is None else name.decode("latin-1")


def error_answer(line: bytes) -> JsonObject | None:
    """Return the error for a message that could not be read; `None` for a notification."""
    try:
        message: Json = json.loads(line, parse_int=_integer)
    except (ValueError, RecursionError):
        code, text = wire.PARSE_ERROR, "expected a JSON-RPC message, got text that is not JSON"
        return _error(code, text, _leading_id(line))
    text = (
        "expected a JSON-RPC message of moderate depth, in Unicode text and with numbers of "
        "moderate size"
    )
    if not isinstance(message, dict):
        return _error(wire.INVALID_REQUEST, text, None)
    if "method" in message and "id" not in message:
        return None
    identifier = message.get("id")
    known = isinstance(identifier, int | str) and not isinstance(identifier, bool)
    return _error(wire.INVALID_REQUEST, text, cast("int | str", identifier) if known else None)


def too_large_answer(head: bytes, limit: int) -> JsonObject:
    """Return the error for a line above the limit, of which only the beginning was kept."""
    text = f"expected a message of at most {limit} bytes, got more"
    return _error(wire.INVALID_REQUEST, text, _leading_id(head))


def _error(code: int, text: str, identifier: int | str | None) -> JsonObject:
    error: JsonObject = {"code": code, "message": text}
    return {"jsonrpc": "2.0", "id": identifier, "error": error}


def _leading_id(text: bytes) -> int | str | None:
    """Return the id of a message that cannot be parsed; most clients write it first."""
    found = _HEAD.match(text)
    if found is None:
        return None
    try:
        return json.loads(found[1])
    except ValueError:
        return None


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) < _DIGITS else None
