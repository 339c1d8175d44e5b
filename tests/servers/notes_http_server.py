"""The server of notes over HTTP: it wants a key, and one tool sends as much as it is asked for.

Run as a program it says its port, and serves until its stdin ends.
"""

import asyncio
import socket
import sys

import uvicorn
from mcp.types import ToolAnnotations
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.servers.notes_server import server

KEY = b"open sesame"


@server.tool(annotations=ToolAnnotations(read_only_hint=True), structured_output=False)
def flood(size: int) -> str:
    """Return much."""
    return "x" * size


class Guarded:
    """Lets in who has the key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and dict(scope["headers"]).get(b"x-key") != KEY:
            await PlainTextResponse("no", status_code=401)(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def main() -> None:
    """Serve on a free port until stdin ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    app = Guarded(server.streamable_http_app())
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    serving = asyncio.create_task(running.serve(sockets=[listening]))
    await asyncio.to_thread(sys.stdin.read)
    running.should_exit = running.force_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
