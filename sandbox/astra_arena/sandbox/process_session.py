"""The host's side of one session: asks it to run calls and tells how they ended."""

import asyncio
import logging
import signal
from collections.abc import Iterator, Sequence

from astra_arena.core.canonical import DIGEST_PREFIX, JsonObject, canonical_bytes, digest_of_bytes
from astra_arena.core.errors import SandboxUnavailableError, SpecError
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Failed,
    Program,
    ReplayCall,
    ReplayOutcome,
    Succeeded,
)
from astra_arena.sandbox.control import Forked
from astra_arena.sandbox.guest_servers import EnvironmentServer
from astra_arena.sandbox.replaying import divergence
from astra_arena.sandbox.replies import Reply, difference_of, is_shallow, reply_of
from astra_arena.sandbox.wire import FrameChannel, WireError

_EXIT_STATUS_S = 2.0
_BRANCH_S = 5.0
# A replay may take as many times what its calls took: the machine may be busier now.
_REPLAY_SLACK = 5.0
_REPLAY_BYTES = 4 << 20
_log = logging.getLogger("arena.sandbox")

# What the guest lets it have, each character escaped, and what is around it.
_DIFFERENCE_BYTES = 2 * (256 << 10) + 4096


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
        asked = b",%b" % self._asked(tool, arguments, attempt)
        reply = await self._exchange(asked, timeout_s=self._program.limits.call_seconds)
        return reply if isinstance(reply, Broke) else self._execution(reply)

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Make calls again; see `Session.replay`."""
        done = 0
        for batch in self._batches(calls):
            seconds = sum(call.seconds for call, _ in batch)
            asked = b',"replay":[%b]' % b",".join(b"{%b}" % text for _, text in batch)
            reply = await self._exchange(
                asked, timeout_s=self._program.limits.call_seconds + _REPLAY_SLACK * seconds
            )
            if isinstance(reply, Broke):
                return ReplayOutcome(done, reply)
            done += reply.replayed or 0
            if reply.replayed != len(batch):
                execution = self._execution(reply)
                broke = divergence(batch[0][0], execution) or self._nonsense()
                return ReplayOutcome(done, broke)
        return ReplayOutcome(done)

    async def state_digest(self) -> str | Broke:
        """Return the digest of the world's state; see `Session.state_digest`."""
        reply = await self._exchange(b"", timeout_s=self._program.limits.call_seconds)
        if isinstance(reply, Broke):
            return reply
        if reply.digest is not None:
            return reply.digest
        execution = self._execution(reply)
        return execution if isinstance(execution, Broke) else self._nonsense()

    async def state_difference(self) -> JsonObject | Broke:
        """Return what differs from the start; see `Session.state_difference`."""
        reply = await self._exchange(
            b',"difference":true',
            timeout_s=self._program.limits.call_seconds,
            largest_frame=_DIFFERENCE_BYTES,
        )
        if isinstance(reply, Broke):
            return reply
        if reply.difference is None:
            execution = self._execution(reply)
            return execution if isinstance(execution, Broke) else self._nonsense()
        try:
            return difference_of(reply.difference)
        except ValueError:
            return self._nonsense()

    async def branch(self) -> "ProcessSession | None":
        """Fork the process, where that is possible; see `Session.branch`."""
        if not self._server.can_branch or self._closed:
            return None

        async def ask() -> None:
            reply = await self._exchange(b',"branch":true', timeout_s=_BRANCH_S)
            if isinstance(reply, Broke) or not reply.branched:
                raise SandboxUnavailableError("the session did not branch")

        try:
            channel, forked = await self._server.branch_session(self._forked, ask)
        except SandboxUnavailableError as error:
            _log.info("a live branch was not to be had: %s", error.message)
            return None
        seed = int(self._seed)
        return ProcessSession(self._program, self._server, channel, forked, seed=seed)

    async def close(self) -> None:
        """End the process; closing twice is harmless."""
        self._end()

    def _asked(self, tool: str, arguments: JsonObject, attempt: int) -> bytes:
        if tool not in self._program.tool_names:
            raise SpecError(f"expected one of the program's tools, got {tool!r}")
        text = canonical_bytes(arguments)
        name = tool.encode("utf-8")
        key = stream_key(self._seed, name, text, str(attempt).encode("ascii")).encode("ascii")
        return b'"tool":"%b","key":"%b","arguments":%b' % (name, key, text)

    def _batches(self, calls: Sequence[ReplayCall]) -> Iterator[list[tuple[ReplayCall, bytes]]]:
        batch: list[tuple[ReplayCall, bytes]] = []
        size = 0
        for call in calls:
            text = self._asked(call.tool, call.arguments, call.attempt)
            text += b',"trace":"%b"' % call.trace.encode("ascii")
            if batch and size + len(text) > _REPLAY_BYTES:
                yield batch
                batch, size = [], 0
            batch.append((call, text))
            size += len(text)
        if batch:
            yield batch

    async def _exchange(
        self, asked: bytes, *, timeout_s: float, largest_frame: int | None = None
    ) -> Reply | Broke:
        if self._closed:
            raise SandboxUnavailableError("the session is closed")
        if self._channel.busy:
            raise RuntimeError("expected calls to a session one after another, got two at once")
        self._channel.poll()
        if self._channel.failure is not None:
            return await self._found_ended(self._channel.failure)
        self._last_id += 1
        try:
            frame = b'{"id":%d%b}' % (self._last_id, asked)
            body = await self._channel.exchange(
                frame, timeout_s=timeout_s, largest_frame=largest_frame
            )
        except WireError as error:
            return await self._broken(error, timeout_s)
        except asyncio.CancelledError:
            self._end()
            raise
        try:
            reply = reply_of(body)
        except ValueError as error:
            self._end()
            return Broke("crashed", f"a reply that cannot be read: {error}", session_lost=True)
        return reply if reply.id == self._last_id else self._nonsense()

    def _execution(self, reply: Reply) -> Execution:
        if reply.ok is not None and not reply.lost:
            return Succeeded(reply.ok, reply.trace) if is_shallow(reply.ok) else self._nonsense()
        if reply.failed is not None and not reply.lost:
            return Failed(reply.failed)
        if reply.broke is not None:
            if reply.lost:
                self._end()
            return Broke(reply.broke[0], reply.broke[1], session_lost=reply.lost)
        return self._nonsense()

    def _nonsense(self) -> Broke:
        self._end()
        return Broke("crashed", "a reply to no call of ours", session_lost=True)

    async def _found_ended(self, error: WireError) -> Broke:
        broke = await self._broken(error, self._program.limits.call_seconds)
        if self._server.ended:
            # It took its sessions along while none of them was asked for anything.
            raise SandboxUnavailableError("the session's environment server ended")
        return broke

    async def _broken(self, error: WireError, seconds: float) -> Broke:
        if error.late:
            self._end()
            return Broke("timeout", f"no reply within {seconds:g} s", session_lost=True)
        # Whatever ends a session's process during a call is laid to its tool code: were it laid to
        # us, tool code that ends its own server could void every episode that it is about to lose.
        self._forked.kill()
        status = await self._exit_status()
        self._end()
        if status == -signal.SIGPROF:
            seconds = self._program.limits.cpu_seconds
            return Broke("timeout", f"{seconds:g} s of CPU time were used up", session_lost=True)
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


def stream_key(*parts: bytes) -> str:
    """Return the key of a random stream, in hexadecimal."""
    return digest_of_bytes(*parts).removeprefix(DIGEST_PREFIX)
