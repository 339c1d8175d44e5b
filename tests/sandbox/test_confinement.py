"""What tool code can and cannot do in a session's process, tried with tool code that tries."""

import asyncio
import os
from pathlib import Path
from typing import Literal

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.sandbox import Broke, Execution, Limits, ProcessSandbox, Succeeded
from tests.sandbox.programs import program_of, session_of
from tests.support.requirement import requirement

LIMITS = Limits(call_seconds=5.0, cpu_seconds=1, memory_mib=64, reply_bytes=10_000)

LOOK = """
import os, resource, sys
def environment(db): return {"python": dict(os.environ), "c": os.getenv("HOME")}
def limits(db):
    names = ("CORE", "FSIZE", "NOFILE")
    return {n: resource.getrlimit(getattr(resource, f"RLIMIT_{n}"))[1] for n in names}
def ids(db): return {"ids": sorted({os.getuid(), os.geteuid(), os.getgid(), os.getegid()})}
"""

ATTACKS = """
import ctypes, json, os, signal, socket, sys, threading, time

def bomb(db): return {"n": len("x" * (1 << 30))}
def slow_bomb(db):
    held = []
    while True:
        held.append(bytearray(1 << 20))
def burn(db):
    while True: pass
def burn_in_c(db): return {"all": all(__import__("itertools").repeat(True))}
def swallow(db):
    while True:
        try:
            while True: pass
        except BaseException:
            pass
def ignore_the_timer(db):
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    while True: pass
def stop(db): os.kill(os.getpid(), signal.SIGSTOP)
def exit_at_once(db): os._exit(3)
def exit_politely(db): sys.exit(3)
def segfault(db): ctypes.string_at(0)
def abort(db): os.abort()
def close_the_channel(db):
    os.close(3)
    return {}
def answer_twice(db):
    body = b'{"id":1,"ok":{"x":1},"trace":""}'
    os.write(3, (len(body).to_bytes(4, "big") + body) * 2)
    return {}
def forge(db):
    body = b'{"id":1,"ok":{"forged":true}}'
    os.write(3, len(body).to_bytes(4, "big") + body)
    return {}
def announce_a_giant(db):
    os.write(3, b"\\xff\\xff\\xff\\xff")
    return {}
def write_garbage(db):
    os.write(3, b"\\x00\\x00\\x00\\x05hello")
    os._exit(0)
def write_deep_json(db):
    body = b'{"id":1,"ok":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}}"
    os.write(3, len(body).to_bytes(4, "big") + body)
    time.sleep(0)
    while True: pass
def patch_json(db):
    json.dumps = lambda *a, **k: "[]"
    return {}
def giant_reply(db): return {"x": ["y" * 1000] * 1000}
def giant_message(db): raise ValueError("y" * 1_000_000)
def giant_integer(db): return {"x": 10 ** 5000}
def lone_surrogate(db): return {"x": "\\ud800"}
def commit(db):
    db.execute("COMMIT")
    return {}
def commit_in_python(db):
    db.commit()
    return {}
def attach(db):
    db.execute("ATTACH '/tmp/astra-arena-escape' AS other")
    return {}
def close_the_database(db):
    db.close()
    return {}
def rollback_conflict(db):
    db.execute("INSERT INTO thing(rowid, name) VALUES (1, 'a')")
    try:
        db.execute("INSERT OR ROLLBACK INTO thing(rowid, name) VALUES (1, 'a')")
    except Exception:
        db.execute("INSERT INTO thing VALUES ('sneaked in')")
    return {}
def count(db): return {"count": db.execute("SELECT count(*) FROM thing").fetchone()[0]}
"""

Ending = Literal["raised", "bad_result", "too_large", "steps", "timeout", "crashed"]

ENDINGS: dict[str, tuple[Ending, bool]] = {
    "bomb": ("raised", False),
    "slow_bomb": ("raised", False),
    "burn": ("timeout", True),
    "burn_in_c": ("timeout", True),
    "swallow": ("timeout", True),
    "exit_at_once": ("crashed", True),
    "exit_politely": ("raised", False),
    "segfault": ("crashed", True),
    "abort": ("crashed", True),
    "close_the_channel": ("crashed", True),
    "write_garbage": ("crashed", True),
    "write_deep_json": ("crashed", True),
    "announce_a_giant": ("crashed", True),
    "patch_json": ("crashed", True),
    "giant_reply": ("too_large", False),
    "giant_message": ("too_large", False),
    "giant_integer": ("bad_result", False),
    "lone_surrogate": ("bad_result", False),
    "commit": ("raised", False),
    "commit_in_python": ("raised", False),
    "attach": ("raised", False),
    "close_the_database": ("raised", True),
    "rollback_conflict": ("raised", True),
}


async def look(folder: Path, tool: str) -> JsonObject:
    async with session_of(folder, LOOK) as session:
        execution = await session.call(tool, {})
        assert isinstance(execution, Succeeded)
        return execution.result


@requirement("sandbox:clean-environment")
async def test_the_environment_is_empty(tmp_path: Path) -> None:
    assert await look(tmp_path, "environment") == {"python": {}, "c": None}


@requirement("sandbox:tiers:enforced")
async def test_what_the_kernel_knows_of_a_session(tmp_path: Path) -> None:
    async with session_of(tmp_path, LOOK) as session:
        proc = Path(f"/proc/{session.pid}")
        stat = (proc / "stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        status = (proc / "status").read_text(encoding="ascii")
        facts = dict(line.split(":\t", 1) for line in status.splitlines())
        # A leader of its own session, confined by a filter, without any capability.
        assert int(stat[3]) != os.getsid(0)
        assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
        assert {int(facts[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}


@requirement("sandbox:clean-environment")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look at a process of another user")
async def test_the_channel_is_the_only_descriptor(tmp_path: Path) -> None:
    async with session_of(tmp_path, LOOK) as session:
        opened = {
            int(path.name): os.readlink(path).partition(":")[0]
            for path in Path(f"/proc/{session.pid}/fd").iterdir()
        }
        assert opened == {0: "/dev/null", 1: "/dev/null", 2: "/dev/null", 3: "socket"}
        maps = Path(f"/proc/{session.pid}/maps").read_text(encoding="ascii")
        assert not [line for line in maps.splitlines() if "wx" in line.split()[1]]
        assert os.readlink(f"/proc/{session.pid}/cwd") == "/"
        score = Path(f"/proc/{session.pid}/oom_score_adj").read_text(encoding="ascii")
        assert score == "1000\n"


@requirement("sandbox:tiers:enforced")
@pytest.mark.skipif(os.geteuid() != 0, reason="others stay the user they are")
async def test_root_becomes_nobody(tmp_path: Path) -> None:
    assert await look(tmp_path, "ids") == {"ids": [65534]}


@requirement("sandbox:limits")
async def test_limits_cannot_be_raised_again(tmp_path: Path) -> None:
    assert await look(tmp_path, "limits") == {"CORE": 0, "FSIZE": 0, "NOFILE": 64}


async def test_ctypes_is_not_left_lying_about(tmp_path: Path) -> None:
    code = """
def found(db):
    modules = __import__("sys").modules
    held = [n for n, m in modules.items() if "ctypes" in n or "ctypes" in vars(m)]
    return {"found": held}
"""
    async with ProcessSandbox() as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, code), seed=1)
        assert await session.call("found", {}) == Succeeded({"found": []})


@requirement("sandbox:limits")
@pytest.mark.parametrize("tool", ENDINGS)
async def test_hostile_tool_code_breaks_its_own_call_only(tmp_path: Path, tool: str) -> None:
    async with ProcessSandbox(import_policy="any") as sandbox:
        program = program_of(tmp_path, ATTACKS, limits=LIMITS)
        neighbour = await sandbox.open_session(program, seed=1)
        session = await sandbox.open_session(program, seed=1)
        assert ending(await session.call(tool, {})) == ENDINGS[tool]
        assert await neighbour.call("count", {}) == Succeeded({"count": 0})
        if not ENDINGS[tool][1]:
            assert await session.call("count", {}) == Succeeded({"count": 0})


@pytest.mark.parametrize("tool", ["stop", "ignore_the_timer"])
async def test_the_host_ends_what_does_not_end_itself(tmp_path: Path, tool: str) -> None:
    limits = Limits(call_seconds=0.3)
    async with session_of(tmp_path, ATTACKS, limits=limits) as session:
        assert ending(await session.call(tool, {})) == ("timeout", True)


@pytest.mark.parametrize("tool", ["forge", "answer_twice"])
async def test_a_second_reply_ends_the_session(tmp_path: Path, tool: str) -> None:
    async with session_of(tmp_path, ATTACKS, limits=LIMITS) as session:
        execution = await session.call(tool, {})
        # The second reply may be late, but it comes.
        async with asyncio.timeout(10):
            while not isinstance(execution, Broke):
                execution = await session.call("count", {})
        assert execution.kind == "crashed"


async def test_the_cpu_time_is_renewed_for_each_call(tmp_path: Path) -> None:
    code = """
import signal
def burn(db):
    while signal.getitimer(signal.ITIMER_PROF)[0] > 0.4: pass
    return {}
"""
    async with session_of(tmp_path, code, limits=Limits(cpu_seconds=1)) as session:
        assert [await session.call("burn", {}) for _ in range(3)] == [Succeeded({})] * 3


async def test_how_a_process_ended_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    async with ProcessSandbox(import_policy="any") as sandbox:
        program = program_of(tmp_path, ATTACKS, limits=LIMITS)
        for tool in ("exit_at_once", "segfault", "abort"):
            session = await sandbox.open_session(program, seed=1)
            execution = await session.call(tool, {})
            assert isinstance(execution, Broke)
            told.append(execution.detail.rpartition("; ")[2])
    assert told == ["exit status 3", "killed by SIGSEGV", "killed by SIGABRT"]


def ending(execution: Execution) -> tuple[str, bool]:
    assert isinstance(execution, Broke), execution
    return execution.kind, execution.session_lost
