"""An MCP server over stdin and stdout, on the event loop.

The SDK's transport changes threads for each line; pipes and sockets need none, which halves the CPU
of a call. Everything else (files, terminals) goes through the SDK.
"""

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio
import mcp.types as wire
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from astra_arena.core.canonical import JsonObject
from astra_arena.servers.agent_plane.unreadable import error_answer, is_call, too_large_answer

MAX_LINE_BYTES = 4 << 20
_HEAD_BYTES = 4096

OnUnreadable: TypeAlias = Callable[[str], Awaitable[object]]
"""Called with a note about each call that could not be read, before it is answered."""


@dataclass(frozen=True, slots=True)
class _TooLong:
    """A line above the limit; the rest of it was skipped."""

    head: bytes


async def run_over_stdio(server: Server[Any], on_unreadable: OnUnreadable) -> None:
    """Serve the one client behind stdin and stdout until it closes stdin.

    Meanwhile stray prints go to stderr, and whoever reads stdin finds its end.
    """
    options = server.create_initialization_options()
    if not all(_is_pipe(fd) for fd in (0, 1)):
        async with stdio_server() as (received, sent):
            await server.run(received, sent, options)
        return
    stdin, stdout = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    to_server, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    sent, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_read, stdin, to_server, sent.clone(), on_unreadable)
        group.start_soon(_write, stdout, from_server)
        await server.run(received, sent, options)
        group.cancel_scope.cancel()


async def _read(
    fd: int,
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
    to_client: MemoryObjectSendStream[SessionMessage],
    on_unreadable: OnUnreadable,
) -> None:
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(fd, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        async with to_server, to_client:
            while line := await _next_line(reader):
                read = _message(line)
                if isinstance(read, SessionMessage):
                    await to_server.send(read)
                    continue
                # The SDK drops what it cannot read, and the client would wait for ever.
                if isinstance(line, _TooLong):
                    await on_unreadable(f"(a message of more than {MAX_LINE_BYTES} bytes)")
                elif is_call([], line):
                    await on_unreadable(f"(a message of {len(line)} bytes)")
                if read is not None:
                    error = wire.JSONRPCError.model_validate(read)
                    await to_client.send(SessionMessage(error))
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return
    finally:
        transport.close()


def _message(line: bytes | _TooLong) -> SessionMessage | JsonObject | None:
    """Return a line's message; or the error that answers it, if anything does."""
    if isinstance(line, _TooLong):
        return too_large_answer(line.head, MAX_LINE_BYTES)
    try:
        return SessionMessage(wire.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return error_answer(line)


async def _next_line(reader: asyncio.StreamReader) -> bytes | _TooLong:
    """Return the next line; empty at the end."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        head = await reader.readexactly(min(error.consumed, _HEAD_BYTES))
    while True:
        try:
            await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            await reader.readexactly(error.consumed)
        except asyncio.IncompleteReadError:
            return _TooLong(head)
        else:
            return _TooLong(head)


class _Writing(asyncio.BaseProtocol):
    """Holds the writer back while the client does not read."""

    def __init__(self) -> None:
        self.may_write = asyncio.Event()
        self.may_write.set()

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.may_write.set()


async def _write(fd: int, from_server: MemoryObjectReceiveStream[SessionMessage]) -> None:
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(fd, "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(_Writing, pipe)
    try:
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError):
            async for message in from_server:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                transport.write(text.encode("utf-8") + b"\n")
                await protocol.may_write.wait()
    finally:
        transport.close()


def _is_pipe(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
