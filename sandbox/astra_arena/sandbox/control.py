"""Requests to a server of ours, each of which forks a child of it; carries descriptors."""

import asyncio
import contextlib
import functools
import os
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import msgspec

from astra_arena.sandbox.wire import WireError

_MESSAGE = 65536
_MOST_DESCRIPTORS = 4


class ServerMessage(msgspec.Struct, forbid_unknown_fields=True):
    """What a server says on its control channel."""

    id: int | None = None
    """The request that this answers; 0 for the start."""
    ready: bool = False
    findings: tuple[str, ...] = ()
    branching: bool = False
    """Whether its sessions may branch."""
    error: str | None = None
    pid: int | None = None
    """The child that was forked."""
    exit: int | None = None
    """The child that ended, of its own accord or not."""
    status: int = 0


_SERVER_MESSAGE = msgspec.json.Decoder(ServerMessage)


class Forked:
    """A child of a server, as the host knows it."""

    def __init__(
        self,
        pid: int,
        handle: int | None,
        exited: asyncio.Future[int | None],
        *,
        end: Callable[[], None],
        number: int,
    ) -> None:
        """Build the host's view of a child.

        Args:
            pid: Its process id.
            number: What its server calls it, which may be in another namespace.
            handle: Its pidfd; `None` from a kernel without them, like gVisor's.
            exited: See the attribute.
            end: Asks its server to end it, which is what is left without a handle: a number
                may be another process's by the time that a signal arrives.
        """
        self.pid = pid
        self.number = number
        self.exited = exited
        """Its exit status; `None` if its server ended first."""
        self._handle = handle
        self._end = end
        self._killed = False

    def kill(self) -> None:
        """End the process; killing twice is harmless."""
        if self._killed:
            return
        self._killed = True
        if self._handle is None:
            self._end()
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        os.close(self._handle)


class ControlChannel:
    """Requests to a server of ours: each forks a child of it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.ended = False
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[ServerMessage] = self._loop.create_future()
        self._pending: dict[int, asyncio.Future[Forked]] = {}
        self._exits: dict[int, asyncio.Future[int | None]] = {}
        self._last_id = 0
        # A full socket buffer would refuse a request; so many always fit.
        self._turns = asyncio.Semaphore(16)
        self._loop.add_reader(sock.fileno(), self._read)

    async def started(self, *, timeout_s: float) -> ServerMessage:
        """Wait for the server to be ready.

        Raises:
            WireError: if it ended, said that it failed or took too long.
        """
        async with _deadline(timeout_s, "the server did not start in time"):
            message = await asyncio.shield(self._started)
        if message.error is not None:
            raise WireError(message.error)
        return message

    async def fork(
        self,
        request: dict[str, object],
        fds: Sequence[int],
        *,
        timeout_s: float,
        sent: Callable[[], Awaitable[None]] | None = None,
    ) -> Forked:
        """Have the server fork a child with `fds`.

        Args:
            request: What the server needs to know.
            fds: What the child gets.
            timeout_s: When to give up.
            sent: What is to be done when the request is on its way.

        Raises:
            WireError: if the server ended, could not fork or took too long.
        """
        async with self._turns, _deadline(timeout_s, "the server did not answer in time"):
            if self.ended:
                raise WireError("the server ended")
            self._last_id += 1
            number = self._last_id
            answer = self._pending[number] = self._loop.create_future()
            try:
                body = msgspec.json.encode({**request, "id": number})
                socket.send_fds(self._sock, [body], fds)
                if sent is not None:
                    await sent()
                return await answer
            except OSError as error:
                raise WireError(f"the server ended ({error})") from error
            except BaseException:
                _discard(answer)
                raise
            finally:
                if self._pending.pop(number, None) is not None and "branch" in request:
                    self._say({"revoke": number})

    def close(self) -> None:
        """End the channel; the server then ends itself and its children."""
        if self.ended:
            return
        self.ended = True
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for waiter in [self._started, *self._pending.values()]:
            if not waiter.done():
                waiter.set_exception(WireError("the server ended"))
        # Whoever waits for the start has its reference; nobody else will ask.
        self._started.exception()
        for exited in self._exits.values():
            if not exited.done():
                exited.set_result(None)
        self._exits.clear()

    def _end_child(self, pid: int) -> None:
        # A server that cannot be asked ends with its children.
        self._say({"kill": pid})

    def _say(self, message: dict[str, int]) -> None:
        with contextlib.suppress(OSError):
            self._sock.send(msgspec.json.encode(message))

    def _read(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(
                self._sock, _MESSAGE, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        try:
            message = _SERVER_MESSAGE.decode(data)
        except msgspec.MsgspecError:
            _close_all(fds)
            self.close()
            return
        self._take(message, fds)

    def _take(self, message: ServerMessage, fds: list[int]) -> None:
        if message.exit is not None:
            exited = self._exits.pop(message.exit, None)
            if exited is not None and not exited.done():
                exited.set_result(message.status)
        elif message.id == 0 and not self._started.done():
            self._started.set_result(message)
        elif message.id is not None:
            self._answer(message.id, message, fds)
            return
        _close_all(fds)

    def _answer(self, number: int, message: ServerMessage, fds: list[int]) -> None:
        waiter = self._pending.pop(number, None)
        if message.pid is None or len(fds) > 1:
            _close_all(fds)
            if waiter is not None and not waiter.done():
                waiter.set_exception(WireError(message.error or "the server answered nonsense"))
            return
        exited = self._exits[message.pid] = self._loop.create_future()
        handle = fds[0] if fds else None
        pid = message.pid if handle is None else _pid_here(handle) or message.pid
        end = functools.partial(self._end_child, message.pid)
        forked = Forked(pid, handle, exited, end=end, number=message.pid)
        if waiter is None or waiter.done():
            forked.kill()
        else:
            waiter.set_result(forked)


def _discard(answer: asyncio.Future[Forked]) -> None:
    """End a child that came when nobody wanted it any more."""
    if answer.done() and not answer.cancelled() and answer.exception() is None:
        answer.result().kill()


@contextlib.asynccontextmanager
async def _deadline(timeout_s: float, what: str) -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise WireError(what, late=True) from None


def _pid_here(handle: int) -> int:
    """Return the number of a process in our namespace; the server's may count its own."""
    try:
        with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as facts:
            (told,) = (line for line in facts if line.startswith("Pid:"))
        return max(0, int(told.partition(":")[2]))
    except (OSError, ValueError):
        return 0


def _close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
