"""What the host knows is in no process that it starts: their memory is searched from outside."""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from astra_arena.sandbox import ProcessSandbox
from tests.adversarial.catalogue import MARK
from tests.adversarial.driver import program_in
from tests.support.requirement import requirement


def memory_of(pid: int) -> bytes:
    """All that a process may read and write."""
    found: list[bytes] = []
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in lines:
            span, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(part, 16) for part in span.split("-"))
                memory.seek(start)
                found.append(memory.read(end - start) or b"")
    return b"".join(found)


def parent_of(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return int(stat.rpartition(") ")[2].split()[1])


@requirement("sandbox:attacks:secrets")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of others")
async def test_no_secret_is_in_a_session_or_in_its_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_TOKEN", MARK)
    with tempfile.TemporaryDirectory() as folder:
        code = "def count(db): return {'n': db.execute('SELECT * FROM thing').fetchall()}\n"
        async with ProcessSandbox() as sandbox:
            sessions = [
                await sandbox.open_session(program_in(Path(folder), name, code, ("count",)), seed=1)
                for name in ("other", "ours")
            ]
            for session in sessions:
                await session.call("count", {})
            other, ours = (session.pid for session in sessions)
            servers = [parent_of(ours), parent_of(parent_of(ours))]
            searched = [await asyncio.to_thread(memory_of, pid) for pid in (ours, *servers)]
            assert all(len(memory) > 1 << 20 for memory in searched)
            assert [MARK.encode() in memory for memory in searched] == [False] * 3
            # It would be found: the other program's world holds it.
            assert MARK.encode() in await asyncio.to_thread(memory_of, other)
