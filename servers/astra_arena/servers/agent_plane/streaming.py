"""Answers as plain JSON or as a stream, chosen for each request.

A plain answer costs half as much as a stream, but nothing can be sent before it: no progress, no
question to the client. The SDK's session manager is told once which of the two it gives; here it is
told for each request.
"""

from contextvars import ContextVar
from typing import Any

from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Receive, Scope, Send

STREAMS = "astra_arena.streams"
"""In the scope of a request that is to be answered as a stream, if it comes to that."""

_streams: ContextVar[bool] = ContextVar("streams", default=False)
"""Of the request that is being handled in this context."""
_answers_plainly: ContextVar[bool] = ContextVar("answers_plainly", default=False)
"""The same for a transport of the older generation. Its router runs in a context of its own, where
it must drop nothing: what is sent before an answer is for a request that streams."""


class _EitherTransport(StreamableHTTPServerTransport):
    """A session's transport that answers each request in its own way."""

    # The SDK sets what is read here.
    @property
    def is_json_response_enabled(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return _answers_plainly.get()

    @is_json_response_enabled.setter
    def is_json_response_enabled(self, _: bool) -> None:
        return

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _answers_plainly.set(not scope.get(STREAMS, False))
        try:
            await super().handle_request(scope, receive, send)
        finally:
            _answers_plainly.reset(token)


class EitherManager(StreamableHTTPSessionManager):
    """A session manager that answers as plain JSON unless the scope of a request asks for a stream.

    Args:
        server: Answers.
        security: Which hosts and origins are served.
        largest: The largest request in bytes.
    """

    def __init__(
        self, server: Server[Any], *, security: TransportSecuritySettings, largest: int
    ) -> None:
        super().__init__(server, security_settings=security, max_request_body_size=largest)

    @property
    def json_response(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether the request at hand is answered plainly."""
        return not _streams.get()

    @json_response.setter
    def json_response(self, _: bool) -> None:
        return

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        token = _streams.set(bool(scope.get(STREAMS, False)))
        try:
            await super().handle_request(scope, receive, send)
        finally:
            _streams.reset(token)

    def _admit_session(
        self, requestor: AuthorizationContext | None
    ) -> StreamableHTTPServerTransport | None:
        admitted = super()._admit_session(requestor)
        if admitted is None or admitted.mcp_session_id is None:
            return admitted
        transport = _EitherTransport(
            admitted.mcp_session_id,
            security_settings=self.security_settings,
            idle_timeout=self.session_idle_timeout,
        )
        self._server_instances[admitted.mcp_session_id] = transport
        return transport
