"""One connection to an external server, of either generation and over either transport.

The SDK wants a client to be entered and left by one task, so each connection has a task of its own.
What goes wrong on the way to a server is a `ServerUnreachableError`, what goes wrong with one call
a `CallEndedError`; what the server answers, errors included, is a value.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx2
from mcp import Client, types
from mcp.client import ClientSession, Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from astra_arena.core.canonical import JsonObject
from astra_arena.sandbox.contract import BrokeKind
from astra_arena.servers.bundles.external_world import ExternalWorld, Generation
from astra_arena.servers.episodes.failures import ServerUnreachableError
from astra_arena.servers.gateway.failures import CallEndedError
from astra_arena.servers.gateway.http_link import open_http_client
from astra_arena.servers.gateway.stdio_link import StdioLink

OPEN_SECONDS = 60.0
"""How long a server may take until it has answered the first request."""
MOST_TOOL_PAGES = 100

_CLOSE_SECONDS = 15.0
_CLIENT = types.Implementation(name="astra-arena-gateway", version="1")


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The server refused a call as JSON-RPC does, instead of with a result."""

    message: str


class ServerConnection:
    """An open connection; make it with `connect`."""

    def __init__(self, world: ExternalWorld) -> None:
        self._world = world
        self._link: StdioLink | None = None
        self._client: Client | None = None
        self._stop = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None

    @property
    def generation(self) -> Generation:
        """Which protocol the server speaks."""
        version = self._session.protocol_version or ""
        return "modern" if version >= "2026" else "legacy"

    @property
    def server(self) -> types.Implementation | None:
        """What the server says that it is."""
        return self._session.server_info

    @property
    def instructions(self) -> str | None:
        """What the server tells its users."""
        return self._session.instructions

    async def open(self, *, seconds: float, mode: Generation | None) -> None:
        """Connect, and wait until the server has answered.

        Raises:
            ServerUnreachableError: if it does not.
        """
        opened = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own(opened, mode))
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait({opened, self._owner}, return_when=asyncio.FIRST_COMPLETED)
                if not opened.done():
                    await self._owner
                    raise self._unreachable("it ended at once")
        except TimeoutError:
            raise self._unreachable(f"no answer in {seconds:g} s") from None
        finally:
            if not opened.done():
                await self.close()

    async def list_tools(self) -> list[types.Tool]:
        """Ask for all pages of tools.

        Raises:
            ServerUnreachableError: if there is no answer, or no end of pages.
        """
        tools: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(MOST_TOOL_PAGES):
            try:
                page = await self._session.list_tools(
                    params=types.PaginatedRequestParams(cursor=cursor)
                )
            except (MCPError, ValidationError, httpx2.HTTPError) as error:
                raise self._unreachable(f"it did not list its tools: {error}") from error
            tools.extend(page.tools)
            cursor = page.next_cursor
            if cursor is None:
                return tools
        raise self._unreachable(f"its list of tools has more than {MOST_TOOL_PAGES} pages")

    async def call(
        self, tool: str, arguments: JsonObject, *, seconds: float
    ) -> types.CallToolResult | ErrorAnswer:
        """Call a tool by the name that the server knows.

        Raises:
            CallEndedError: if no usable answer came.
        """
        assert self._owner is not None
        if self._owner.done():
            raise CallEndedError("crashed", self._told("the connection has ended"))
        call = asyncio.create_task(self._call(tool, arguments))
        try:
            await asyncio.wait(
                {call, self._owner}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if call.done():
                return self._answer(call)
            if self._owner.done():
                raise CallEndedError("crashed", self._told("the connection ended"))
            raise CallEndedError("timeout", f"no answer in {seconds:g} s")
        finally:
            if not call.done():
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)

    async def close(self) -> None:
        """End the connection, and the program that was started for it; never fails."""
        owner = self._owner
        self._stop.set()
        if owner is None or owner.done():
            return
        if self._client is None:
            owner.cancel()
        done, _ = await asyncio.wait({owner}, timeout=_CLOSE_SECONDS)
        if not done:
            owner.cancel()
            await asyncio.gather(owner, return_exceptions=True)

    @property
    def _session(self) -> ClientSession:
        assert self._client is not None, "the connection is open"
        return self._client.session

    async def _call(self, tool: str, arguments: JsonObject) -> types.CallToolResult:
        params = types.CallToolRequestParams.model_validate({"name": tool, "arguments": arguments})
        # Not `Client.call_tool`: it lists the tools for each connection to check the result, which
        # is checked where all results are.
        return await self._session.send_request(
            types.CallToolRequest(params=params), types.CallToolResult
        )

    def _answer(
        self, call: "asyncio.Task[types.CallToolResult]"
    ) -> types.CallToolResult | ErrorAnswer:
        try:
            return call.result()
        except MCPError as error:
            if error.code == types.CONNECTION_CLOSED:
                cut = self._link is not None and self._link.broke is not None
                kind: BrokeKind = "too_large" if cut else "crashed"
                raise CallEndedError(kind, self._told("the connection was closed")) from error
            return ErrorAnswer(error.message)
        except ValidationError as error:
            detail = f"the answer is not MCP's: {error.errors()[0]['msg']}"
            raise CallEndedError("bad_result", detail) from error
        except Exception as error:
            raise CallEndedError("crashed", f"{type(error).__name__}: {error}") from error

    async def _own(self, opened: "asyncio.Future[None]", mode: Generation | None) -> None:
        """Enter and leave the client; ends early when the connection does."""
        try:
            async with AsyncExitStack() as stack:
                transport = await self._transport(stack)
                client = Client(
                    transport,
                    mode="legacy" if mode == "legacy" else "auto",
                    client_info=_CLIENT,
                    cache=None,
                )
                self._client = await stack.enter_async_context(client)
                opened.set_result(None)
                await self._stop.wait()
        except BaseExceptionGroup as group:
            self._ended(opened, _first(group))
        except Exception as error:
            self._ended(opened, error)

    def _ended(self, opened: "asyncio.Future[None]", error: BaseException) -> None:
        if opened.done():
            return
        if isinstance(error, ServerUnreachableError):
            raise error
        raise self._unreachable(str(error) or type(error).__name__) from error

    async def _transport(self, stack: AsyncExitStack) -> Transport:
        missing = self._world.missing_variables
        if missing:
            raise ServerUnreachableError(
                f"the external server needs the variables {', '.join(missing)}, which are not set"
            )
        if self._world.http is not None:
            http = await stack.enter_async_context(open_http_client(self._world.http.headers_from))
            return streamable_http_client(self._world.http.url, http_client=http)
        stdio = self._world.stdio
        assert stdio is not None
        folder = (
            Path(stdio.cwd)
            if stdio.cwd is not None
            else stack.enter_context(_fresh_folder(self._world))
        )
        self._link = StdioLink(stdio.command, variables=stdio.environment, folder=folder)
        return cast("Transport", self._link.open())

    def _unreachable(self, reason: str) -> ServerUnreachableError:
        return ServerUnreachableError(
            self._told(f"the external server at {self._world.reached_by} cannot be used: {reason}")
        )

    def _told(self, text: str) -> str:
        """Add what the server itself said last."""
        if self._link is None:
            return text
        parts = (text, self._link.broke, self._link.last_words and f"it said: {self._said}")
        return "; ".join(part for part in parts if part)

    @property
    def _said(self) -> str:
        assert self._link is not None
        return " / ".join(self._link.last_words.splitlines()[-3:])[-500:]


@contextmanager
def _fresh_folder(world: ExternalWorld) -> Generator[Path]:
    """Make a folder with the files that the program starts with; it goes with the connection."""
    with tempfile.TemporaryDirectory(prefix="arena-external-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        for name, content in world.file_contents().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield folder


@asynccontextmanager
async def connected(
    world: ExternalWorld, *, seconds: float = OPEN_SECONDS
) -> AsyncGenerator[ServerConnection]:
    """Be connected to a server while the block runs.

    Raises:
        ServerUnreachableError: if it cannot be started or reached, or does not answer.
    """
    connection = await connect(world, seconds=seconds)
    try:
        yield connection
    finally:
        await connection.close()


async def connect(world: ExternalWorld, *, seconds: float = OPEN_SECONDS) -> ServerConnection:
    """Open a connection; the caller closes it.

    Servers that fall over a question of the newer protocol are asked by the older one, unless the
    world says which it is.

    Raises:
        ServerUnreachableError: if it cannot be started or reached, or does not answer.
    """
    modes: Sequence[Generation | None] = (world.generation,)
    if world.generation is None:
        modes = (None, "legacy")
    for mode in modes:
        connection = ServerConnection(world)
        try:
            await connection.open(seconds=seconds, mode=mode)
            if world.lists_first:
                await connection.list_tools()
        except BaseException as error:
            await connection.close()
            if mode is modes[-1] or not isinstance(error, ServerUnreachableError):
                raise
            continue
        return connection
    raise AssertionError("the last try returns or raises")


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", group).exceptions[0]
    return group
