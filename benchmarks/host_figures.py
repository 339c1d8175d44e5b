"""One server process that holds many environments and episodes, and one that has seen many go.

Memory is that of the server's own process; what sessions take is measured with the sandbox.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from astra_arena.servers import Bundle, ServerProcess, start_server_process
from benchmarks.bundles import write_echo
from benchmarks.figures import Figures
from benchmarks.lean_client import LeanConnection, call_request, connect
from benchmarks.memory_figures import process_tree
from benchmarks.processes import open_descriptors, resident_mib

ENVIRONMENTS = 500
EPISODES = 2_000
TURNOVER = 10_000
AT_ONCE = 16

_SETTLING_SECONDS = 2


class LeanHarness:
    """Opens, plays and closes episodes on one connection to each plane."""

    def __init__(self, server: ServerProcess, control: LeanConnection, mcp: LeanConnection) -> None:
        self._token = server.token
        self._control = control
        self._mcp = mcp

    def _request(self, method: str, path: str, body: bytes = b"") -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self._token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def play(self, environment: str, *, close: bool) -> None:
        """Open an episode, make one call, and close it or leave it open."""
        asked = json.dumps({"environment": environment, "task": "t1"}).encode()
        opened = json.loads(await self._control.send(self._request("POST", "/episodes", asked)))
        await self._mcp.calls(call_request(opened["mcp"], "echo", {"text": "x"}), 1)
        if close:
            await self._control.send(self._request("DELETE", f"/episodes/{opened['id']}"))


async def _play(server: ServerProcess, environments: Sequence[str], *, close: bool) -> None:
    """Play one episode of each environment named, several at once."""
    waiting = iter(environments)

    async def work() -> None:
        control, mcp = await connect(server.addresses.control), await connect(server.addresses.mcp)
        harness = LeanHarness(server, control, mcp)
        for environment in waiting:
            await harness.play(environment, close=close)
        control.close()
        mcp.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def many(figures: Figures, folder: Path, *, quick: bool) -> None:
    """Add the memory of a server that holds many environments with many episodes."""
    environments, episodes = (10, 40) if quick else (ENVIRONMENTS, EPISODES)
    names = [f"echo-{number}" for number in range(environments)]
    bundles = [write_echo(folder, name=name) for name in names]
    with start_server_process([bundle.path for bundle in bundles]) as server:
        started = resident_mib(server.pid)
        await _play(server, names, close=True)
        before = resident_mib(server.pid)
        await _play(server, names * (episodes // environments), close=False)
        used = resident_mib(server.pid) - before
    figures.add(f"server with {environments} environments", started, "MiB")
    figures.add(
        f"server's memory per episode, {episodes:,} live",
        used / episodes,
        "MiB",
        target="≤ 0.3 MiB",
    )


async def turnover(figures: Figures, echo: Bundle, *, quick: bool) -> None:
    """Add what is left behind by many episodes that came and went."""
    count = 50 if quick else TURNOVER
    with start_server_process([echo.path]) as server:
        # Ended episodes are remembered up to a bound, which is reached first.
        await _play(server, [echo.name] * (count // 5), close=True)
        memory, held, family = await _settled(server, quick=quick)
        await _play(server, [echo.name] * count, close=True)
        after, still_held, still_family = await _settled(server, quick=quick)
    name = f"left by {count:,} episodes"
    figures.add(f"memory {name}", after - memory, "MiB")
    figures.add(f"descriptors {name}", still_held - held, "")
    figures.add(f"processes {name}", still_family - family, "")


async def _settled(server: ServerProcess, *, quick: bool) -> tuple[float, int, int]:
    """Return memory, descriptors and processes once what was closed has gone."""
    await asyncio.sleep(0.1 if quick else _SETTLING_SECONDS)
    family = len(list(process_tree(server.pid)))
    return resident_mib(server.pid), open_descriptors(server.pid), family


def run(figures: Figures, echo: Bundle, folder: Path, *, quick: bool) -> None:
    """Add all of them."""

    async def measure() -> None:
        await many(figures, folder, quick=quick)
        await turnover(figures, echo, quick=quick)

    asyncio.run(measure())
