"""Checks of what sessions become: digests, replays, snapshots, branches, isolation."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from astra_arena.core.canonical import JsonObject
from astra_arena.sandbox.conformance_state_code import PLAIN_TOOLS, SQLITE_TOOLS
from astra_arena.sandbox.conformance_support import (
    Check,
    SandboxFactory,
    opened_sandbox,
    require,
    require_broke,
    require_equal,
    succeeded,
)
from astra_arena.sandbox.contract import (
    Broke,
    Failed,
    Program,
    ReplayCall,
    Sandbox,
    Session,
    Succeeded,
)
from astra_arena.sandbox.isolation import isolation_findings, reply_text
from astra_arena.sandbox.recovery import DurableSession, open_branch

_Kind = Literal["sqlite", "json", "python"]
_KINDS: tuple[_Kind, ...] = ("sqlite", "json", "python")
_Call = tuple[str, JsonObject]

_PLAN: tuple[_Call, ...] = (
    ("put", {"key": 2, "name": "b"}),
    ("draw", {}),
    ("put_and_refuse", {"key": 2}),
    ("draw", {}),
    ("look", {}),
    ("remove", {"key": 2}),
    ("remove", {"key": 2}),
    ("draw", {}),
    ("look", {}),
)
_REFUSED = (
    "CREATE TABLE other(x)",
    "CREATE TEMP TABLE other(x)",
    "DROP TABLE thing",
    "ALTER TABLE thing ADD COLUMN x",
    "CREATE INDEX i ON thing(name)",
    "PRAGMA recursive_triggers=OFF",
    "PRAGMA table_info(thing)",
    "ATTACH ':memory:' AS other",
    "VACUUM",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT mine",
    "SELECT * FROM sqlite_temp_schema",
)


async def check_equal_states_have_equal_digests(make: SandboxFactory) -> None:
    """However they came about; and another state has another digest."""
    for kind in _KINDS:
        async with _state_sandbox(make, kind) as (sandbox, program):
            one = await sandbox.open_session(program, seed=1)
            other = await sandbox.open_session(program, seed=2)
            start = await one.state_digest()
            await _make(one, ("put", {"key": 2, "name": "b"}), ("put", {"key": 1, "name": "a"}))
            await _make(
                other,
                ("put", {"key": 1, "name": "x"}),
                ("put", {"key": 3, "name": "c"}),
                ("put", {"key": 1, "name": "a"}),
                ("put", {"key": 2, "name": "b"}),
            )
            require(await one.state_digest() != await other.state_digest(), "one digest for two")
            await _make(other, ("remove", {"key": 3}))
            await _require_state(other, await one.state_digest())
            await _make(one, ("remove", {"key": 1}), ("remove", {"key": 2}))
            await _require_state(one, start)


async def check_differences_name_what_changed(make: SandboxFactory) -> None:
    """By key or pointer, before and after; nothing else, whatever happened in between."""
    thing: JsonObject = {"id": 1, "name": "a"}
    row: JsonObject = {"tables": {"thing": {'{"id":1}': {"before": None, "after": thing}}}}
    value: JsonObject = {"values": {"/1": {"after": "a", "absent": True}}}
    for kind in _KINDS:
        async with _state_sandbox(make, kind) as (sandbox, program):
            session = DurableSession(sandbox, program, seed=1)
            empty: JsonObject = {"tables": {}} if kind == "sqlite" else {"values": {}}
            await _require_difference(session, empty)
            await session.call("put", {"key": 2, "name": "b"})
            await session.call("put", {"key": 1, "name": "x"})
            await session.call("put_and_refuse", {"key": 1})
            await session.call("put", {"key": 1, "name": "a"})
            await session.call("remove", {"key": 2})
            await _require_difference(session, row if kind == "sqlite" else value)
            await session.hibernate()
            await _require_difference(session, row if kind == "sqlite" else value)
            await session.call("remove", {"key": 1})
            await _require_difference(session, empty)
            await session.close()


async def check_undone_calls_and_reading_leave_the_digest(make: SandboxFactory) -> None:
    """Reading leaves no trace, a refused call none in the state, and writing leaves one."""
    for kind in _KINDS:
        async with _state_sandbox(make, kind) as (sandbox, program):
            session = await sandbox.open_session(program, seed=1)
            put = await session.call("put", {"key": 1, "name": "a"})
            state = await session.state_digest()
            refusal = Failed("changed my mind")
            require_equal(await session.call("put_and_refuse", {"key": 1}), refusal)
            look = await session.call("look", {})
            await _require_state(session, state)
            traces = [done.trace for done in (put, look) if isinstance(done, Succeeded)]
            require(bool(traces[0]) and traces[1] == "", f"expected one trace, got {traces}")


async def check_replays_are_held_to_the_log(make: SandboxFactory) -> None:
    """A replay makes the same state, and stops at the first call that differs."""
    for kind in _KINDS:
        async with _state_sandbox(make, kind) as (sandbox, program):
            session = await sandbox.open_session(program, seed=1)
            calls = [await _logged(session, attempt) for attempt in range(3)]
            again = await sandbox.open_session(program, seed=1)
            outcome = await again.replay(calls)
            require(outcome.broke is None and outcome.replayed == 3, f"got {outcome}")
            state = await session.state_digest()
            await _require_state(again, state if isinstance(state, str) else "")
            other = await sandbox.open_session(program, seed=2)
            differing = await other.replay(calls)
            _require_diverged(differing.broke)
            require(differing.replayed == 0, f"got {differing}")
            refused = ReplayCall("remove", {"key": 99}, 0, "0" * 64)
            third = await sandbox.open_session(program, seed=1)
            stopped = await third.replay([calls[0], refused])
            _require_diverged(stopped.broke)
            require(stopped.replayed == 1, f"got {stopped}")


async def check_branches_go_on_as_their_origin_would(make: SandboxFactory) -> None:
    """From a snapshot at any call, from branches of branches, and without touching the origin."""
    for kind in _KINDS:
        async with _state_sandbox(make, kind) as (sandbox, program):
            expected = await _serial(sandbox, program)
            origin = DurableSession(sandbox, program, seed=1)
            lineage = origin
            for turn, call in enumerate(_PLAN):
                snapshot = await origin.snapshot()
                branch = await open_branch(sandbox, snapshot)
                _require_texts(await _texts(branch, _PLAN[turn:]), expected[turn:])
                await branch.close()
                lineage = await open_branch(sandbox, await lineage.snapshot())
                _require_texts(await _texts(lineage, [call]), expected[turn : turn + 1])
                _require_texts(await _texts(origin, [call]), expected[turn : turn + 1])


async def check_hibernated_sessions_come_back(make: SandboxFactory) -> None:
    """With the same state, clock and streams; also in a sandbox that was started anew."""
    for kind in _KINDS:
        async with _state_sandbox(make, kind) as (sandbox, program):
            expected = await _serial(sandbox, program)
            session = DurableSession(sandbox, program, seed=1)
            for turn, call in enumerate(_PLAN):
                _require_texts(await _texts(session, [call]), expected[turn : turn + 1])
                await session.hibernate()
                require(not session.live, "expected no session behind a hibernated one")
            snapshot = await session.snapshot()
            other = make()
            try:
                branch = await open_branch(other, snapshot)
                again = await branch.snapshot()
                require(again.state_digest == snapshot.state_digest, "expected the same state")
                _require_texts(await _serial(other, program), expected)
            finally:
                await other.close()


async def check_sessions_run_alike_alone_and_together(make: SandboxFactory) -> None:
    """The isolation proof finds nothing, and finds state that is kept outside the world."""
    plans = (_PLAN, _PLAN[::-1], _PLAN[3:] + _PLAN[:3])
    for kind in _KINDS:
        async with _state_sandbox(make, kind) as (sandbox, program):
            findings = await isolation_findings(sandbox, program, plans, seed=1)
            require(not findings, f"expected no findings, got {findings}")
    async with _state_sandbox(make, "sqlite") as (sandbox, program):
        kept = [("scratch", JsonObject()), ("scratch", JsonObject())]
        findings = await isolation_findings(sandbox, program, [kept])
        require(len(findings) == 1 and "'scratch'" in findings[0], f"got {findings}")


async def check_tool_code_may_only_read_and_write_rows(make: SandboxFactory) -> None:
    """No schema changes, PRAGMA, ATTACH or transactions; trying them leaves the state."""
    async with _state_sandbox(make, "sqlite") as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        start = await session.state_digest()
        for sql in _REFUSED:
            require_broke(await session.call("statement", {"sql": sql}), "raised", lost=False)
        require(await session.state_digest() == start, "expected the state at the start")
        result = succeeded(await session.call("statement", {"sql": "SELECT * FROM thing"}))
        require(result == {"rows": 0}, f"got {result}")


STATE_CHECKS: tuple[Check, ...] = tuple(
    check for name, check in sorted(globals().items()) if name.startswith("check_")
)
"""The checks of this module."""


@asynccontextmanager
async def _state_sandbox(
    make: SandboxFactory, kind: _Kind
) -> AsyncGenerator[tuple[Sandbox, Program]]:
    code, tools = PLAIN_TOOLS, ("put", "remove", "look", "put_and_refuse", "draw")
    if kind == "sqlite":
        code, tools = SQLITE_TOOLS, (*tools, "statement", "scratch")
    async with opened_sandbox(make, kind=kind, code=code, tools=tools) as opened:
        yield opened


async def _make(session: Session, *calls: _Call) -> None:
    for tool, arguments in calls:
        succeeded(await session.call(tool, arguments))


async def _logged(session: Session, attempt: int) -> ReplayCall:
    done = await session.call("draw", {}, attempt=attempt)
    trace = done.trace if isinstance(done, Succeeded) else None
    if not trace:
        raise AssertionError(f"expected success and a trace, got {done}")
    return ReplayCall("draw", {}, attempt, trace)


async def _serial(sandbox: Sandbox, program: Program) -> list[str]:
    session = DurableSession(sandbox, program, seed=1)
    try:
        return await _texts(session, _PLAN)
    finally:
        await session.close()


async def _texts(session: DurableSession, calls: Sequence[_Call]) -> list[str]:
    """Make calls; returns their replies and the states after them."""
    texts: list[str] = []
    for tool, arguments in calls:
        delivery = await session.call(tool, arguments)
        snapshot = await session.snapshot()
        texts.append(f"{reply_text(delivery.execution)} {snapshot.state_digest}")
    return texts


def _require_texts(came: list[str], expected: list[str]) -> None:
    require(came == expected, f"expected {expected}, got {came}")


async def _require_state(session: Session, expected: str | Broke) -> None:
    came = await session.state_digest()
    require(isinstance(came, str) and came == expected, f"expected {expected}, got {came}")


async def _require_difference(session: DurableSession, expected: JsonObject) -> None:
    came = await session.state_difference()
    require(came == expected, f"expected {expected}, got {came}")


def _require_diverged(broke: Broke | None) -> None:
    require(broke is not None and broke.kind == "diverged", f"expected a divergence, got {broke}")
