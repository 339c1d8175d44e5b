"""The scripted sandbox: replies from a mapping or a function, failures on demand."""

from pathlib import Path

import pytest

from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox import Broke, Failed, Sandbox, ScriptedSandbox, Succeeded
from tests.sandbox.programs import program_of


async def test_replies_come_from_a_mapping(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({"find": {"title": "Emma"}, "lend": Failed("lent out")})
    session = await sandbox.open_session(program_of(tmp_path, ""), seed=1)
    assert await session.call("find", {}) == Succeeded({"title": "Emma"})
    assert await session.call("lend", {}, attempt=2) == Failed("lent out")
    assert isinstance(await session.call("other", {}), Broke)
    assert sandbox.calls == [("find", {}, 0), ("lend", {}, 2), ("other", {}, 0)]


async def test_replies_come_from_a_function(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox(lambda tool, arguments: {"tool": tool, **arguments})
    session = await sandbox.open_session(program_of(tmp_path, ""), seed=1)
    assert await session.call("find", {"x": 1}) == Succeeded({"tool": "find", "x": 1})


async def test_it_fails_as_machinery_as_often_as_told(tmp_path: Path) -> None:
    sandbox: ScriptedSandbox = ScriptedSandbox({"find": {}})
    kept: Sandbox = sandbox
    session = await kept.open_session(program_of(tmp_path, ""), seed=1)
    sandbox.fail_next(2)
    with pytest.raises(SandboxUnavailableError):
        await session.call("find", {})
    with pytest.raises(SandboxUnavailableError):
        await kept.open_session(program_of(tmp_path, ""), seed=1)
    assert await session.call("find", {}) == Succeeded({})


async def test_a_lost_or_closed_session_is_unavailable(tmp_path: Path) -> None:
    lost = Broke("crashed", "gone", session_lost=True)
    sandbox = ScriptedSandbox({"die": lost})
    session = await sandbox.open_session(program_of(tmp_path, ""), seed=1)
    assert await session.call("die", {}) == lost
    with pytest.raises(SandboxUnavailableError):
        await session.call("die", {})
    await session.close()
    await sandbox.close()
