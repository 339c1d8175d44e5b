"""Sandbox workers as processes of their own, and the sockets that tests talk to them by."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from astra_arena.sandbox import RemoteSandbox, Sandbox, SandboxWorker
from astra_arena.sandbox.remote_address import open_listener, parse_address
from astra_arena.sandbox.remote_protocol import (
    OPENING,
    TAG_BYTES,
    VERSION,
    Greeting,
    Hello,
    Message,
    Opening,
    Seal,
    Welcome,
    encoded,
    new_nonce,
)
from astra_arena.sandbox.worker_store import BlobStore

TOKEN = "a token that both sides know"


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker that accepts connections."""

    address: str
    tier: str
    pid: int

    def kill(self) -> None:
        """End it without a word."""
        os.kill(self.pid, signal.SIGKILL)

    def sandbox(self, *others: "RunningWorker", patience_s: float = 5.0) -> RemoteSandbox:
        """A sandbox at this worker and others."""
        addresses = [worker.address for worker in (self, *others)]
        return RemoteSandbox(addresses, token=TOKEN, patience_s=patience_s)


def start_worker(folder: Path, listen: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a worker; its ready line is on stdout."""
    token_file = folder / "token"
    token_file.write_text(TOKEN + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "astra_arena.core.cli", "sandbox-worker", "--json"]
    command += ["--listen", listen, "--token-file", str(token_file), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def ready(process: subprocess.Popen[bytes]) -> RunningWorker:
    """Wait until the worker accepts connections."""
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    return RunningWorker(said["sandbox"], said["tier"], process.pid)


@contextmanager
def running_worker(
    folder: Path, listen: str = "tcp:127.0.0.1:0", *options: str
) -> Generator[RunningWorker]:
    """Run a worker while the block runs."""
    process = start_worker(folder, listen, *options)
    try:
        yield ready(process)
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Peer:
    """The other end of a connection, which may say anything."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opening: Opening | None = None
        self._reader = reader
        self._writer = writer
        self._ours: Seal | None = None
        self._theirs: Seal | None = None

    def say_bytes(self, data: bytes) -> None:
        """Say what may not be a frame."""
        self._writer.write(data)

    def say_frame(self, body: bytes) -> None:
        """Say what may not be a message."""
        tag = b"" if self._ours is None else self._ours.tag(body)
        self.say_bytes((len(body) + len(tag)).to_bytes(4, "big") + body + tag)

    def say(self, message: Message) -> None:
        """Say a message."""
        self.say_frame(encoded(message))

    async def hear(self) -> bytes:
        """Return the next frame's content."""
        async with asyncio.timeout(10):
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            frame = await self._reader.readexactly(size)
        if self._theirs is None:
            return frame
        content = frame[:-TAG_BYTES]
        assert self._theirs.tag(content) == frame[-TAG_BYTES:]
        return content

    async def hear_end(self) -> bytes:
        """Return what is said until the other side ends the connection."""
        async with asyncio.timeout(10):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""

    async def greet(self, token: str = TOKEN) -> None:
        """Introduce this side as a client."""
        hello = OPENING.decode(await self.hear())
        assert isinstance(hello, Hello)
        nonce = new_nonce()
        opening = Opening(token, worker_nonce=hello.nonce, client_nonce=nonce)
        self.say(Greeting(VERSION, nonce, opening.proof("client")))
        welcome = OPENING.decode(await self.hear())
        assert isinstance(welcome, Welcome)
        self.opening = opening
        self._ours, self._theirs = opening.seal("client"), opening.seal("worker")

    async def welcome(self, token: str = TOKEN, *, tier: str = "process") -> None:
        """Introduce this side as a worker."""
        nonce = new_nonce()
        self.say(Hello(VERSION, nonce))
        greeting = OPENING.decode(await self.hear())
        assert isinstance(greeting, Greeting)
        opening = Opening(token, worker_nonce=nonce, client_nonce=greeting.nonce)
        self.say(Welcome(opening.proof("worker"), tier))
        self._ours, self._theirs = opening.seal("worker"), opening.seal("client")

    def leave(self) -> None:
        """End the connection."""
        self._writer.close()


@asynccontextmanager
async def peer_of(address: str) -> AsyncGenerator[Peer]:
    """Connect to a worker's unix socket."""
    peer = Peer(*await asyncio.open_unix_connection(address.removeprefix("unix:")))
    try:
        yield peer
    finally:
        peer.leave()


@asynccontextmanager
async def peers_at(path: Path, behave: Callable[[Peer], Awaitable[None]]) -> AsyncGenerator[str]:
    """Listen at a unix socket and treat everybody who connects alike; yields the address."""

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        try:
            await behave(peer)
            await peer.hear_end()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            peer.leave()

    server = await asyncio.start_unix_server(attend, path)
    try:
        yield f"unix:{path}"
    finally:
        server.close()


@asynccontextmanager
async def worker_inside(
    folder: Path,
    sandbox: Sandbox,
    *,
    max_sessions: int = 1000,
    beat_s: float = 5.0,
    store: BlobStore | None = None,
    handshake_s: float = 10.0,
) -> AsyncGenerator[tuple[SandboxWorker, str]]:
    """Run a worker in this process; yields it and its address."""
    address = f"unix:{folder}/inside"
    worker = SandboxWorker(
        sandbox,
        token=TOKEN,
        max_sessions=max_sessions,
        beat_s=beat_s,
        store=store,
        handshake_s=handshake_s,
    )
    try:
        await worker.start(open_listener(parse_address(address)))
        yield worker, address
    finally:
        await worker.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
