"""MCP over HTTP to somebody else's server: own cookies for each session, bounded replies."""

import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import cast

import httpx2

MOST_REPLY_BYTES = 16 << 20
"""Largest answer to one request; the server's own stream of notifications has no end and no cap."""

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 600.0
"""Calls have deadlines of their own; streams may be silent for long."""


@asynccontextmanager
async def open_http_client(headers_from: Mapping[str, str]) -> AsyncGenerator[httpx2.AsyncClient]:
    """Open a client whose headers are taken from variables of this process.

    Raises:
        KeyError: if one of them is not set.
    """
    headers = {name: os.environ[variable] for name, variable in headers_from.items()}
    # Compressed answers could grow without bound behind the cap.
    headers["accept-encoding"] = "identity"
    transport = _Capped(httpx2.AsyncHTTPTransport(verify=_tls(), trust_env=True))
    timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    async with httpx2.AsyncClient(headers=headers, transport=transport, timeout=timeout) as client:
        yield client


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Making one takes longer than many a session.
    return httpx2.create_ssl_context()


class _Capped(httpx2.AsyncBaseTransport):
    """Cuts answers that are too large or compressed."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.DecodingError("the server compressed an answer unasked", request=request)
        if request.method != "GET":
            stream = cast("httpx2.AsyncByteStream", response.stream)
            response.stream = _CappedStream(stream, request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _CappedStream(httpx2.AsyncByteStream):
    """Passes an answer on until it is too large."""

    def __init__(self, inner: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._inner = inner
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_REPLY_BYTES
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError(
                    f"the server sent more than {MOST_REPLY_BYTES} bytes", request=self._request
                )
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
