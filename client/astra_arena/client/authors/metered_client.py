"""HTTP attempts, each one counted: below the model client's own retries, so none is missed.

A reply that is no chat completion (another content, a body that was cut, no choice in it) is
raised as a broken connection: the model client tries again, as it does for those.
"""

import json
from contextvars import ContextVar
from typing import Any, TypeGuard

import anyio
import httpx2

from astra_arena.client.authors.author import Usage
from astra_arena.client.authors.chat import Meter
from astra_arena.client.authors.spending import REPLY
from astra_arena.core.canonical import Json, JsonObject

current_meter: ContextVar[Meter | None] = ContextVar("current_meter", default=None)
"""Who pays for the attempts of the task at hand."""

CONNECT_SECONDS = 10.0


class MeteredClient(httpx2.AsyncClient):
    """An HTTP client that tells the meter at hand of each request.

    Args:
        attempt_seconds: An attempt that takes longer, however it trickles, has timed out.
        connections: The most at once.
    """

    def __init__(self, *, attempt_seconds: float, connections: int) -> None:
        super().__init__(
            timeout=httpx2.Timeout(attempt_seconds, connect=CONNECT_SECONDS, pool=None),
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
        )
        self._seconds = attempt_seconds

    # The options are those of the inherited method, passed on as they come.
    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # noqa: ANN401
        """Send one request and read all of its reply."""
        meter = current_meter.get()
        if meter is None:
            return await super().send(request, **options)
        attempt = meter.sent()
        try:
            response = await self._whole(request, options)
        except httpx2.TimeoutException:
            meter.ended(attempt, "timeout", None)
            raise
        except httpx2.RequestError:
            meter.ended(attempt, "connection", None)
            raise
        if response.status_code >= 300:
            meter.ended(attempt, f"status {response.status_code}", _refused_usage(response))
            return response
        body = _decoded(response.content)
        if not _is_completion(body):
            meter.ended(attempt, "malformed", None)
            raise httpx2.RemoteProtocolError(_malformed(response), request=request)
        meter.ended(attempt, REPLY, _usage(body))
        return response

    async def _whole(self, request: httpx2.Request, options: dict[str, Any]) -> httpx2.Response:
        try:
            with anyio.fail_after(self._seconds):
                return await super().send(request, **options)
        except TimeoutError:
            raise httpx2.ReadTimeout(
                f"no whole reply within {self._seconds:g} s", request=request
            ) from None


def _decoded(content: bytes) -> Json:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _is_completion(body: Json) -> TypeGuard[JsonObject]:
    if not isinstance(body, dict):
        return False
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return False
    message = choices[0].get("message")
    return isinstance(message, dict) and isinstance(message.get("content"), str | None)


def _usage(body: JsonObject) -> Usage | None:
    counts = body.get("usage")
    if not isinstance(counts, dict):
        return None
    prompt, completion = counts.get("prompt_tokens"), counts.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return Usage(prompt, completion)


def _refused_usage(response: httpx2.Response) -> Usage:
    """Return what a refusal cost: nothing, unless it says so."""
    body = _decoded(response.content)
    return (_usage(body) if isinstance(body, dict) else None) or Usage()


def _malformed(response: httpx2.Response) -> str:
    kind = response.headers.get("content-type", "no content type")
    start = response.content[:80].decode("utf-8", "replace")
    return f"expected a chat completion, got {kind} that starts with {start!r}"
