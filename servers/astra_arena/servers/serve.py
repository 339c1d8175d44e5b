"""Both planes in one event loop: start, say where they listen, and stop leaving nothing behind."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Unpack

import uvicorn
from mcp.types import INTERNAL_ERROR
from starlette.types import ASGIApp

from astra_arena.core.canonical import JsonObject
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.remote_sandbox import RemoteSandbox
from astra_arena.servers.addresses import Addresses, addresses_for, bind
from astra_arena.servers.admission import FULL_TEXT, MAX_REQUESTS, Admission
from astra_arena.servers.agent_plane.http_app import McpApp
from astra_arena.servers.bounded_http import BoundedHttpProtocol
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.control_plane.access import AccessTokens
from astra_arena.servers.control_plane.app import build_control_app
from astra_arena.servers.gateway.routing_sandbox import RoutingSandbox
from astra_arena.servers.host import IDLE_SECONDS, MAX_EPISODES, EpisodeHost
from astra_arena.servers.metrics import HostMetrics
from astra_arena.servers.server_options import PlaneOptions, ServerOptions
from astra_arena.servers.tracing import TracedControlPlane, otlp_exporter, start_tracing

DEFAULT_PORT = 8640
DEFAULT_CONTROL_PORT = 8641

_GRACE_SECONDS = 3
_CALLS_SECONDS = 15.0
"""A call ends within its own deadline, twice if it broke."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that accepts connections."""

    addresses: Addresses
    token: str = field(repr=False)
    """What the control plane asks for."""
    host: EpisodeHost = field(repr=False)


class _PlaneServer(uvicorn.Server):
    """A uvicorn server that leaves the signals to whoever runs both planes."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def open_server(
    bundles: Sequence[Source], **options: Unpack[ServerOptions]
) -> AsyncGenerator[RunningServer]:
    """Serve bundles and suites inside this process while the block runs.

    Args:
        bundles: The environments; their names must differ.
        options: See `ServerOptions`; a given sandbox stays open.

    Raises:
        SettingsError: if a port is taken or a setting cannot be used.
    """
    host = options.get("host", "127.0.0.1")
    tokens = AccessTokens(
        options.get("token") or secrets.token_urlsafe(24), options.get("collector_token")
    )
    async with AsyncExitStack() as stack:
        mcp_socket = stack.enter_context(bind(host, options.get("port", 0), option="--port"))
        control_socket = stack.enter_context(
            bind(host, options.get("control_port", 0), option="--control-port")
        )
        addresses = addresses_for(
            host=host,
            port=mcp_socket.getsockname()[1],
            control_port=control_socket.getsockname()[1],
            advertise_url=options.get("advertise_url"),
        )
        sandbox = options.get("sandbox")
        if sandbox is None:
            sandbox = ProcessSandbox()
            stack.push_async_callback(sandbox.close)
        episodes = EpisodeHost(
            bundles,
            sandbox,
            max_episodes=options.get("max_episodes", MAX_EPISODES),
            idle_seconds=options.get("idle_seconds", IDLE_SECONDS),
            limits=options.get("limits"),
        )
        await stack.enter_async_context(episodes.run())
        await stack.enter_async_context(
            _both_planes(episodes, tokens, addresses, (control_socket, mcp_socket), options)
        )
        yield RunningServer(addresses, tokens.operator, episodes)


@asynccontextmanager
async def _both_planes(
    episodes: EpisodeHost,
    tokens: AccessTokens,
    addresses: Addresses,
    sockets: tuple[socket.socket, socket.socket],
    options: ServerOptions,
) -> AsyncGenerator[None]:
    """Serve the control plane on the first socket and the agent plane on the second."""
    metrics = HostMetrics(episodes)
    agent_plane = McpApp(
        episodes,
        allowed_hosts=(addresses.host_name, options.get("host", "127.0.0.1")),
        extensions=options.get("extensions"),
        base_url=None if options.get("advertise_url") is None else addresses.mcp,
    )
    control_plane = build_control_app(episodes, tokens=tokens, addresses=addresses, metrics=metrics)
    room = options.get("max_requests", MAX_REQUESTS)
    admitted = (
        _admitting(TracedControlPlane(control_plane), "control", room, metrics),
        _admitting(agent_plane, "agent", room, metrics),
    )
    async with AsyncExitStack() as stack:
        # Left in reverse: both planes stop accepting, then open MCP streams are cut, which lets the
        # last connections end, then episodes and sandbox go.
        planes = [
            await stack.enter_async_context(_listening(app, its_socket))
            for app, its_socket in zip(admitted, sockets, strict=True)
        ]
        await stack.enter_async_context(agent_plane.run())
        stack.callback(_stop_accepting, *planes)
        yield


def _admitting(app: ASGIApp, plane: str, room: int, metrics: HostMetrics) -> Admission:
    error: JsonObject = (
        {"jsonrpc": "2.0", "id": None, "error": {"code": INTERNAL_ERROR, "message": FULL_TEXT}}
        if plane == "agent"
        else {"error": {"boundary": "control", "message": FULL_TEXT}}
    )
    return Admission(
        app,
        room=room,
        refusal=json.dumps(error).encode("utf-8"),
        on_refusal=metrics.refused.labels(plane).inc,
    )


async def serve(
    bundles: Sequence[Source],
    *,
    drain_seconds: float = 0.0,
    traces: str | None = None,
    on_ready: Callable[[RunningServer], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
    until_stdin_ends: bool = False,
    sandbox: RemoteSandbox | ProcessSandbox | RoutingSandbox | None = None,
    **options: Unpack[PlaneOptions],
) -> None:
    """Serve bundles and suites until SIGTERM or SIGINT arrives.

    Calls that are being answered then are answered; no further episode is opened. A second signal
    ends the server at once.

    Args:
        bundles: The environments; their names must differ.
        drain_seconds: So long open episodes may still be played when a signal has arrived.
        traces: An OpenTelemetry collector's address, to which traces are sent.
        on_ready: Called when both planes accept connections.
        on_interrupt: Called when SIGINT, which is Ctrl-C, has ended the server.
        until_stdin_ends: Stop when stdin ends, too: whoever started this process is gone then,
            however it went.
        sandbox: Runs the tool code; a `ProcessSandbox` when absent. Closed at the end.
        options: See `ServerOptions`.

    Raises:
        SettingsError: if a port is taken or a setting cannot be used.
        SandboxUnavailableError: if none of the workers can be reached.
    """
    signals = _Signals(until_stdin_ends=until_stdin_ends)
    options.setdefault("port", DEFAULT_PORT)
    options.setdefault("control_port", DEFAULT_CONTROL_PORT)
    tracing = nullcontext() if traces is None else start_tracing(otlp_exporter(traces))
    try:
        with tracing:
            async with (
                sandbox or nullcontext() as opened,
                open_server(bundles, sandbox=opened, **options) as running,
            ):
                if on_ready is not None:
                    on_ready(running)
                await signals.first.wait()
                await signals.until_second(
                    running.host.drained(
                        calls_seconds=_CALLS_SECONDS, episodes_seconds=drain_seconds
                    )
                )
    finally:
        signals.restore()
    if signals.interrupted and on_interrupt is not None:
        on_interrupt()


class _Signals:
    """What asks a server to end."""

    def __init__(self, *, until_stdin_ends: bool) -> None:
        self.first, self._second = asyncio.Event(), asyncio.Event()
        self.interrupted = False
        self._loop = asyncio.get_running_loop()
        if until_stdin_ends:
            _at_end_of_stdin(self._abandoned)
        self._loop.add_signal_handler(signal.SIGTERM, self._asked)
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)

    def _asked(self) -> None:
        (self._second if self.first.is_set() else self.first).set()

    def _interrupt(self) -> None:
        self.interrupted = True
        self._asked()

    def _abandoned(self) -> None:
        """Nobody is there for whom anything could be ended well."""
        self.first.set()
        self._second.set()

    async def until_second(self, draining: Coroutine[Any, Any, None]) -> None:
        """Return when the coroutine has ended, or was cut short by a second signal."""
        tasks = (asyncio.create_task(draining), asyncio.create_task(self._second.wait()))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def restore(self) -> None:
        self._loop.remove_reader(0)
        for name in (signal.SIGTERM, signal.SIGINT):
            self._loop.remove_signal_handler(name)


def _at_end_of_stdin(call: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            call()

    try:
        loop.add_reader(0, read)
    except OSError:
        # Files and the null device cannot be waited for: their end is here already.
        call()


@asynccontextmanager
async def _listening(app: object, listener: socket.socket) -> AsyncGenerator[uvicorn.Server]:
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] - an ASGI application, which uvicorn types loosely
        log_config=None,
        access_log=False,
        log_level="warning",
        lifespan="off",
        http=BoundedHttpProtocol,
        ws="none",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
        date_header=False,
    )
    server = _PlaneServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.001)
    try:
        yield server
    finally:
        _stop_accepting(server)
        await task


def _stop_accepting(*servers: uvicorn.Server) -> None:
    for server in servers:
        server.should_exit = True
