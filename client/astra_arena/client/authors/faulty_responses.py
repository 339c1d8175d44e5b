"""Responses that no sound server sends: cut, endless, never begun."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_TRICKLE_SECONDS = 0.01


class CutBody(Response):
    """Promises the whole body and ends the connection after half of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and half of the body; the server then drops the connection."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2]})


class HangingResponse(Response):
    """Never begins."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait until the client has gone."""
        while (await receive())["type"] != "http.disconnect":
            pass


class TrickleResponse(Response):
    """Begins and never ends: white space, which JSON allows, so no client sees an error in it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a blank now and then until the client has gone."""
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.create_task(_gone(receive))
        while not gone.done():
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.wait({gone}, timeout=_TRICKLE_SECONDS)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
