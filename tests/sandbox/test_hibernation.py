"""Idle sessions lose their process and come back with their state."""

import asyncio
import os
from pathlib import Path

from astra_arena.sandbox import (
    DurableSession,
    IdleSessions,
    ProcessSandbox,
    ScriptedSandbox,
    Succeeded,
)
from tests.sandbox.programs import program_of
from tests.support.requirement import requirement

CODE = """
def put(db, *, name):
    db.execute("INSERT INTO thing VALUES (?)", (name,))
    return {}
def names(db): return {"names": [r[0] for r in db.execute("SELECT name FROM thing ORDER BY rowid")]}
"""


async def until_asleep(session: DurableSession) -> None:
    async with asyncio.timeout(10):
        while session.live:
            await asyncio.sleep(0.005)


def process_count() -> int:
    return len(
        [name for name in os.listdir("/proc") if name.isdigit() and _is_descendant(int(name))]
    )


def _is_descendant(pid: int) -> bool:
    ours = os.getpid()
    while pid > 1:
        if pid == ours:
            return True
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        pid = int(stat.rpartition(") ")[2].split()[1])
    return False


@requirement("sandbox:hibernation")
async def test_the_least_recently_used_sessions_go_when_too_many_are_live(tmp_path: Path) -> None:
    idle = IdleSessions(idle_s=60.0, most_live=2)
    async with ProcessSandbox() as sandbox:
        program = program_of(tmp_path, CODE)
        sessions = [DurableSession(sandbox, program, seed=1, idle=idle) for _ in range(3)]
        for number, session in enumerate(sessions):
            await session.call("put", {"name": str(number)})
        await until_asleep(sessions[0])
        assert [session.live for session in sessions] == [False, True, True]
        delivery = await sessions[0].call("names", {})
        assert delivery.execution == Succeeded({"names": ["0"]})
        await until_asleep(sessions[1])
        assert [session.live for session in sessions] == [True, False, True]
        assert idle.live_count == 2
        for session in sessions:
            await session.close()
        assert idle.live_count == 0
        await idle.close()


@requirement("sandbox:hibernation")
async def test_a_session_that_is_not_used_loses_its_process(tmp_path: Path) -> None:
    idle = IdleSessions(idle_s=0.05, most_live=100)
    async with ProcessSandbox() as sandbox:
        session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=1, idle=idle)
        await session.call("put", {"name": "a"})
        with_it = process_count()
        await until_asleep(session)
        async with asyncio.timeout(10):
            while process_count() >= with_it:
                await asyncio.sleep(0.005)
        for name in ("b", "c"):
            await until_asleep(session)
            await session.call("put", {"name": name})
        delivery = await session.call("names", {})
        assert delivery.execution == Succeeded({"names": ["a", "b", "c"]})
        await idle.close()
        await session.close()


async def test_hibernating_what_is_not_live_does_nothing(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({"put": {}})
    session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=1)
    await session.hibernate()
    assert sandbox.opened == 0
    await session.call("put", {})
    await session.hibernate()
    await session.hibernate()
    assert not session.live
    assert await session.wake() is None
    assert session.live
    assert sandbox.opened == 2


async def test_a_session_that_cannot_tell_its_state_is_hibernated_all_the_same(
    tmp_path: Path,
) -> None:
    sandbox = ScriptedSandbox({"put": {}})
    session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=1)
    await session.call("put", {})
    sandbox.fail_next()
    await session.hibernate()
    assert not session.live
    sandbox.fail_next(0)
    await session.call("put", {})
    assert session.live
