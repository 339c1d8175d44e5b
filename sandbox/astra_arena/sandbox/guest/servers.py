"""The base server and the environment servers, neither of which runs tool code.

The base server is executed once, loads the library and forks an environment server per program.
That one opens the world, has the tool code checked and compiled by a confined child, and forks a
confined child per session.
"""

import contextlib
import functools
import json
import os
import socket
from typing import Any, NoReturn

from astra_arena.sandbox.guest import confinement, determinism, library, privileges
from astra_arena.sandbox.guest.branching import BranchingServer, Forker, can_supervise
from astra_arena.sandbox.guest.forking import ForkServer, send_message
from astra_arena.sandbox.guest.frames import read_frame, send_frame
from astra_arena.sandbox.guest.policy import checked_code
from astra_arena.sandbox.guest.session import Session, SessionLimits, serve
from astra_arena.sandbox.guest.world import World
from astra_arena.sandbox.guest.worlds import opened_world

_CONTROL = 3
_CHECK_SECONDS = 20.0
_CHECK_MEMORY_MIB = 512
_LARGEST_CODE = 32 << 20


def serve_base(*, control: int, host: int) -> NoReturn:
    """Run the base server.

    Args:
        control: Descriptor of the control socket.
        host: Process id of the host.
    """
    os.dup2(control, _CONTROL, inheritable=False)
    os.closerange(_CONTROL + 1, control + 1)
    channel = socket.socket(fileno=_CONTROL)
    library.preload()
    privileges.keep_server_capabilities()
    confinement.confine_server(parent=host)
    determinism.install()
    confinement.freeze_memory()
    # Until here the host reads what goes wrong; from here on nobody does.
    os.dup2(1, 2)
    send_message(channel, {"id": 0, "ready": True})
    ForkServer(channel, functools.partial(_environment, os.getpid())).run()


def _environment(parent: int, setup: dict[str, Any], fds: list[int]) -> NoReturn:
    """Run an environment server; `fds` are its control socket, the world and the tool code."""
    if "seccomp" in setup["tier"].split("+"):
        privileges.become_nobody()
    # After the change of user, which makes the kernel forget who the parent is.
    confinement.confine_server(parent=parent)
    control = socket.socket(fileno=fds[0])
    try:
        layers = confinement.Layers.prepared(
            setup["tier"],
            keeps_ctypes=setup["any_import"],
            branching=setup["live_branches"] and can_supervise(),
        )
    except OSError as error:
        text = f"tier {setup['tier']!r} cannot be had: {error}"
        send_message(control, {"id": 0, "error": text})
        os._exit(0)
    try:
        determinism.set_clock(setup["clock"])
        world = opened_world(setup["world_kind"], _content(fds[1]))
    except (ValueError, RecursionError, MemoryError, OSError) as error:
        text = f"the world cannot be opened: {type(error).__name__}: {error}"
        send_message(control, {"id": 0, "error": text})
        os._exit(0)
    source = _content(fds[2])
    os.close(fds[1])
    os.close(fds[2])
    findings, code = _checked_apart(source, setup, layers)
    confinement.freeze_memory()
    environment = _Environment(setup, world, code, layers)
    branching = layers.branching is not None
    if branching:
        confinement.raise_open_files()
    send_message(control, {"id": 0, "ready": True, "findings": findings, "branching": branching})
    server = BranchingServer if branching else ForkServer
    server(control, environment.spawn).run()


class _Environment:
    """What a session starts from."""

    def __init__(
        self, setup: dict[str, Any], world: World, code: bytes, layers: confinement.Layers
    ) -> None:
        self._layers = layers
        self._pid = os.getpid()
        self._world = world
        self._code = code
        self._limits = SessionLimits(setup["cpu_seconds"], setup["reply_bytes"], setup["sql_steps"])
        self._address_space = confinement.session_address_space(
            base=confinement.address_space_bytes(), world=world.size, memory_mib=setup["memory_mib"]
        )

    def spawn(self, request: dict[str, Any], fds: list[int]) -> NoReturn:
        """Become a session; `fds` holds its channel, and what it hands its server if it can."""
        forker = Forker() if self._layers.branching is not None else None
        channel = confinement.confine_session(
            socket.socket(fileno=fds[0]),
            parent=self._pid,
            address_space=self._address_space,
            layers=self._layers,
            handoff=fds[1] if forker is not None else None,
        )
        # From here on whatever ends this process is the tool code's doing.
        send_frame(channel, b'{"id":0,"ok":{}}')
        session = Session(self._world, self._limits)
        session.load(self._code, key=bytes.fromhex(request["key"]))
        serve(channel, session, forker)


def _checked_apart(
    source: bytes, setup: dict[str, Any], layers: confinement.Layers
) -> tuple[list[str], bytes]:
    """Have the tool code checked and compiled by a confined child."""
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _check(theirs, parent, source, setup, layers)
        finally:
            os._exit(1)
    theirs.close()
    try:
        return _verdict(ours)
    except (OSError, ValueError):
        return ["tools.py:0: the parser ended or took too long"], b""
    finally:
        ours.close()
        with contextlib.suppress(OSError):
            os.kill(pid, 9)
        os.waitpid(pid, 0)


def _check(
    channel: socket.socket,
    parent: int,
    source: bytes,
    setup: dict[str, Any],
    layers: confinement.Layers,
) -> None:
    space = confinement.session_address_space(
        base=confinement.address_space_bytes(), world=len(source), memory_mib=_CHECK_MEMORY_MIB
    )
    channel = confinement.confine_session(
        channel, parent=parent, address_space=space, layers=layers
    )
    findings, code = checked_code(
        source,
        functions=setup["functions"],
        any_import=setup["any_import"],
        sqlite=setup["world_kind"] == "sqlite" and not setup["any_import"],
    )
    send_frame(channel, json.dumps(findings).encode("ascii"))
    read_frame(channel)
    send_frame(channel, code)


def _verdict(channel: socket.socket) -> tuple[list[str], bytes]:
    channel.settimeout(_CHECK_SECONDS)
    findings = read_frame(channel, largest=_LARGEST_CODE)
    send_frame(channel, b"")
    code = read_frame(channel, largest=_LARGEST_CODE)
    if findings is None or code is None:
        raise ValueError("the parser ended")
    return json.loads(findings), code


def _content(fd: int) -> bytes:
    os.lseek(fd, 0, os.SEEK_SET)
    with os.fdopen(os.dup(fd), "rb") as file:
        return file.read()
