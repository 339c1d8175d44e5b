"""The host's side of one session: asks it to run calls and tells how they ended."""

import asyncio
import signal
from typing import Any

import msgspec

from astra_arena.core.canonical import DIGEST_PREFIX, JsonObject, canonical_bytes, digest_of_bytes
from astra_arena.core.errors import SandboxUnavailableError, SpecError
from astra_arena.sandbox.contract import Broke, BrokeKind, Execution, Failed, Program, Succeeded
from astra_arena.sandbox.control import Forked
from astra_arena.sandbox.guest_servers import EnvironmentServer
from astra_arena.sandbox.wire import FrameChannel, WireError

_EXIT_STATUS_S = 2.0


class _Reply(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    ok: dict[str, Any] | None = None
    failed: str | None = None
    broke: tuple[BrokeKind, str] | None = None
    lost: bool = False


_REPLY = msgspec.json.Decoder(_Reply)


class ProcessSession:
    """One confined process with one live world."""

    def __init__(
        self,
        program: Program,
        server: EnvironmentServer,
        channel: FrameChannel,
        forked: Forked,
        *,
        seed: int,
    ) -> None:
        self._program = program
        self._server = server
        self._channel = channel
        self._forked = forked
        self._seed = str(seed).encode("ascii")
        self._last_id = 0
        self._closed = False

    @property
    def pid(self) -> int:
        """The session's process id."""
        return self._forked.pid

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Run one tool; see `Session.call`."""
        if self._closed:
            raise SandboxUnavailableError("the session is closed")
        if self._channel.busy:
            raise RuntimeError("expected calls to a session one after another, got two at once")
        if tool not in self._program.tool_names:
            raise SpecError(f"expected one of the program's tools, got {tool!r}")
        self._channel.poll()
        if self._channel.failure is not None:
            return await self._found_ended(self._channel.failure)
        self._last_id += 1
        frame = _request(self._last_id, self._seed, tool, canonical_bytes(arguments), attempt)
        try:
            body = await self._channel.exchange(frame, timeout_s=self._program.limits.call_seconds)
        except WireError as error:
            return await self._broken(error)
        except asyncio.CancelledError:
            self._end()
            raise
        return self._execution(body)

    async def close(self) -> None:
        """End the process; closing twice is harmless."""
        self._end()

    def _execution(self, body: bytes) -> Execution:
        try:
            reply = _REPLY.decode(body)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            self._end()
            return Broke("crashed", f"a reply that cannot be read: {error}", session_lost=True)
        if reply.id == self._last_id and not reply.lost:
            if reply.ok is not None:
                return Succeeded(reply.ok)
            if reply.failed is not None:
                return Failed(reply.failed)
        if reply.id == self._last_id and reply.broke is not None:
            if reply.lost:
                self._end()
            return Broke(reply.broke[0], reply.broke[1], session_lost=reply.lost)
        self._end()
        return Broke("crashed", "a reply to no call of ours", session_lost=True)

    async def _found_ended(self, error: WireError) -> Broke:
        broke = await self._broken(error)
        if self._server.ended:
            # It took its sessions along while none of them was asked for anything.
            raise SandboxUnavailableError("the session's environment server ended")
        return broke

    async def _broken(self, error: WireError) -> Broke:
        if error.late:
            self._end()
            seconds = self._program.limits.call_seconds
            return Broke("timeout", f"no reply within {seconds:g} s", session_lost=True)
        # Whatever ends a session's process during a call is laid to its tool code: were it laid to
        # us, tool code that ends its own server could void every episode that it is about to lose.
        self._forked.kill()
        status = await self._exit_status()
        self._end()
        if status == -signal.SIGPROF:
            seconds = self._program.limits.cpu_seconds
            return Broke("timeout", f"{seconds} s of CPU time were used up", session_lost=True)
        return Broke("crashed", f"{error}{_ended_how(status)}", session_lost=True)

    async def _exit_status(self) -> int | None:
        try:
            return await asyncio.wait_for(asyncio.shield(self._forked.exited), _EXIT_STATUS_S)
        except TimeoutError:
            return None

    def _end(self) -> None:
        self._closed = True
        self._server.end_session(self._channel)


def _ended_how(status: int | None) -> str:
    if status is None:
        return ""
    if status >= 0:
        return f"; exit status {status}"
    return f"; killed by {signal.Signals(-status).name}"


def _request(number: int, seed: bytes, tool: str, arguments: bytes, attempt: int) -> bytes:
    key = stream_key(seed, tool.encode("utf-8"), arguments, str(attempt).encode("ascii"))
    return b'{"id":%d,"tool":"%b","key":"%b","arguments":%b}' % (
        number,
        tool.encode("utf-8"),
        key.encode("ascii"),
        arguments,
    )


def stream_key(*parts: bytes) -> str:
    """Return the key of a random stream, in hexadecimal."""
    return digest_of_bytes(*parts).removeprefix(DIGEST_PREFIX)
