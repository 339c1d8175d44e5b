"""How many requests a plane works on at once; further ones are told to come back."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_REQUESTS = 8192
RETRY_SECONDS = 1
FULL_TEXT = "this server has as many requests under way as it takes; try again in a moment"


class Admission:
    """An ASGI application in front of another one, with room for so many requests.

    Args:
        app: The application.
        room: How many requests it works on at once.
        refusal: The body of the answer to those beyond it, as JSON.
        on_refusal: Called for each of them.
    """

    def __init__(
        self, app: ASGIApp, *, room: int, refusal: bytes, on_refusal: Callable[[], None]
    ) -> None:
        self._app = app
        self._room = room
        self._refusal = refusal
        self._on_refusal = on_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give a request to the application if there is room."""
        if self._room == 0:
            self._on_refusal()
            await self._refuse(send)
            return
        self._room -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._room += 1

    async def _refuse(self, send: Send) -> None:
        start: Message = {
            "type": "http.response.start",
            "status": 503,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(self._refusal)).encode("ascii")),
                (b"retry-after", str(RETRY_SECONDS).encode("ascii")),
            ],
        }
        await send(start)
        await send({"type": "http.response.body", "body": self._refusal})
