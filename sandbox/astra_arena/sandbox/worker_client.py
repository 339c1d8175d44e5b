"""The worker's side of one client: carries out its requests, never more than it can hold."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox.contract import Program, Sandbox, Session
from astra_arena.sandbox.remote_link import Link
from astra_arena.sandbox.remote_protocol import (
    FROM_CLIENT,
    AskDifference,
    AskDigest,
    Asked,
    Beat,
    Call,
    Close,
    Done,
    FromClient,
    Message,
    Missing,
    Open,
    Outcome,
    Replay,
    Trouble,
    Upload,
    WireProgram,
)
from astra_arena.sandbox.remote_values import (
    arguments_of,
    difference_reply,
    digest_of_state,
    outcome_of,
    program_of,
    replay_calls_of,
    replayed_of,
    trouble_of,
)
from astra_arena.sandbox.wire import WireError
from astra_arena.sandbox.worker_store import BlobStore, Incoming

_MOST_HELD_BYTES = 64 << 20
_MOST_HELD_REQUESTS = 4096
_MOST_UPLOADS = 4
_log = logging.getLogger(__name__)


class Room:
    """How many sessions a worker holds, of all its clients together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0


class Client:
    """One connection, its sessions and the requests that are being carried out."""

    def __init__(self, link: Link, sandbox: Sandbox, store: BlobStore, room: Room) -> None:
        self._link = link
        self._sandbox = sandbox
        self._store = store
        self._room = room
        self._sessions: dict[int, tuple[Session, WireProgram]] = {}
        self._working: dict[int, asyncio.Task[Message]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._uploads: dict[str, Incoming] = {}
        self._held_bytes = 0

    def take(self, body: bytes) -> None:
        """Handle one message.

        Raises:
            WireError: if it makes no sense; the connection ends then.
        """
        message: FromClient = FROM_CLIENT.decode(body)
        match message:
            case Open():
                if message.session in self._sessions:
                    raise WireError(f"session {message.session} is open already")
                self._work(message, self._open(message), len(body))
            case Call():
                self._work(message, self._call(message), len(body))
            case Replay():
                self._work(message, self._replay(message), len(body))
            case AskDigest():
                self._work(message, self._digest(message), len(body))
            case AskDifference():
                self._work(message, self._difference(message), len(body))
            case Close():
                self._end(message.session)
            case Upload():
                self._link.send(self._receive(message))
            case Beat():
                pass

    async def close(self) -> None:
        """End every session and forget every request."""
        for number in {*self._sessions, *self._working}:
            self._end(number)
        for upload in self._uploads.values():
            upload.drop()
        self._uploads.clear()
        while self._ending:
            await asyncio.wait(self._ending)

    def _work(self, message: Asked, work: Coroutine[Any, Any, Message], size: int) -> None:
        number = message.session
        if number in self._working:
            work.close()
            raise WireError(f"session {number} is busy")

        def finished(task: asyncio.Task[Message]) -> None:
            del self._working[number]
            self._hold(-size)
            if task.cancelled():
                return
            error = task.exception()
            if error is None:
                self._link.send(task.result())
                return
            if not isinstance(error, Exception):
                raise error
            trouble = trouble_of(message.id, error)
            if trouble.kind == "unavailable":
                _log.warning("a request failed", exc_info=error)
            self._link.send(trouble)

        task = self._working[number] = asyncio.create_task(work)
        self._hold(size)
        task.add_done_callback(finished)

    def _hold(self, size: int) -> None:
        """Read no more requests while those at hand are too many; the client then waits."""
        self._held_bytes += size
        full = self._held_bytes > _MOST_HELD_BYTES or len(self._working) > _MOST_HELD_REQUESTS
        self._link.hold(full)

    async def _open(self, message: Open) -> Message:
        program = message.program
        missing = self._store.missing((program.tools, program.world))
        if missing:
            return Missing(message.id, missing)
        if self._room.taken >= self._room.most:
            return Trouble(message.id, "full", f"the worker has its {self._room.most} sessions")
        self._room.taken += 1
        self._store.pin(program.world)
        try:
            session = await self._sandbox.open_session(
                self._program(program), seed=int(message.seed)
            )
        except BaseException:
            self._release(program)
            raise
        self._sessions[message.session] = (session, program)
        return Done(message.id)

    async def _call(self, message: Call) -> Message:
        arguments = arguments_of(message.arguments)
        session = self._session(message.session)
        execution = await session.call(message.tool, arguments, attempt=message.attempt)
        outcome: Outcome = outcome_of(message.id, execution)
        if outcome.broke is not None and outcome.broke[2]:
            await self._drop(message.session)
        return outcome

    async def _replay(self, message: Replay) -> Message:
        calls = replay_calls_of(message.calls)
        outcome = await self._session(message.session).replay(calls)
        if outcome.broke is not None:
            await self._drop(message.session)
        return replayed_of(message.id, outcome)

    async def _digest(self, message: AskDigest) -> Message:
        reply = digest_of_state(message.id, await self._session(message.session).state_digest())
        if reply.broke is not None and reply.broke[2]:
            await self._drop(message.session)
        return reply

    async def _difference(self, message: AskDifference) -> Message:
        told = await self._session(message.session).state_difference()
        reply = difference_reply(message.id, told)
        if reply.broke is not None and reply.broke[2]:
            await self._drop(message.session)
        return reply

    def _session(self, number: int) -> Session:
        if number not in self._sessions:
            raise SandboxUnavailableError("the session is closed")
        return self._sessions[number][0]

    def _receive(self, message: Upload) -> Message:
        try:
            incoming = self._uploads.get(message.digest)
            if incoming is None:
                if len(self._uploads) >= _MOST_UPLOADS:
                    raise SandboxUnavailableError("too many uploads at once")
                incoming = self._uploads[message.digest] = self._store.begin(message.digest)
            incoming.add(message.data)
            if message.last:
                self._store.finish(incoming)
                del self._uploads[message.digest]
        except (OSError, SandboxUnavailableError) as error:
            if (failed := self._uploads.pop(message.digest, None)) is not None:
                failed.drop()
            return trouble_of(message.id, error)
        return Done(message.id)

    def _end(self, number: int) -> None:
        task = asyncio.create_task(self._ended(number))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _ended(self, number: int) -> None:
        work = self._working.get(number)
        if work is not None:
            work.cancel()
            await asyncio.wait((work,))
        await self._drop(number)

    async def _drop(self, number: int) -> None:
        held = self._sessions.pop(number, None)
        if held is None:
            return
        session, program = held
        try:
            with contextlib.suppress(SandboxUnavailableError):
                await session.close()
        finally:
            self._release(program)

    def _release(self, program: WireProgram) -> None:
        self._room.taken -= 1
        self._store.unpin(program.world)

    def _program(self, wire: WireProgram) -> Program:
        tools_py = self._store.path(wire.tools).read_bytes()
        return program_of(wire, tools_py=tools_py, world_path=self._store.path(wire.world))
