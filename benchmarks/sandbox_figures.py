"""Session starts and calls through the sandbox alone, beside a bare fork and a bare echo."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from astra_arena.sandbox import ProcessSandbox, Program
from benchmarks.figures import Figures, p50, percentile

_ECHO = """
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
while data := s.recv(65536):
    s.sendall(data)
"""


_FORK = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    read, write = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.write(write, b"x")
        os._exit(0)
    os.read(read, 1)
    print(time.perf_counter() - start)
    os.waitpid(child, 0)
    os.close(read)
    os.close(write)
"""


async def timed(
    times: int, once: Callable[[], Awaitable[object]], *, warm_up: int = 5
) -> list[float]:
    """Return the seconds that each of `times` awaits took."""
    for _ in range(warm_up):
        await once()
    taken: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        await once()
        taken.append(time.perf_counter() - start)
    return taken


def fork_floor(times: int) -> list[float]:
    """Return the seconds of bare forks of a bare Python, until the child has said a byte."""
    command = [sys.executable, "-I", "-S", "-c", _FORK, str(times)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [float(line) for line in said.split()]


def echo_floor(times: int) -> list[float]:
    """Return the seconds of an echo between two Pythons over a socket pair."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-S", "-c", _ECHO, str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    theirs.close()
    message = b'{"id":1,"tool":"echo","arguments":{"text":"x"}}'
    taken: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        ours.sendall(message)
        ours.recv(65536)
        taken.append(time.perf_counter() - start)
    ours.close()
    process.wait()
    return taken


def function_floor(times: int) -> list[float]:
    """Return the seconds of calling the echo tool's function in this process."""

    def echo(world: object, *, text: str) -> dict[str, str]:
        return {"text": text}

    taken: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        echo(None, text="x")
        taken.append(time.perf_counter() - start)
    return taken


async def measure(figures: Figures, echo: Program, flights: Program, *, quick: bool) -> None:
    """Add the sandbox's figures."""
    starts, calls = (20, 200) if quick else (200, 3000)
    forks, echoes = fork_floor(starts), echo_floor(calls)
    async with ProcessSandbox() as sandbox:

        async def start_session() -> None:
            session = await sandbox.open_session(flights, seed=0)
            await session.close()

        taken = await timed(starts, start_session)
        figures.add(
            "session start p50", p50(taken) * 1e3, "ms", floor=p50(forks) * 1e3, target="≤ 5 ms"
        )
        figures.add(
            "session start p99",
            percentile(taken, 0.99) * 1e3,
            "ms",
            floor=percentile(forks, 0.99) * 1e3,
        )
        session = await sandbox.open_session(echo, seed=0)
        taken = await timed(calls, lambda: session.call("echo", {"text": "x"}))
        await session.close()
    figures.add(
        "sandbox call p50", p50(taken) * 1e6, "us", floor=p50(echoes) * 1e6, target="≤ 120 us"
    )
    plain = p50(function_floor(calls)) * 1e6
    figures.add("sandbox call p50 vs function", p50(taken) * 1e6, "us", floor=plain)
    figures.add(
        "sandbox call p99",
        percentile(taken, 0.99) * 1e6,
        "us",
        floor=percentile(echoes, 0.99) * 1e6,
    )


def run(figures: Figures, echo: Program, flights: Program, *, quick: bool) -> None:
    """Add the sandbox's figures."""
    asyncio.run(measure(figures, echo, flights, quick=quick))
