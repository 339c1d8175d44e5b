"""OpenTelemetry traces: control request, MCP call, sandbox call and state difference in one.

Off until `start_tracing` is called; then each episode belongs to the trace of the request that
opened it, and each call of it does, too, unless its client sends a trace of its own. Spans tell
what was called and how it ended, never arguments, results or gold. Like OpenTelemetry itself, this
is one setting of the process.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from starlette.types import ASGIApp, Receive, Scope, Send

from astra_arena.core.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.util.types import AttributeValue

TRACE_FIELD = "traceparent"
"""The W3C header, and field of `_meta`, that names a span."""

_OFF: AbstractContextManager[None] = nullcontext()
_TRACE_HEADERS = frozenset((b"traceparent", b"tracestate", b"baggage"))

_tracer: trace.Tracer | None = None


def is_tracing() -> bool:
    """Tell whether spans are made."""
    return _tracer is not None


@contextmanager
def start_tracing(exporter: "SpanExporter") -> Generator["TracerProvider"]:
    """Make spans and give them to an exporter while the block runs; the rest goes at its end.

    Raises:
        SettingsError: if traces are made already, or the extra `otel` is not installed.
    """
    global _tracer
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        raise _missing() from None
    if _tracer is not None:
        raise SettingsError("expected one exporter of traces in a process, got a second one")
    provider = TracerProvider(resource=Resource.create({"service.name": "astra-arena"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("astra_arena.servers")
    try:
        yield provider
    finally:
        _tracer = None
        provider.shutdown()


def otlp_exporter(address: str) -> "SpanExporter":
    """Return what sends spans over OTLP/HTTP.

    Args:
        address: A collector's, like `http://127.0.0.1:4318`.

    Raises:
        SettingsError: if it is no address, or the extra `otel` is not installed.
    """
    if not address.startswith(("http://", "https://")):
        raise SettingsError(
            f"expected a collector's address like http://127.0.0.1:4318, got {address!r}"
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ModuleNotFoundError:
        raise _missing() from None
    return OTLPSpanExporter(endpoint=address.rstrip("/") + "/v1/traces")


def _missing() -> SettingsError:
    return SettingsError("traces need an extra: pip install 'astra-arena[otel]'")


def span(name: str, **attributes: "AttributeValue") -> AbstractContextManager[object]:
    """Return a span around a block, inside the one that is open; nothing while tracing is off."""
    if _tracer is None:
        return _OFF
    named = {f"arena.{key}": value for key, value in attributes.items()}
    return _tracer.start_as_current_span(name, attributes=named)


def note(**attributes: "AttributeValue") -> None:
    """Add to the span that is open, if one is."""
    if _tracer is not None:
        current = trace.get_current_span()
        for key, value in attributes.items():
            current.set_attribute(f"arena.{key}", value)


def current_trace() -> dict[str, str]:
    """Return what names the open span to others, as W3C headers; empty while tracing is off."""
    carrier: dict[str, str] = {}
    if _tracer is not None:
        propagate.inject(carrier)
    return carrier


@contextmanager
def _continued(carrier: Mapping[str, str]) -> Generator[None]:
    token = otel_context.attach(propagate.extract(carrier))
    try:
        yield
    finally:
        otel_context.detach(token)


def continued(carrier: Mapping[str, str]) -> AbstractContextManager[None]:
    """Open spans inside the one that a carrier names, if it names one."""
    return _continued(carrier) if _tracer is not None and carrier else _OFF


def in_a_trace() -> bool:
    """Tell whether a span is open, here or where the request came from."""
    return _tracer is not None and trace.get_current_span().get_span_context().is_valid


class TracedControlPlane:
    """An ASGI application with a span around each request.

    Args:
        app: The control plane.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request inside a span, which goes on from the one that the request names."""
        if _tracer is None or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        carrier = {
            name.decode("ascii"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _TRACE_HEADERS
        }
        with continued(carrier), span("control request", method=scope["method"]):
            await self._app(scope, receive, send)
            route = scope.get("route")
            # The route, not the path: ids of episodes are the right to play them.
            note(route=getattr(route, "path", "unknown"))
