"""Both planes in one event loop, and in a process of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import anyio
import httpx
import pytest
from mcp import Client

from astra_arena.core.errors import SettingsError
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle, open_server, start_server_process
from astra_arena.servers.serve import RunningServer, serve
from tests.servers.playing import control_client, open_one, serving, solve
from tests.servers.processes import descendants, wait_until_gone
from tests.servers.small_bundle import NAME


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


async def test_serving_ends_at_a_signal(bundle: Bundle) -> None:
    ready = anyio.Event()
    seen: list[RunningServer] = []

    def announce(running: RunningServer) -> None:
        seen.append(running)
        ready.set()

    async def serve_here() -> None:
        await serve([bundle], port=0, control_port=0, on_ready=announce)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(serve_here)
            await ready.wait()
            async with httpx.AsyncClient() as client:
                health = await client.get(f"{seen[0].addresses.control}/healthz")
            assert health.json() == {"status": "ok"}
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
