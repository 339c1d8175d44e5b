"""Memory of live episodes: the whole process tree's share, after each has scanned the flights.

The floor is a bare Python that opens the same world and forks children that scan it.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from astra_arena.client import open_control_client
from astra_arena.servers import Bundle, start_server_process
from benchmarks.figures import Figures

MODE = "2026-07-28"


def process_tree(root: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, [])


def tree_mib(root: int) -> float:
    """Return proportional memory plus page tables of a process tree, in MiB."""
    total = 0
    for pid in process_tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        total += _kib(rollup, "Pss:") + _kib(status, "VmPTE:")
    return total / 1024


def _kib(text: str, field: str) -> int:
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(field)), 0)


_FORKS = """
import gc, os, sqlite3, sys
world = sqlite3.connect(":memory:")
world.deserialize(open(sys.argv[1], "rb").read())
world.execute("PRAGMA cache_size=16")
gc.freeze()
for _ in range(int(sys.argv[2])):
    told, tell = os.pipe()
    if os.fork() == 0:
        for row in world.execute("SELECT * FROM flights ORDER BY rowid"):
            pass
        os.write(tell, b"x")
        sys.stdin.read()
        os._exit(0)
    os.read(told, 1)
print("ready", flush=True)
sys.stdin.read()
"""


def floor_mib(world: Path, count: int) -> float:
    """Return the memory of a forked child that has scanned the world, in MiB."""
    sizes: list[float] = []
    for children in (1, 1 + count):
        command = [sys.executable, "-I", "-S", "-c", _FORKS, str(world), str(children)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            sizes.append(tree_mib(process.pid))
            process.stdin.close()
    return (sizes[1] - sizes[0]) / count


async def measure(figures: Figures, scan: Bundle, *, quick: bool) -> None:
    """Add memory per live episode."""
    count = 10 if quick else 100
    with start_server_process([scan.path]) as server:
        async with AsyncExitStack() as stack:
            connecting = open_control_client(server.addresses.control, server.token)
            control = await stack.enter_async_context(connecting)
            http = await stack.enter_async_context(httpx2.AsyncClient(timeout=60))

            async def live_episode() -> None:
                opened = await control.open_episode(scan.name, scan.tasks[0].id)
                transport = streamable_http_client(opened.mcp, http_client=http)
                async with Client(transport, mode=MODE) as client:
                    result = await client.call_tool("scan", {"text": "x"})
                    assert not result.is_error

            await live_episode()
            before = tree_mib(server.pid)
            for _ in range(count):
                await live_episode()
            after = tree_mib(server.pid)
    figures.add(
        "memory per live episode",
        (after - before) / count,
        "MiB",
        floor=floor_mib(scan.path / "world.sqlite", count),
        target="≤ 3.5 MiB",
    )


def run(figures: Figures, scan: Bundle, *, quick: bool) -> None:
    """Add the memory figures."""
    anyio.run(lambda: measure(figures, scan, quick=quick))
