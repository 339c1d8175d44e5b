"""Snapshots and branches: any interleaving of branches equals the serial runs."""

import asyncio
import gc
import tempfile
import weakref
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SandboxError
from astra_arena.sandbox import (
    Broke,
    Delivery,
    DurableSession,
    ProcessSandbox,
    Program,
    ScriptedSandbox,
    Succeeded,
    open_branch,
)
from astra_arena.sandbox.isolation import reply_text
from tests.sandbox.programs import program_of

CODE = """
import random
def put(db, *, name):
    db.execute("INSERT INTO thing VALUES (?)", (f"{name} {random.random()}",))
    return {"rows": db.execute("SELECT count(*) FROM thing").fetchone()[0]}
def take(db):
    row = db.execute("SELECT rowid, name FROM thing ORDER BY rowid LIMIT 1").fetchone()
    if row is None: raise LookupError("nothing left")
    db.execute("DELETE FROM thing WHERE rowid = ?", row[:1])
    return {"name": row[1], "chance": random.random()}
def names(db): return {"names": [r[0] for r in db.execute("SELECT name FROM thing ORDER BY rowid")]}
def put_and_break(db):
    put(db, name="lost")
    return {}["missing"]
"""
CALLS: tuple[tuple[str, JsonObject], ...] = (
    ("put", {"name": "a"}),
    ("put", {"name": "b"}),
    ("take", {}),
    ("names", {}),
    ("put_and_break", {}),
)
Told = tuple[str, str, str | None]
"""The call, its reply and the digest of the state after it."""


@dataclass
class Line:
    """A session with all that it and its ancestors were asked."""

    session: DurableSession
    calls: list[int] = field(default_factory=list[int])
    told: list[Told] = field(default_factory=list[Told])

    async def make(self, number: int) -> None:
        tool, arguments = CALLS[number]
        delivery = await self.session.call(tool, arguments)
        snapshot = await self.session.snapshot()
        self.calls.append(number)
        self.told.append((tool, reply_text(delivery.execution), snapshot.state_digest))


@dataclass(frozen=True)
class Place:
    """What the machines share, so that each need not start its own."""

    runner: asyncio.Runner
    sandbox: ProcessSandbox
    program: Program

    async def told_alone(self, calls: list[int]) -> list[Told]:
        line = Line(DurableSession(self.sandbox, self.program, seed=5))
        for number in calls:
            await line.make(number)
        await line.session.close()
        return line.told


@pytest.fixture(scope="module", params=["replay", "live"])
def place(request: pytest.FixtureRequest) -> Generator[Place]:
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        sandbox = ProcessSandbox(live_branches=request.param == "live")
        yield Place(runner, sandbox, program_of(Path(folder), CODE))
        runner.run(sandbox.close())


def test_any_interleaving_of_branches_equals_the_serial_runs(place: Place) -> None:
    class Branching(RuleBasedStateMachine):
        lines: Bundle[Line] = Bundle("lines")

        def __init__(self) -> None:
            super().__init__()
            self.all: list[Line] = []

        @initialize(target=lines)
        def begin(self) -> Line:
            self.all.append(Line(DurableSession(place.sandbox, place.program, seed=5)))
            return self.all[-1]

        @rule(line=lines, number=st.integers(0, len(CALLS) - 1))
        def call(self, line: Line, number: int) -> None:
            place.runner.run(line.make(number))

        @rule(target=lines, line=lines)
        def branch(self, line: Line) -> Line:
            async def branch() -> DurableSession:
                return await open_branch(place.sandbox, await line.session.snapshot())

            self.all.append(Line(place.runner.run(branch()), [*line.calls], [*line.told]))
            return self.all[-1]

        @rule(line=lines)
        def hibernate(self, line: Line) -> None:
            place.runner.run(line.session.hibernate())

        @rule(line=lines)
        def lose_the_process(self, line: Line) -> None:
            place.runner.run(line.session.close())

        def teardown(self) -> None:
            for line in self.all:
                place.runner.run(line.session.close())
                assert line.told == place.runner.run(place.told_alone(line.calls))

    run_state_machine_as_test(
        Branching, settings=settings(max_examples=25, stateful_step_count=20, deadline=None)
    )


async def test_a_branch_goes_on_from_the_snapshot_not_from_the_session(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        origin = DurableSession(sandbox, program_of(tmp_path, CODE), seed=5)
        await origin.call("put", {"name": "a"})
        snapshot = await origin.snapshot()
        later = await origin.call("put", {"name": "a"})
        await origin.close()
        branches = [await open_branch(sandbox, snapshot) for _ in range(2)]
        for branch in branches:
            # The same attempt draws the same numbers.
            assert await branch.call("put", {"name": "a"}) == later
        states = {(await branch.snapshot()).state_digest for branch in (origin, *branches)}
        assert len(states) == 1


async def test_only_calls_that_wrote_are_made_again(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=5)
        for tool in ("names", "take", "put_and_break", "names"):
            await session.call(tool, {})
        assert (await session.snapshot()).replayed_calls == 0
        await session.call("put", {"name": "a"})
        assert (await session.snapshot()).replayed_calls == 1


async def test_a_branch_that_differs_is_refused_with_both_digests(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({"put": {}})
    session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=5)
    await session.call("put", {})
    snapshot = await session.snapshot()
    expected, sandbox.state_digest = sandbox.state_digest, "sha256:other"
    with pytest.raises(SandboxError) as error:
        await open_branch(sandbox, snapshot)
    assert expected in error.value.message
    assert "sha256:other" in error.value.message


async def test_a_rebuilt_world_that_differs_breaks_the_call_with_both_digests(
    tmp_path: Path,
) -> None:
    sandbox = ScriptedSandbox({"put": {}})
    session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=5)
    await session.call("put", {})
    await session.hibernate()
    expected, sandbox.state_digest = sandbox.state_digest, "sha256:other"
    delivery = await session.call("put", {})
    assert isinstance(delivery.execution, Broke)
    assert delivery.execution.kind == "diverged"
    assert expected in delivery.execution.detail
    assert "sha256:other" in delivery.execution.detail
    sandbox.state_digest = expected
    assert await session.call("put", {}) == Delivery(Succeeded({}), recovered=False)


async def test_a_released_handle_frees_its_memory(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({"put": {}})
    session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=5)
    for _ in range(20_000):
        await session.call("put", {})
    snapshot = await session.snapshot()
    assert snapshot.log is not None
    last = weakref.ref(snapshot.log)
    await session.call("put", {})
    assert (await session.snapshot()).log is not snapshot.log
    branch = await open_branch(sandbox, snapshot)
    del session, snapshot
    gc.collect()
    assert last() is not None
    del branch
    gc.collect()
    assert last() is None
