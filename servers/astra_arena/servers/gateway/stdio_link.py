"""MCP over the standard streams of a program that is started for one session.

Beside what the SDK's own transport does, lines are bounded, the last words on stderr are kept for
messages, and a supervisor sees to it that nothing outlives this process.
"""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import types
from mcp.shared.message import SessionMessage

MOST_LINE_BYTES = 16 << 20
"""Longest line that a server may send; then the connection is cut."""

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_GRACE_SECONDS = 1.0
_LAST_WORDS = 4096
_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")

Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


class StdioLink:
    """One server process, from its start to its end.

    Args:
        command: What to run.
        variables: Names of variables that it gets beside the usual ones.
        folder: Where it runs.
    """

    def __init__(
        self, command: Sequence[str], *, variables: Sequence[str] = (), folder: Path | None = None
    ) -> None:
        self.broke: str | None = None
        """Why the connection was cut from this side, if it was."""
        self._command = command
        self._environment = _environment((*_INHERITED, *variables))
        self._folder = folder
        self._said: deque[bytes] = deque(maxlen=64)

    @property
    def last_words(self) -> str:
        """The end of what the server wrote to stderr."""
        return b"".join(self._said)[-_LAST_WORDS:].decode("utf-8", "replace").strip()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Streams]:
        """Start the server; it is gone, with all that it started, when the block ends.

        Raises:
            OSError: if no process can be started.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_SUPERVISOR), str(os.getpid())),
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            cwd=self._folder,
            limit=MOST_LINE_BYTES,
            start_new_session=True,
        )
        came, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, going = anyio.create_memory_object_stream[SessionMessage](0)
        tasks = (
            asyncio.create_task(self._read(process, came)),
            asyncio.create_task(self._write(process, going)),
            asyncio.create_task(self._listen(process)),
        )
        try:
            yield incoming, outgoing
        finally:
            with anyio.CancelScope(shield=True):
                for stream in (incoming, outgoing):
                    stream.close()
                await _stop(process)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                for end in (came, going):
                    end.close()

    async def _read(
        self,
        process: asyncio.subprocess.Process,
        came: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        assert process.stdout is not None
        with came, contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while True:
                try:
                    line = await process.stdout.readline()
                except ValueError:
                    self.broke = f"the server sent a line of more than {MOST_LINE_BYTES} bytes"
                    return
                if not line:
                    return
                if line.strip():
                    await came.send(_message(line))

    async def _write(
        self,
        process: asyncio.subprocess.Process,
        going: MemoryObjectReceiveStream[SessionMessage],
    ) -> None:
        assert process.stdin is not None
        with going, contextlib.suppress(OSError):
            async for sent in going:
                text = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode("utf-8") + b"\n")
                await process.stdin.drain()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while said := await process.stderr.read(_LAST_WORDS):
            self._said.append(said)


def _message(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the server as MCP asks for: close its stdin, wait, then end the whole tree."""
    assert process.stdin is not None
    process.stdin.close()
    for end in (process.terminate, process.kill):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            end()
    await process.wait()


def _environment(names: Sequence[str]) -> Mapping[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
