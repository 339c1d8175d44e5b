"""Live branches: equal to those by replay, one for each that the host asks for, and no other."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox import (
    Broke,
    DurableSession,
    Failed,
    ProcessSandbox,
    ProcessSession,
    Succeeded,
    open_branch,
)
from astra_arena.sandbox.guest.syscalls import FORK_FLAGS, NUMBERS
from tests.sandbox.programs import program_of
from tests.support.requirement import requirement

CODE = """
import random
def put(db, *, name):
    db.execute("INSERT INTO thing VALUES (?)", (f"{name} {random.random()}",))
    return {"rows": db.execute("SELECT count(*) FROM thing").fetchone()[0]}
def names(db): return {"names": [r[0] for r in db.execute("SELECT name FROM thing ORDER BY name")]}
def refuse(db): raise LookupError("no")
"""

HOSTILE = f"""
import ctypes, os, signal, time
libc = ctypes.CDLL(None, use_errno=True)
NUMBER = {NUMBERS["clone"][0 if os.uname().machine == "x86_64" else 1]}
later = []

def cloned():
    return libc.syscall(NUMBER, {FORK_FLAGS}, 0, 0, 0, 0)
def clone(db):
    made = [cloned() for _ in range(50)]
    if 0 in made: os._exit(0)
    return {{"made": [pid for pid in made if pid != -1]}}
def ask_for_the_parent(db): return {{"got": os.getppid()}}
def signal_oneself(db):
    try:
        os.kill(os.getpid(), 0)
    except PermissionError:
        return {{"refused": True}}
    return {{"refused": False}}
def signal_all_near(db):
    reached = []
    for pid in range(max(2, os.getpid() - 50), os.getpid() + 50):
        try:
            os.kill(pid, signal.SIGKILL)
            reached.append(pid)
        except OSError:
            pass
    return {{"reached": reached}}
def fork_twice(db):
    forker = found()
    native = forker.fork
    def fork():
        first = native()
        later.append(cloned())
        if later[-1] == 0: os._exit(0)
        return first
    forker.fork = fork
    return {{}}
def frames():
    import sys
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
def found():
    return next(f.f_locals["forker"] for f in frames() if f.f_locals.get("forker") is not None)
def silent_child(db):
    forker = found()
    def fork():
        pid = cloned()
        while pid == 0: time.sleep(0)
        return False
    forker.fork = fork
    return {{}}
def deaf_child(db):
    forker = found()
    def fork():
        # It keeps the channel of the session that it was forked from, and speaks on it.
        if cloned() == 0:
            os.write(3, b"\\0\\0\\0\\x0f" + b'{{"id":0,"ok":{{}}}}')
            while True: pass
        return False
    forker.fork = fork
    return {{}}
def liar(db):
    found().fork = lambda: False
    return {{}}
def told(db): return {{"later": later}}
def quiet(db): return {{}}
"""


@pytest.fixture
async def sandbox() -> AsyncGenerator[ProcessSandbox]:
    async with ProcessSandbox(import_policy="any", live_branches=True) as one:
        yield one


async def hostile(sandbox: ProcessSandbox, folder: Path) -> ProcessSession:
    return await sandbox.open_session(program_of(folder, HOSTILE), seed=1)


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(number) for number in text.split()]


def parent_of(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return int(stat.rpartition(") ")[2].split()[1])


def descriptors_of(pid: int) -> dict[str, str]:
    folder = Path(f"/proc/{pid}/fd")
    return {entry.name: os.readlink(entry) for entry in folder.iterdir()}


@requirement("sandbox:branches:live")
async def test_a_live_branch_is_what_a_replay_makes(
    sandbox: ProcessSandbox, tmp_path: Path
) -> None:
    program = program_of(tmp_path, CODE)
    async with ProcessSandbox() as replaying:
        one, other = (DurableSession(place, program, seed=5) for place in (sandbox, replaying))
        for session in (one, other):
            for name in ("a", "b"):
                await session.call("put", {"name": name})
        pairs = [await one.snapshot(), await other.snapshot()]
        live = await open_branch(sandbox, pairs[0])
        replayed = await open_branch(replaying, pairs[1])
        assert (live.branched, replayed.branched) == ("live", "replay")
        for tool, arguments in (("put", {"name": "a"}), ("refuse", {}), ("names", {})):
            sent: JsonObject = dict(arguments)
            assert await live.call(tool, sent) == await replayed.call(tool, sent)
            digests = {(await branch.snapshot()).state_digest for branch in (live, replayed)}
            assert len(digests) == 1
        assert await live.state_difference() == await replayed.state_difference()
        # The session that it was forked from knows nothing of it, and the branch outlives it.
        assert (await one.snapshot()).state_digest == pairs[0].state_digest
        await one.close()
        assert isinstance((await live.call("put", {"name": "c"})).execution, Succeeded)


async def test_a_session_that_went_on_is_branched_by_replay(
    sandbox: ProcessSandbox, tmp_path: Path
) -> None:
    origin = DurableSession(sandbox, program_of(tmp_path, CODE), seed=5)
    await origin.call("put", {"name": "a"})
    snapshot = await origin.snapshot()
    await origin.call("names", {})
    await origin.call("refuse", {})
    assert (await open_branch(sandbox, snapshot)).branched == "live"
    await origin.call("put", {"name": "b"})
    kept = await open_branch(sandbox, snapshot)
    assert kept.branched == "replay"
    # A branch that makes no call is what others are forked from.
    for _ in range(3):
        branch = await open_branch(sandbox, await kept.snapshot())
        assert branch.branched == "live"
        assert (await branch.snapshot()).state_digest == snapshot.state_digest
    async with ProcessSandbox(live_branches=True) as elsewhere:
        assert (await open_branch(elsewhere, await kept.snapshot())).branched == "replay"


async def test_nothing_branches_live_unless_it_was_asked_for(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
        assert await session.branch() is None
        origin = DurableSession(sandbox, program_of(tmp_path, CODE), seed=1)
        assert (await open_branch(sandbox, await origin.snapshot())).branched == "replay"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the descriptors of others")
async def test_a_branch_has_a_channel_of_its_own_and_the_same_parent(
    sandbox: ProcessSandbox, tmp_path: Path
) -> None:
    session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
    branch = await session.branch()
    assert branch is not None
    twig = await branch.branch()
    assert twig is not None
    held = [descriptors_of(one.pid) for one in (session, branch, twig)]
    assert [sorted(one) for one in held] == [["0", "1", "2", "3"]] * 3
    assert len({one["3"] for one in held}) == 3
    assert len({parent_of(one.pid) for one in (session, branch, twig)}) == 1
    for one in (session, branch):
        await one.close()
    assert await twig.call("names", {}) == Succeeded({"names": []})


@requirement("sandbox:branches:no-other-forks")
async def test_tool_code_cannot_fork_when_nobody_asked(
    sandbox: ProcessSandbox, tmp_path: Path
) -> None:
    session = await hostile(sandbox, tmp_path)
    branch = await session.branch()
    assert branch is not None
    for one in (session, branch):
        assert await one.call("clone", {}) == Succeeded({"made": []})
        assert (await one.call("ask_for_the_parent", {})) in (
            Succeeded({"got": -1}),
            # What a branch was told once.
            Succeeded({"got": 1}),
        )
        assert await one.call("signal_oneself", {}) == Succeeded({"refused": True})
        assert await one.call("signal_all_near", {}) == Succeeded({"reached": []})


@requirement("sandbox:branches:no-other-forks")
async def test_one_approval_is_good_for_one_fork(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    session = await hostile(sandbox, tmp_path)
    await session.call("fork_twice", {})
    branch = await session.branch()
    assert branch is not None
    assert await session.call("told", {}) == Succeeded({"later": [-1]})
    assert await branch.call("told", {}) == Succeeded({"later": [-1]})
    assert len(children_of(parent_of(session.pid))) == 2


@requirement("sandbox:branches:no-other-forks")
@pytest.mark.parametrize("trick", ["silent_child", "deaf_child", "liar"])
async def test_a_child_that_does_not_show_up_is_ended(
    sandbox: ProcessSandbox, tmp_path: Path, trick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("astra_arena.sandbox.guest_servers._BRANCH_S", 1.0)
    session = await hostile(sandbox, tmp_path)
    neighbour = await hostile(sandbox, tmp_path)
    server = parent_of(neighbour.pid)
    await session.call(trick, {})
    assert await session.branch() is None
    assert await neighbour.call("quiet", {}) == Succeeded({})
    assert await neighbour.branch() is not None
    # It may have been spoken for; whoever keeps a durable session then has it rebuilt.
    with contextlib.suppress(SandboxUnavailableError):
        later = await session.call("quiet", {})
        assert isinstance(later, Succeeded) or (isinstance(later, Broke) and later.session_lost)
    await session.close()
    async with asyncio.timeout(10):
        while len(children_of(server)) > 2:
            await asyncio.sleep(0.01)


async def test_branches_are_ended_with_their_server(tmp_path: Path) -> None:
    async with ProcessSandbox(live_branches=True) as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
        branches = [await session.branch() for _ in range(5)]
        pids = [branch.pid for branch in branches if branch is not None]
        assert len(pids) == 5
        await session.close()
    async with asyncio.timeout(10):
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            await asyncio.sleep(0.01)


async def test_a_branch_that_dies_is_told_as_any_session_is(
    sandbox: ProcessSandbox, tmp_path: Path
) -> None:
    code = "import os\ndef vanish(db): os._exit(7)\ndef refuse(db): raise ValueError('no')\n"
    session = await sandbox.open_session(program_of(tmp_path, code), seed=1)
    branch = await session.branch()
    assert branch is not None
    execution = await branch.call("vanish", {})
    assert isinstance(execution, Broke)
    assert (execution.kind, execution.session_lost) == ("crashed", True)
    assert "exit status 7" in execution.detail
    assert await session.call("refuse", {}) == Failed("no")
