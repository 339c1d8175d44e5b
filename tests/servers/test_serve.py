"""Both planes in one event loop, and in a process of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.lowlevel
import httpx
import pytest
from mcp import Client
from mcp.types import CallToolResult

from astra_arena.core.errors import SettingsError
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle, open_server, start_server_process
from astra_arena.servers.serve import RunningServer, serve
from tests.servers.playing import BRIEF, control_client, open_one, serving, solve, text_of
from tests.servers.processes import descendants, wait_until_gone
from tests.servers.small_bundle import NAME, TASK
from tests.support.requirement import requirement

Serving: TypeAlias = tuple[RunningServer, httpx.AsyncClient]


async def test_a_taken_port_is_refused_before_anything_starts(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"{port}.*--port"):
            async with open_server([bundle], port=port, sandbox=sandbox):
                raise AssertionError
        with pytest.raises(SettingsError, match=f"{port}.*--control-port"):
            async with open_server([bundle], control_port=port, sandbox=sandbox):
                raise AssertionError


async def test_a_token_is_made_when_none_is_given_and_never_shown(bundle: Bundle) -> None:
    async with (
        open_server([bundle], sandbox=ScriptedSandbox({})) as first,
        open_server([bundle], sandbox=ScriptedSandbox({})) as second,
    ):
        assert len(first.token) >= 32
        assert first.token != second.token
        assert first.token not in repr(first)


async def test_leaving_ends_episodes_and_processes_and_frees_the_ports(bundle: Bundle) -> None:
    before = descendants(os.getpid())
    async with serving(bundle) as (running, control):
        for _ in range(3):
            await open_one(control)
        started = descendants(os.getpid()) - before
        port = int(running.addresses.mcp.rpartition(":")[2])
    assert started
    assert await anyio.to_thread.run_sync(wait_until_gone, started) == set()
    assert running.host.open_count == 0
    async with open_server([bundle], port=port, sandbox=ScriptedSandbox({})) as again:
        assert again.addresses.mcp == running.addresses.mcp


async def test_leaving_is_not_held_up_by_a_client_that_stays(bundle: Bundle) -> None:
    with anyio.fail_after(10):
        async with serving(bundle) as (_, control):
            episode = await open_one(control)
            # The older generation of clients holds a stream open for as long as it lives.
            client = Client(episode["mcp"], mode="legacy")
            await client.__aenter__()
            await client.list_tools()
        await client.__aexit__(None, None, None)


@asynccontextmanager
async def until_a_signal(bundle: Bundle, *, drain_seconds: float = 0.0) -> AsyncGenerator[Serving]:
    """Serve in this process until a signal arrives; the block must send one."""
    ready = anyio.Event()
    seen: list[RunningServer] = []

    def announce(running: RunningServer) -> None:
        seen.append(running)
        ready.set()

    async def serve_here() -> None:
        await serve(
            [bundle],
            port=0,
            control_port=0,
            limits=BRIEF,
            on_ready=announce,
            drain_seconds=drain_seconds,
        )

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(serve_here)
            await ready.wait()
            async with control_client(seen[0].addresses.control, seen[0].token) as control:
                yield seen[0], control


async def until_draining(control: httpx.AsyncClient) -> None:
    while (await control.get("/readyz")).status_code != 503:
        await anyio.lowlevel.checkpoint()


async def test_serving_ends_at_a_signal(bundle: Bundle) -> None:
    async with until_a_signal(bundle) as (_, control):
        assert (await control.get("/healthz")).json() == {"status": "ok"}
        os.kill(os.getpid(), signal.SIGTERM)


@requirement("servers:drain")
async def test_a_call_that_is_being_answered_when_a_signal_arrives_is_answered(
    bundle: Bundle,
) -> None:
    answers: list[CallToolResult] = []

    async def hang(client: Client) -> None:
        answers.append(await client.call_tool("misbehave", {"how": "hang"}))

    async with until_a_signal(bundle) as (running, control):
        episode = await open_one(control)
        async with Client(episode["mcp"]) as client, anyio.create_task_group() as group:
            group.start_soon(hang, client)
            while not running.host.get(episode["id"]).busy:
                await anyio.lowlevel.checkpoint()
            os.kill(os.getpid(), signal.SIGTERM)
            await until_draining(control)
            refused = await control.post("/episodes", json={"environment": NAME, "task": TASK})
            assert refused.status_code == 503
    assert [text_of(answer) for answer in answers] == ["the tool failed"]


@requirement("servers:drain")
async def test_open_episodes_may_be_played_on_while_the_server_drains(bundle: Bundle) -> None:
    async with until_a_signal(bundle, drain_seconds=25) as (_, control):
        episode = await open_one(control)
        os.kill(os.getpid(), signal.SIGTERM)
        await until_draining(control)
        async with Client(episode["mcp"]) as client:
            await solve(client)
        ended = (await control.delete(episode["control"])).json()
    assert ended["verdict"]["reward"] == 1.0


@requirement("servers:drain")
async def test_a_second_signal_ends_a_draining_server_at_once(bundle: Bundle) -> None:
    async with until_a_signal(bundle, drain_seconds=3600) as (_, control):
        await open_one(control)
        os.kill(os.getpid(), signal.SIGTERM)
        await until_draining(control)
        os.kill(os.getpid(), signal.SIGTERM)


async def test_a_server_process_serves_and_ends_with_its_block(bundle: Bundle) -> None:
    with start_server_process([bundle.path]) as server:
        async with control_client(server.addresses.control, server.token) as control:
            episode = await open_one(control)
            async with Client(episode["mcp"]) as client:
                await solve(client)
            closed = (await control.delete(f"/episodes/{episode['id']}")).json()
        family = {server.pid, *descendants(server.pid)}
    assert closed["verdict"]["reward"] == 1.0
    assert len(family) > 1
    assert wait_until_gone(family) == set()


def test_a_server_process_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="code 2"), start_server_process([tmp_path]):
        raise AssertionError


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_server_process_ends_with_whoever_started_it(bundle: Bundle, name: str) -> None:
    starter = (
        "import time\n"
        "from pathlib import Path\n"
        "from astra_arena.servers import start_server_process\n"
        f"with start_server_process([Path({str(bundle.path)!r})]) as server:\n"
        "    print(server.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE)
    assert process.stdout is not None
    server = int(process.stdout.readline())
    family = {server, *descendants(server)}
    process.send_signal(signal.Signals[name])
    process.wait()
    process.stdout.close()
    assert wait_until_gone(family) == set()


def test_a_killed_server_leaves_no_session_behind(bundle: Bundle) -> None:
    with start_server_process([bundle.path]) as server:
        headers = {"authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.addresses.control, headers=headers) as control:
            asked = {"environment": NAME, "task": bundle.tasks[0].id}
            for _ in range(3):
                assert control.post("/episodes", json=asked).status_code == 201
        children = descendants(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        started = time.monotonic()
    assert len(children) >= 4
    assert wait_until_gone(children) == set()
    assert time.monotonic() - started < 30
