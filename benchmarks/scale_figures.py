"""Many sessions, many bundles, branches: what the sandbox takes when a host is full."""

import asyncio
import shutil
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from os import getpid
from pathlib import Path

from astra_arena.sandbox import (
    DurableSession,
    ProcessSandbox,
    Program,
    RemoteSandbox,
    Session,
    Succeeded,
    open_branch,
)
from astra_arena.sandbox.tiers import base_interpreter
from benchmarks.figures import Figures, p50
from benchmarks.memory_figures import tree_mib
from benchmarks.sandbox_figures import fork_floor
from benchmarks.worker import running_worker

BRANCH_CALLS = 50

WRITE = """\
def write(world, *, text: str) -> dict:
    world.execute("INSERT INTO note (text) VALUES (?)", (text,))
    return {"count": world.execute("SELECT count(*) FROM note").fetchone()[0]}
"""

SCAN = """\
def scan(world, *, text: str) -> dict:
    cursor = world.execute("SELECT * FROM flights LIMIT 1")
    last = cursor.description[-1][0]
    return {"text": str(world.execute(f'SELECT total(length("{last}")) FROM flights').fetchone())}
"""
"""Touches every page of the world as `bundles.SCAN` does, in milliseconds: it runs 1,000 times."""


def write_program(folder: Path, number: int = 0) -> Program:
    """Return a small program that differs from those of other numbers."""
    world = folder / f"notes-{number}.sqlite"
    with closing(sqlite3.connect(world)) as connection, connection:
        connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        connection.execute("INSERT INTO note (text) VALUES (?)", (f"bundle {number}",))
    return Program(
        digest=f"benchmark:{number}",
        tools_py=f"NUMBER = {number}\n{WRITE}".encode(),
        tool_names=("write",),
        world_kind="sqlite",
        world_path=world,
        clock="2025-01-01T00:00:00Z",
    )


def cold_starts(figures: Figures, *, quick: bool) -> None:
    """Add what a process per session would cost before it has done anything."""
    python = [base_interpreter(), "-I", "-S", "-c", "pass"]
    ways = {"python -I -S": python}
    if bwrap := shutil.which("bwrap"):
        ways["bwrap python -I -S"] = [
            *(bwrap, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc"),
            *python,
        ]
    for name, command in ways.items():
        taken: list[float] = []
        for _ in range(5 if quick else 30):
            start = time.perf_counter()
            subprocess.run(command, check=True)
            taken.append(time.perf_counter() - start)
        figures.add(f"cold start of `{name}` p50", p50(taken) * 1e3, "ms")


async def live_sessions(figures: Figures, scan: Program, *, quick: bool) -> None:
    """Add start and memory of many sessions that have read the whole world."""
    count = 20 if quick else 1000
    scan = replace(scan, tools_py=SCAN.encode())
    async with ProcessSandbox() as sandbox:
        first = await sandbox.open_session(scan, seed=0)
        before = tree_mib(getpid())
        start = time.perf_counter()
        sessions = [await sandbox.open_session(scan, seed=seed) for seed in range(count)]
        seconds = time.perf_counter() - start
        for session in sessions:
            assert isinstance(await session.call("scan", {"text": "x"}), Succeeded)
        used = tree_mib(getpid()) - before
        await first.close()
    figures.add(f"{count:,} sessions started", seconds, "s", target="" if quick else "≤ 10 s")
    figures.add(
        f"{count:,} live sessions after a scan", used, "MiB", target="" if quick else "≤ 3,584 MiB"
    )


async def loaded_bundles(figures: Figures, folder: Path, *, quick: bool) -> None:
    """Add memory of environment servers without a session."""
    count = 10 if quick else 500
    programs = [write_program(folder, number) for number in range(1, count + 1)]
    before = tree_mib(getpid())
    async with ProcessSandbox(idle_environments=count) as sandbox:
        start = time.perf_counter()
        for program in programs:
            await (await sandbox.open_session(program, seed=0)).close()
        seconds = time.perf_counter() - start
        used = tree_mib(getpid()) - before
    figures.add(f"{count:,} bundles loaded", used, "MiB", target="" if quick else "≤ 3,072 MiB")
    figures.add("bundle load", seconds / count * 1e3, "ms")


async def call_rate(figures: Figures, echo: Program, *, quick: bool) -> None:
    """Add calls per second over many sessions at once."""
    calls = 20 if quick else 200

    async def work(session: Session) -> None:
        for _ in range(calls):
            await session.call("echo", {"text": "x"})

    async with ProcessSandbox() as sandbox:
        sessions = [await sandbox.open_session(echo, seed=seed) for seed in range(100)]
        await asyncio.gather(*(work(session) for session in sessions[:10]))
        start = time.perf_counter()
        await asyncio.gather(*(work(session) for session in sessions))
        rate = calls * len(sessions) / (time.perf_counter() - start)
    figures.add("calls over 100 sessions", rate, "1/s", target="≥ 6,000/s")


def bare_calls(program: Program) -> float:
    """Return the seconds that the calls of a branch take where nothing is in between."""
    scope: dict[str, object] = {}
    # Our own code, a few lines above; tool code of a bundle never runs in this process.
    exec(WRITE, scope)
    write = scope["write"]
    assert callable(write)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as world:
        world.deserialize(program.world_path.read_bytes())
        start = time.perf_counter()
        for number in range(BRANCH_CALLS):
            write(world, text=f"note {number}")
        return time.perf_counter() - start


async def branches(figures: Figures, folder: Path, *, quick: bool) -> None:
    """Add branches, by replay and live."""
    program = write_program(folder)
    own = p50([bare_calls(program) for _ in range(20)])
    times = 5 if quick else 100
    replayed = p50(await branch_times(program, times, live=False))
    figures.add(
        f"branch after {BRANCH_CALLS} calls p50, beyond the calls",
        (replayed - own) * 1e3,
        "ms",
        floor=own * 1e3,
        target="≤ 10 ms",
    )
    figures.add(
        f"live branch after {BRANCH_CALLS} calls p50",
        p50(await branch_times(program, times, live=True)) * 1e3,
        "ms",
        floor=p50(fork_floor(times)) * 1e3,
        target="≤ 5 ms",
    )


async def branch_times(program: Program, times: int, *, live: bool) -> list[float]:
    """Return the seconds that each of `times` branches took."""
    taken: list[float] = []
    async with ProcessSandbox(live_branches=live) as sandbox:
        session = DurableSession(sandbox, program, seed=0)
        for number in range(BRANCH_CALLS):
            await session.call("write", {"text": f"note {number}"})
        snapshot = await session.snapshot()
        for _ in range(times):
            start = time.perf_counter()
            branch = await open_branch(sandbox, snapshot)
            taken.append(time.perf_counter() - start)
            if (branch.branched == "live") is not live:
                raise RuntimeError(f"expected live={live}, got a branch by {branch.branched}")
            await branch.close()
    return taken


async def remote(figures: Figures, echo: Program, folder: Path, *, quick: bool) -> None:
    """Add a call and a session at a worker, beside the figures of the sandbox inside."""
    calls: list[float] = []
    starts: list[float] = []
    with running_worker(folder) as (address, token):
        async with RemoteSandbox([address], token=token) as sandbox:
            session = await sandbox.open_session(echo, seed=0)
            for _ in range(100 if quick else 2000):
                start = time.perf_counter()
                await session.call("echo", {"text": "x"})
                calls.append(time.perf_counter() - start)
            for _ in range(10 if quick else 100):
                start = time.perf_counter()
                other = await sandbox.open_session(echo, seed=0)
                starts.append(time.perf_counter() - start)
                await other.close()
    figures.add(
        "worker call p50", p50(calls) * 1e6, "us", floor=figures.rows["sandbox call p50"].value
    )
    figures.add(
        "worker session start p50",
        p50(starts) * 1e3,
        "ms",
        floor=figures.rows["session start p50"].value,
    )


async def measure(figures: Figures, echo: Program, scan: Program, *, quick: bool) -> None:
    """Add all of them."""
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as name:
        folder = Path(name)
        cold_starts(figures, quick=quick)
        await branches(figures, folder, quick=quick)
        await call_rate(figures, echo, quick=quick)
        await remote(figures, echo, folder, quick=quick)
        await live_sessions(figures, scan, quick=quick)
        await loaded_bundles(figures, folder, quick=quick)


def run(figures: Figures, echo: Program, scan: Program, *, quick: bool) -> None:
    """Add the figures of a full host."""
    asyncio.run(measure(figures, echo, scan, quick=quick))
