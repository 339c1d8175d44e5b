"""A durable session: broken calls are tried again, committed ones survive."""

from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox import (
    Broke,
    Delivery,
    DurableSession,
    Execution,
    Failed,
    Limits,
    ProcessSandbox,
    ScriptedSandbox,
    Succeeded,
)
from tests.sandbox.programs import program_of
from tests.support.requirement import requirement

BROKEN = Broke("raised", "KeyError", session_lost=False)
CRASHED = Broke("crashed", "gone", session_lost=True)

CODE = """
import os, random, signal
def add(db, *, name):
    db.execute("INSERT INTO thing VALUES (?)", (name,))
    return {"count": db.execute("SELECT count(*) FROM thing").fetchone()[0], "r": random.random()}
def names(db): return {"names": [r[0] for r in db.execute("SELECT name FROM thing ORDER BY rowid")]}
def refuse(db): raise LookupError("no")
def add_and_die(db):
    add(db, name="lost")
    os.kill(os.getpid(), signal.SIGKILL)
def add_and_hang(db):
    add(db, name="lost")
    while True: pass
def exhaust(db):
    held = []
    while True: held.append(bytearray(1 << 20))
def kill_the_server(db):
    os.kill(os.getppid(), signal.SIGKILL)
    while True: pass
def kill_the_base(db):
    with open(f"/proc/{os.getppid()}/stat") as stat:
        base = int(stat.read().rpartition(") ")[2].split()[1])
    os.kill(base, signal.SIGKILL)
    while True: pass
def later(db):
    import threading
    threading.Timer(0.0, os._exit, [7]).start()
    return {}
calls = []
def remember(db):
    calls.append(1)
    return {"calls": len(calls)}
"""


def scripted(*executions: Execution) -> ScriptedSandbox:
    """A sandbox that answers the calls in turn."""
    waiting = list(executions)

    def reply(tool: str, arguments: JsonObject) -> Execution:
        return waiting.pop(0)

    return ScriptedSandbox(reply)


def durable(sandbox: ScriptedSandbox, folder: Path) -> DurableSession:
    return DurableSession(sandbox, program_of(folder, CODE), seed=1, read_only=frozenset({"names"}))


@requirement("sandbox:recovery")
async def test_a_call_that_broke_once_is_recovered_on_a_rebuilt_world(tmp_path: Path) -> None:
    sandbox = scripted(Succeeded({"n": 1}), CRASHED, Succeeded({"n": 1}), Succeeded({"n": 2}))
    session = durable(sandbox, tmp_path)
    await session.call("add", {"name": "a"})
    delivery = await session.call("add", {"name": "b"})
    assert delivery == Delivery(Succeeded({"n": 2}), recovered=True)
    assert [(tool, arguments["name"]) for tool, arguments, _ in sandbox.calls] == [
        ("add", "a"),
        ("add", "b"),
        ("add", "a"),
        ("add", "b"),
    ]


async def test_a_call_that_broke_twice_is_delivered_as_broken(tmp_path: Path) -> None:
    sandbox = scripted(BROKEN, CRASHED, Succeeded({"n": 1}))
    session = durable(sandbox, tmp_path)
    assert await session.call("add", {"name": "a"}) == Delivery(CRASHED, recovered=False)
    assert await session.call("add", {"name": "b"}) == Delivery(
        Succeeded({"n": 1}), recovered=False
    )
    assert sandbox.opened == 3


async def test_refusals_and_read_only_calls_are_not_replayed(tmp_path: Path) -> None:
    sandbox = scripted(Failed("no"), Succeeded({}), BROKEN, Succeeded({}))
    session = durable(sandbox, tmp_path)
    for tool in ("refuse", "names", "names"):
        await session.call(tool, {})
    assert [tool for tool, _, _ in sandbox.calls] == ["refuse", "names", "names", "names"]


async def test_attempts_are_counted_by_tool_and_canonical_arguments(tmp_path: Path) -> None:
    sandbox = scripted(BROKEN, BROKEN, Succeeded({}), Succeeded({}), Succeeded({}))
    session = durable(sandbox, tmp_path)
    for name in (1, 1.0, "1", 1):
        await session.call("names", {"name": name})
    assert [attempt for _, _, attempt in sandbox.calls] == [0, 0, 1, 0, 2]


async def test_one_failure_of_the_machinery_is_hidden(tmp_path: Path) -> None:
    sandbox = scripted(Succeeded({"n": 1}), Succeeded({"n": 1}), Succeeded({"n": 2}))
    session = durable(sandbox, tmp_path)
    await session.call("add", {"name": "a"})
    sandbox.fail_next()
    assert await session.call("add", {"name": "b"}) == Delivery(
        Succeeded({"n": 2}), recovered=False
    )


async def test_two_failures_of_the_machinery_are_raised(tmp_path: Path) -> None:
    sandbox = scripted(Succeeded({"n": 1}), Succeeded({"n": 1}), Succeeded({"n": 2}))
    session = durable(sandbox, tmp_path)
    await session.call("add", {"name": "a"})
    sandbox.fail_next(2)
    with pytest.raises(SandboxUnavailableError):
        await session.call("add", {"name": "b"})
    assert await session.call("add", {"name": "b"}) == Delivery(
        Succeeded({"n": 2}), recovered=False
    )


@requirement("sandbox:recovery:checked")
@pytest.mark.parametrize("replayed", [Succeeded({"n": 2}), Failed("no"), CRASHED])
async def test_a_replay_that_differs_breaks_the_call(tmp_path: Path, replayed: Execution) -> None:
    sandbox = scripted(Succeeded({"n": 1}), BROKEN, replayed)
    session = durable(sandbox, tmp_path)
    await session.call("add", {"name": "a"})
    delivery = await session.call("names", {})
    assert isinstance(delivery.execution, Broke)
    assert delivery.execution.kind == ("crashed" if replayed == CRASHED else "diverged")
    assert delivery.execution.detail.startswith("replay of call 0, 'add'")


@requirement("sandbox:recovery")
async def test_committed_calls_survive_a_crash_with_equal_results(tmp_path: Path) -> None:
    limits = Limits(call_seconds=0.5, memory_mib=64)
    async with ProcessSandbox(import_policy="any") as sandbox:
        session = DurableSession(sandbox, program_of(tmp_path, CODE, limits=limits), seed=1)
        await session.call("add", {"name": "a"})
        await session.call("add", {"name": "a"})
        for tool in ("add_and_die", "add_and_hang", "exhaust", "kill_the_server"):
            delivery = await session.call(tool, {})
            assert isinstance(delivery.execution, Broke), tool
        delivery = await session.call("names", {})
        assert delivery == Delivery(Succeeded({"names": ["a", "a"]}), recovered=False)
        await session.close()


@requirement("sandbox:never-void")
@pytest.mark.parametrize("tool", ["add_and_die", "kill_the_server", "kill_the_base", "later"])
async def test_no_sequence_of_calls_makes_the_sandbox_unavailable(
    tmp_path: Path, tool: str
) -> None:
    async with ProcessSandbox(import_policy="any") as sandbox:
        session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=1)
        for _ in range(8):
            await session.call(tool, {})
            await session.call("names", {})
        await session.close()


async def test_state_outside_the_world_may_not_survive_a_rebuilt_world(tmp_path: Path) -> None:
    async with ProcessSandbox(import_policy="any") as sandbox:
        session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=1)
        await session.call("remember", {})
        await session.call("add_and_die", {})
        delivery = await session.call("remember", {})
        assert delivery == Delivery(Succeeded({"calls": 1}), recovered=False)
