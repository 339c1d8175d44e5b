"""Whatever a session says, the host answers with a value: no reply raises, and none is unusable."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astra_arena.core.canonical import canonical_bytes
from astra_arena.sandbox import Broke, DurableSession, Failed, ProcessSandbox, Succeeded
from tests.sandbox.programs import program_of
from tests.support.requirement import requirement

CODE = r"""
import os, signal
def say(db, *, data):
    data = bytes.fromhex(data)
    while data:
        data = data[os.write(3, data):]
    os._exit(0)
def add(db, *, name):
    db.execute("INSERT INTO thing VALUES (?)", (name,))
    return {"count": db.execute("SELECT count(*) FROM thing").fetchone()[0]}
def end(db): os._exit(0)
def kill(db): os.kill(os.getpid(), signal.SIGKILL)
def kill_the_servers(db):
    for pid in range(1, os.getpid()):
        try: os.kill(pid, signal.SIGKILL)
        except OSError: pass
    os._exit(1)
def kill_later(db):
    try: __import__("threading").Timer(0.0, os._exit, [7]).start()
    except RuntimeError: signal.setitimer(signal.ITIMER_REAL, 0.001)
    return {}
def void(db):
    body = b'{"id":1,"void":true,"broke":["unavailable","x"],"lost":true}'
    os.write(3, len(body).to_bytes(4, "big") + body)
    os._exit(0)
def close(db):
    os.close(3)
    return {}
def forge(db):
    body = b'{"id":1,"ok":{}}'
    os.write(3, (len(body).to_bytes(4, "big") + body) * 3)
    return {}
def refuse(db): raise ValueError("no")
"""
DEADLY = ("end", "kill", "kill_the_servers", "kill_later", "void", "close", "forge", "refuse")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
fields = st.sampled_from(
    ["id", "ok", "trace", "failed", "broke", "lost", "digest", "replayed", "void", "exit"]
)
replies = st.dictionaries(fields, json_values, max_size=6).map(
    lambda reply: json.dumps({"id": 1, **reply}).encode("utf-8", "surrogatepass")
)
framed = (replies | st.binary(max_size=300)).map(lambda body: len(body).to_bytes(4, "big") + body)
said = framed | st.binary(max_size=300) | st.tuples(framed, st.binary(max_size=20)).map(b"".join)


@requirement("sandbox:replies:fuzzed")
@pytest.mark.timeout(120)
def test_no_bytes_of_a_session_raise_or_stay(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        sandbox = ProcessSandbox(import_policy="any")
        program = program_of(tmp_path, CODE)

        async def told(data: bytes) -> None:
            session = await sandbox.open_session(program, seed=1)
            execution = await session.call("say", {"data": data.hex()})
            assert isinstance(execution, Succeeded | Failed | Broke)
            if isinstance(execution, Succeeded):
                assert canonical_bytes(execution.result)
            if not isinstance(execution, Broke) or not execution.session_lost:
                # Its process has ended whatever it said.
                later = await session.call("refuse", {})
                assert isinstance(later, Broke)
                assert later.session_lost
            await session.close()

        @settings(max_examples=150)
        @given(said)
        def check(data: bytes) -> None:
            runner.run(told(data))

        try:
            check()
        finally:
            runner.run(sandbox.close())


@requirement("sandbox:never-void")
@pytest.mark.timeout(120)
def test_no_sequence_of_calls_voids_an_episode(tmp_path: Path) -> None:
    """`SandboxUnavailableError` is what voids; tool code cannot bring it about."""
    with asyncio.Runner() as runner:
        sandbox = ProcessSandbox(import_policy="any")
        program = program_of(tmp_path, CODE)

        async def played(tools: list[str]) -> None:
            session = DurableSession(sandbox, program, seed=1)
            added = 0
            for tool in tools:
                if tool == "add":
                    added += 1
                    delivery = await session.call("add", {"name": "x"})
                    assert isinstance(delivery.execution, Succeeded)
                    assert delivery.execution.result == {"count": added}
                else:
                    await session.call(tool, {})
            await session.close()

        @settings(max_examples=20)
        @given(st.lists(st.sampled_from(["add", *DEADLY]), min_size=3, max_size=8))
        def check(tools: list[str]) -> None:
            runner.run(played(tools))

        try:
            for tool in DEADLY:
                runner.run(played(["add", *[tool] * 5, "add"]))
            check()
        finally:
            runner.run(sandbox.close())
