"""Both planes in one event loop: start, say where they listen, and stop leaving nothing behind."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

import uvicorn

from astra_arena.sandbox.contract import Limits, Sandbox
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.remote_sandbox import RemoteSandbox
from astra_arena.servers.addresses import Addresses, addresses_for, bind
from astra_arena.servers.agent_plane.extensions import Extensions
from astra_arena.servers.agent_plane.http_app import McpApp
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.control_plane.control import build_control_app
from astra_arena.servers.host import IDLE_SECONDS, MAX_EPISODES, EpisodeHost

DEFAULT_PORT = 8640
DEFAULT_CONTROL_PORT = 8641

_GRACE_SECONDS = 3


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
    bundles: Sequence[Source],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    control_port: int = 0,
    token: str | None = None,
    advertise_url: str | None = None,
    sandbox: Sandbox | None = None,
    limits: Limits | None = None,
    max_episodes: int = MAX_EPISODES,
    idle_seconds: float = IDLE_SECONDS,
    extensions: Extensions | None = None,
) -> AsyncGenerator[RunningServer]:
    """Serve bundles inside this process while the block runs.

    Args:
        bundles: The environments; their names must differ.
        host: What to bind to.
        port: Of the agent plane; 0 takes a free one.
        control_port: Of the control plane; 0 takes a free one.
        token: What the control plane asks for; a random one when absent.
        advertise_url: How others reach this host, when that differs from `host`.
        sandbox: Runs the tool code; a `ProcessSandbox` when absent. A given one stays open.
        limits: What a session may use.
        max_episodes: How many episodes may be open at once.
        idle_seconds: An episode that nobody used for so long is closed.
        extensions: What others add to the environments' MCP servers, by name of the environment.

    Raises:
        SettingsError: if a port is taken or a setting cannot be used.
    """
    token = token or secrets.token_urlsafe(24)
    async with AsyncExitStack() as stack:
        mcp_socket = stack.enter_context(bind(host, port, option="--port"))
        control_socket = stack.enter_context(bind(host, control_port, option="--control-port"))
        addresses = addresses_for(
            host=host,
            port=mcp_socket.getsockname()[1],
            control_port=control_socket.getsockname()[1],
            advertise_url=advertise_url,
        )
        if sandbox is None:
            sandbox = ProcessSandbox()
            stack.push_async_callback(sandbox.close)
        episodes = EpisodeHost(
            bundles, sandbox, max_episodes=max_episodes, idle_seconds=idle_seconds, limits=limits
        )
        await stack.enter_async_context(episodes.run())
        agent_plane = McpApp(
            episodes, allowed_hosts=(addresses.host_name, host), extensions=extensions
        )
        control_plane = build_control_app(episodes, token=token, addresses=addresses)
        # Left in reverse: both planes stop accepting, then open MCP streams are cut, which lets the
        # last connections end, then episodes and sandbox go.
        planes = (
            await stack.enter_async_context(_listening(control_plane, control_socket)),
            await stack.enter_async_context(_listening(agent_plane, mcp_socket)),
        )
        await stack.enter_async_context(agent_plane.run())
        stack.callback(_stop_accepting, *planes)
        yield RunningServer(addresses, token, episodes)


async def serve(
    bundles: Sequence[Source],
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    control_port: int = DEFAULT_CONTROL_PORT,
    token: str | None = None,
    advertise_url: str | None = None,
    max_episodes: int = MAX_EPISODES,
    sandbox: RemoteSandbox | ProcessSandbox | None = None,
    extensions: Extensions | None = None,
    on_ready: Callable[[RunningServer], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
    until_stdin_ends: bool = False,
) -> None:
    """Serve bundles until SIGTERM or SIGINT arrives.

    Args:
        sandbox: Runs the tool code; a `ProcessSandbox` when absent. Closed at the end.
        extensions: What others add to the environments' MCP servers, by name of the environment.
        on_ready: Called when both planes accept connections.
        on_interrupt: Called when SIGINT, which is Ctrl-C, has ended the server.
        until_stdin_ends: Stop when stdin ends, too: whoever started this process is gone then,
            however it went.

    Raises:
        SettingsError: if a port is taken or a setting cannot be used.
        SandboxUnavailableError: if none of the workers can be reached.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if until_stdin_ends:
        _at_end_of_stdin(stop.set)
    interrupted = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: (interrupted.set(), stop.set()))
    try:
        async with (
            sandbox or nullcontext() as opened,
            open_server(
                bundles,
                host=host,
                port=port,
                control_port=control_port,
                token=token,
                advertise_url=advertise_url,
                max_episodes=max_episodes,
                sandbox=opened,
                extensions=extensions,
            ) as running,
        ):
            if on_ready is not None:
                on_ready(running)
            await stop.wait()
    finally:
        loop.remove_reader(0)
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
    if interrupted.is_set() and on_interrupt is not None:
        on_interrupt()


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
        http="httptools",
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
