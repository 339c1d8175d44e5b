"""Processes of the sandbox: what starts, what is kept, what ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from astra_arena.core.errors import PolicyError, SandboxUnavailableError
from astra_arena.sandbox import Broke, Limits, ProcessSandbox, Sandbox, Succeeded
from astra_arena.sandbox.tiers import probe_tiers
from tests.sandbox.programs import program_of, session_of
from tests.support.requirement import requirement

ECHO = "def echo(db, *, x): return {'x': x}\n"

KILL_SERVER = """
import os, signal
def kill_parent(db):
    os.kill(os.getppid(), signal.SIGKILL)
    while True: pass
"""


def descendants(pid: int) -> set[int]:
    """The live processes below `pid`."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        path = Path(f"/proc/{current}/task/{current}/children")
        try:
            children = {int(child) for child in path.read_text(encoding="ascii").split()}
        except OSError:
            continue
        found |= children
        waiting += children
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


async def until_gone(*pids: int) -> None:
    async with asyncio.timeout(10):
        while any(is_alive(pid) for pid in pids):
            await asyncio.sleep(0.01)


async def test_the_sandbox_keeps_its_contract_and_names_its_tier() -> None:
    sandbox: Sandbox = ProcessSandbox()
    assert sandbox.tier == probe_tiers().tier
    await sandbox.close()


async def test_nothing_starts_before_the_first_session(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    async with ProcessSandbox(tier="seccomp") as sandbox:
        assert descendants(os.getpid()) == before
        await sandbox.open_session(program_of(tmp_path, ECHO), seed=1)
        assert len(descendants(os.getpid()) - before) == 3


async def test_sessions_of_one_program_share_a_server(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    async with ProcessSandbox(tier="seccomp") as sandbox:
        program = program_of(tmp_path, ECHO)
        await asyncio.gather(*(sandbox.open_session(program, seed=n) for n in range(5)))
        assert len(descendants(os.getpid()) - before) == 7


async def test_idle_servers_beyond_the_cap_end(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    async with ProcessSandbox(tier="seccomp", idle_environments=1) as sandbox:
        for number in range(4):
            program = program_of(tmp_path, ECHO, digest=f"sha256:{number}")
            session = await sandbox.open_session(program, seed=1)
            await session.close()
        started = descendants(os.getpid()) - before
        async with asyncio.timeout(10):
            while len(started) > 3:
                await asyncio.sleep(0.01)
                started = descendants(os.getpid()) - before


@requirement("servers:eviction")
async def test_a_server_without_sessions_ends_after_a_while_and_comes_back(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    async with ProcessSandbox(tier="seccomp", idle_seconds=0.1) as sandbox:
        program = program_of(tmp_path, ECHO)
        kept = await sandbox.open_session(program_of(tmp_path, ECHO, digest="sha256:kept"), seed=1)
        session = await sandbox.open_session(program, seed=1)
        await session.close()
        async with asyncio.timeout(10):
            # The base server, the environment server in use and its session stay.
            while len(descendants(os.getpid()) - before) > 3:
                await asyncio.sleep(0.01)
        again = await sandbox.open_session(program, seed=1)
        assert await again.call("echo", {"x": 1}) == Succeeded({"x": 1})
        assert await kept.call("echo", {"x": 2}) == Succeeded({"x": 2})


@requirement("sandbox:no-orphans")
async def test_closing_ends_every_process(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    sandbox = ProcessSandbox()
    session = await sandbox.open_session(program_of(tmp_path, ECHO), seed=1)
    await sandbox.close()
    assert descendants(os.getpid()) == before
    with pytest.raises(SandboxUnavailableError):
        await session.call("echo", {"x": 1})
    with pytest.raises(SandboxUnavailableError):
        await sandbox.open_session(program_of(tmp_path, ECHO), seed=1)
    await sandbox.close()


@requirement("sandbox:one-child-per-session")
async def test_closing_a_session_ends_its_process_only(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        program = program_of(tmp_path, ECHO)
        one = await sandbox.open_session(program, seed=1)
        two = await sandbox.open_session(program, seed=1)
        await one.close()
        await one.close()
        await until_gone(one.pid)
        assert await two.call("echo", {"x": 1}) == Succeeded({"x": 1})


@pytest.mark.parametrize("level", ["base", "environment"])
async def test_a_killed_server_is_replaced_by_the_next_session(tmp_path: Path, level: str) -> None:
    before = descendants(os.getpid())
    async with ProcessSandbox(tier="seccomp") as sandbox:
        program = program_of(tmp_path, ECHO)
        session = await sandbox.open_session(program, seed=1)
        started = descendants(os.getpid()) - before
        (base,) = (pid for pid in started if len(descendants(pid)) == 2)
        (environment,) = descendants(base) - {session.pid}
        os.kill(base if level == "base" else environment, signal.SIGKILL)
        await until_gone(environment, session.pid)
        with pytest.raises(SandboxUnavailableError):
            await session.call("echo", {"x": 1})
        again = await sandbox.open_session(program, seed=1)
        assert await again.call("echo", {"x": 1}) == Succeeded({"x": 1})


HOST = """
import asyncio, sys
from pathlib import Path
from astra_arena.sandbox import ProcessSandbox
from tests.sandbox.programs import program_of

CODE = '''
import os, signal
def leave_children(db):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True: signal.pause()
        while True: signal.pause()
    return {}
def hang(db):
    while True: pass
'''

async def main():
    sandbox = ProcessSandbox(tier="unsafe", import_policy="any")
    program = program_of(Path(sys.argv[1]), CODE)
    one = await sandbox.open_session(program, seed=1)
    await one.call("leave_children", {})
    two = await sandbox.open_session(program, seed=1)
    asyncio.ensure_future(two.call("hang", {}))
    await asyncio.sleep(0.05)
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@requirement("sandbox:no-orphans")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_killed_host_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"ready\n"
    below = descendants(host.pid)
    assert len(below) >= 6
    host.send_signal(number)
    host.wait()
    await until_gone(*below)


async def test_children_that_tool_code_leaves_behind_end_with_their_session(tmp_path: Path) -> None:
    code = """
import os, signal
def daemon(db):
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, str(os.getpid()).encode())
            while True: signal.pause()
        os._exit(0)
    return {"pid": int(os.read(read, 100))}
"""
    async with ProcessSandbox(tier="unsafe", import_policy="any") as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, code), seed=1)
        execution = await session.call("daemon", {})
        assert isinstance(execution, Succeeded)
        pid = execution.result["pid"]
        assert isinstance(pid, int)
        assert is_alive(pid)
        await session.close()
        await until_gone(pid)


@requirement("sandbox:never-void")
async def test_a_tool_that_kills_its_server_is_broken_not_unavailable(tmp_path: Path) -> None:
    async with ProcessSandbox(tier="unsafe", import_policy="any") as sandbox:
        program = program_of(tmp_path, KILL_SERVER)
        for _ in range(3):
            session = await sandbox.open_session(program, seed=1)
            execution = await session.call("kill_parent", {})
            assert isinstance(execution, Broke)
            assert (execution.kind, execution.session_lost) == ("crashed", True)


async def test_a_session_that_dies_between_calls_is_broken_not_unavailable(tmp_path: Path) -> None:
    async with session_of(tmp_path, ECHO) as session:
        assert await session.call("echo", {"x": 1}) == Succeeded({"x": 1})
        os.kill(session.pid, signal.SIGKILL)
        await until_gone(session.pid)
        execution = await session.call("echo", {"x": 1})
        assert isinstance(execution, Broke)
        assert execution.kind == "crashed"


async def test_a_cancelled_call_loses_the_session(tmp_path: Path) -> None:
    code = "def hang(db):\n    while True: pass\n"
    async with session_of(tmp_path, code) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.call("hang", {})
        await until_gone(session.pid)
        with pytest.raises(SandboxUnavailableError):
            await session.call("hang", {})


async def test_required_packages_are_refused_before_anything_starts(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        with pytest.raises(PolicyError) as refusal:
            await sandbox.open_session(program_of(tmp_path, ECHO, requires=("numpy==2",)), seed=1)
        assert refusal.value.findings == ("requires 'numpy==2'",)


async def test_a_refused_program_leaves_no_server(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    async with ProcessSandbox(tier="seccomp") as sandbox:
        with pytest.raises(PolicyError) as refusal:
            await sandbox.open_session(program_of(tmp_path, "def echo(db:\n"), seed=1)
        assert refusal.value.findings[0].startswith("tools.py:1:")
        async with asyncio.timeout(10):
            while len(descendants(os.getpid()) - before) > 1:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("content", [None, b"this is no database, but text of some length" * 99])
async def test_a_world_that_cannot_be_opened_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    program = program_of(tmp_path, ECHO)
    program.world_path.unlink()
    if content is not None:
        program.world_path.write_bytes(content)
    async with ProcessSandbox() as sandbox:
        with pytest.raises(SandboxUnavailableError, match="world"):
            await sandbox.open_session(program, seed=1)


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false"])
async def test_an_interpreter_that_does_not_start_is_unavailable(
    tmp_path: Path, python: str
) -> None:
    async with ProcessSandbox(python=python) as sandbox:
        with pytest.raises(SandboxUnavailableError):
            await sandbox.open_session(program_of(tmp_path, ECHO), seed=1)


async def test_the_interpreter_of_a_virtual_environment_will_do(tmp_path: Path) -> None:
    code = "import sys\ndef path(db): return {'path': sys.path, 'modules': sorted(sys.modules)}\n"
    async with ProcessSandbox(python=sys.executable, import_policy="any") as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, code), seed=1)
        execution = await session.call("path", {})
        assert isinstance(execution, Succeeded)
        assert "site-packages" not in str(execution.result["path"])
        assert "astra_arena" not in str(execution.result["path"])


@requirement("sandbox:tiers:no-fallback")
async def test_elsewhere_than_on_linux_the_container_image_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailableError, match="container image"):
        await ProcessSandbox().open_session(program_of(tmp_path, ECHO), seed=1)


async def test_two_calls_at_once_are_the_callers_mistake(tmp_path: Path) -> None:
    async with session_of(tmp_path, ECHO) as session:
        calls = (session.call("echo", {"x": n}) for n in range(2))
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(r) for r in results] == [Succeeded, RuntimeError]


def test_it_runs_under_uvloop(tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def work() -> None:
        limits = Limits(call_seconds=0.5)
        async with session_of(tmp_path, ECHO + KILL_SERVER, limits=limits) as session:
            for number in range(3):
                assert await session.call("echo", {"x": number}) == Succeeded({"x": number})
            assert isinstance(await session.call("kill_parent", {}), Broke)

    uvloop.run(work())


async def test_a_call_takes_microseconds_and_a_session_milliseconds(tmp_path: Path) -> None:
    # Wide of the real figures by far; a change of the mechanism would still show.
    async with ProcessSandbox() as sandbox:
        program = program_of(tmp_path, ECHO)
        session = await sandbox.open_session(program, seed=1)
        started = time.perf_counter()
        for number in range(200):
            await session.call("echo", {"x": number})
        assert (time.perf_counter() - started) / 200 < 0.02
