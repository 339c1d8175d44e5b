"""Traces that join the two planes, the sandbox and what changed; exported by the real exporter."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mcp import Client
from mcp.types import RequestParamsMeta
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from astra_arena.core.errors import SettingsError
from astra_arena.servers import Bundle
from astra_arena.servers.tracing import otlp_exporter, start_tracing
from tests.servers.playing import ERAS, Era, open_one, serving
from tests.servers.small_bundle import NAME
from tests.support.requirement import requirement

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def named(spans: tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


@requirement("servers:traces")
@pytest.mark.parametrize("era", ERAS)
async def test_one_trace_joins_the_request_the_calls_the_sandbox_and_what_changed(
    bundle: Bundle, era: Era
) -> None:
    kept = InMemorySpanExporter()
    with start_tracing(kept) as provider:
        async with serving(bundle) as (_, control):
            opened = await open_one(control)
            async with Client(opened["mcp"], mode=era) as client:
                await client.call_tool("return_book", {"loan_id": 1})
        provider.force_flush()
        spans = kept.get_finished_spans()
    (request,) = named(spans, "control request")
    (opening,) = named(spans, "open episode")
    (call,) = named(spans, "tools/call")
    (sandbox,) = named(spans, "sandbox call")
    (state,) = named(spans, "state difference")
    joined = (request, opening, call, sandbox, state)
    assert len({span.context.trace_id for span in joined if span.context}) == 1
    assert request.attributes == {"arena.method": "POST", "arena.route": "/episodes"}
    assert parent_of(opening) == id_of(request)
    assert parent_of(call) == id_of(opening)
    assert parent_of(sandbox) == parent_of(state) == id_of(call)
    assert call.attributes == {
        "arena.tool": "return_book",
        "arena.call": 0,
        "arena.outcome": "ok",
        "arena.environment": NAME,
    }
    assert state.attributes is not None
    assert state.attributes["arena.changes"] == 1
    assert all(opened["id"] not in str(span.attributes) for span in spans)


async def test_a_client_that_sends_a_trace_of_its_own_finds_its_calls_in_it(
    bundle: Bundle,
) -> None:
    kept = InMemorySpanExporter()
    with start_tracing(kept) as provider:
        async with serving(bundle) as (_, control):
            opened = await open_one(control)
            async with Client(opened["mcp"]) as client:
                meta = RequestParamsMeta({"traceparent": f"00-{TRACE}-{SPAN}-01"})
                await client.call_tool("list_branches", {}, meta=meta)
        provider.force_flush()
        (call,) = named(kept.get_finished_spans(), "tools/call")
    assert call.context is not None
    assert f"{call.context.trace_id:032x}" == TRACE
    assert f"{parent_of(call):016x}" == SPAN


@contextmanager
def collector(received: list[bytes]) -> Generator[str]:
    """A collector of traces that keeps what it gets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@requirement("servers:traces")
async def test_traces_reach_a_collector_over_otlp(bundle: Bundle) -> None:
    received: list[bytes] = []
    with collector(received) as address, start_tracing(otlp_exporter(address)):
        async with serving(bundle) as (_, control):
            await open_one(control)
    names = {
        span.name
        for data in received
        for resource in ExportTraceServiceRequest.FromString(data).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert {"control request", "open episode"} <= names


def test_what_cannot_be_traced_is_told() -> None:
    with pytest.raises(SettingsError, match="4318"):
        otlp_exporter("collector:4318")
    with (
        start_tracing(InMemorySpanExporter()),
        pytest.raises(SettingsError, match="second"),
        start_tracing(InMemorySpanExporter()),
    ):
        raise AssertionError
