"""Checks that every sandbox must pass, whatever confines its tool code.

```python
@pytest.mark.parametrize("check", CHECKS)
async def test_it_conforms(check: Check) -> None:
    await check(ProcessSandbox)
```
"""

import json
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.errors import PolicyError
from astra_arena.sandbox.conformance_code import BIG_WORLD_TOOLS, TOOLS
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Failed,
    Limits,
    Program,
    Sandbox,
    Session,
    Succeeded,
)

SandboxFactory: TypeAlias = Callable[[], Sandbox]
"""Makes a sandbox; the check closes it."""

Check: TypeAlias = Callable[[SandboxFactory], Awaitable[None]]
"""Raises `AssertionError` when the sandbox falls short."""

_ROWS = 300_000
_LIMITS = Limits(call_seconds=20.0, reply_bytes=10_000, sql_steps=20_000_000)


async def check_arguments_and_results_arrive_unchanged(make: SandboxFactory) -> None:
    """JSON goes in and comes out as it is."""
    value: JsonObject = {"text": "é\u2028\n😀", "list": [1, 2.5, None, True], "big": 10**30}
    async with _session(make) as session:
        _require_equal(await session.call("echo", {"value": value}), Succeeded({"value": value}))


async def check_state_persists_inside_a_session(make: SandboxFactory) -> None:
    """A later call sees what an earlier one wrote."""
    async with _session(make) as session:
        await session.call("add_row", {"name": "a"})
        _require_equal(await session.call("count", {}), Succeeded({"count": 1}))


async def check_a_failed_call_leaves_no_trace(make: SandboxFactory) -> None:
    """What a call wrote before it failed or broke is gone."""
    async with _session(make) as session:
        _require_equal(await session.call("add_and_refuse", {}), Failed("changed my mind"))
        _require_broke(await session.call("add_and_break", {}), "raised")
        _require_broke(await session.call("add_and_return_a_list", {}), "bad_result")
        _require_equal(await session.call("count", {}), Succeeded({"count": 0}))


async def check_sessions_are_isolated(make: SandboxFactory) -> None:
    """One session's world is not another's."""
    async with _sandbox(make) as (sandbox, program):
        left = await sandbox.open_session(program, seed=1)
        right = await sandbox.open_session(program, seed=1)
        await left.call("add_row", {"name": "a"})
        _require_equal(await right.call("count", {}), Succeeded({"count": 0}))


async def check_json_worlds_behave_alike(make: SandboxFactory) -> None:
    """State, failure and isolation of a world that is a dict."""
    await _check_plain_world(make, "json")


async def check_python_worlds_behave_alike(make: SandboxFactory) -> None:
    """State, failure and isolation of a world of the tool code's own."""
    await _check_plain_world(make, "python")


async def check_runs_are_equal_across_sessions_and_sandboxes(make: SandboxFactory) -> None:
    """Clock, random sources and hash order follow from program, seed and call alone."""
    seen: set[bytes] = set()
    for _ in range(2):
        async with _sandbox(make) as (sandbox, program):
            for _ in range(2):
                session = await sandbox.open_session(program, seed=7)
                # Other calls before it must not shift the streams.
                await session.call("chance", {"salt": len(seen)}, attempt=3)
                seen.add(_result_bytes(await session.call("chance", {"salt": 99})))
    _require(len(seen) == 1, f"expected equal runs, got {len(seen)} different ones")


async def check_streams_differ_by_seed_arguments_and_attempt(make: SandboxFactory) -> None:
    """Each part of the key counts, and equal arguments are equal however they are written."""
    async with _sandbox(make) as (sandbox, program):
        one = await sandbox.open_session(program, seed=1)
        two = await sandbox.open_session(program, seed=2)
        runs = [
            await one.call("chance", {"salt": 1}),
            await one.call("chance", {"salt": 2}),
            await one.call("chance", {"salt": 1}, attempt=1),
            await two.call("chance", {"salt": 1}),
        ]
        _require(len({_result_bytes(run) for run in runs}) == 4, "expected four different streams")
        _require_equal(await one.call("chance", {"salt": 1.0}), runs[0])


async def check_the_clock_is_the_worlds(make: SandboxFactory) -> None:
    """Python and SQL read the program's clock."""
    async with _session(make) as session:
        result = _succeeded(await session.call("moments", {}))
        wrong = {name: moment for name, moment in result.items() if moment != "2025-03-04 05:06:07"}
        _require(not wrong, f"expected the program's clock only, got {wrong}")


async def check_the_deadline_ends_a_call(make: SandboxFactory) -> None:
    """A call that hangs breaks, and a reopened session works."""
    async with _sandbox(make, limits=Limits(call_seconds=0.5)) as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        _require_broke(await session.call("hang", {}), "timeout", lost=True)
        again = await sandbox.open_session(program, seed=1)
        _require_equal(await again.call("count", {}), Succeeded({"count": 0}))


async def check_every_kind_of_break_is_told(make: SandboxFactory) -> None:
    """Each defect has its kind, and only a lost process loses the session."""
    async with _sandbox(make) as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        for tool in ("key_error", "value_error_of_the_library", "leave", "recurse", "bad_sql"):
            _require_broke(await session.call(tool, {}), "raised", lost=False)
        for tool in (
            "return_nan",
            "return_a_set",
            "return_integer_keys",
            "return_deep",
            "return_none",
        ):
            _require_broke(await session.call(tool, {}), "bad_result", lost=False)
        _require_broke(await session.call("return_much", {}), "too_large", lost=False)
        _require_broke(await session.call("endless_sql", {}), "steps", lost=False)
        _require_broke(await session.call("vanish", {}), "crashed", lost=True)
        await session.close()


async def check_the_step_budget_is_the_same_on_every_run(make: SandboxFactory) -> None:
    """SQL stops after as many rows in every session."""
    async with _sandbox(make, limits=Limits(sql_steps=300_000)) as (sandbox, program):
        for rows in (1_000, 1_000_000):
            kinds: set[str] = set()
            for _ in range(3):
                session = await sandbox.open_session(program, seed=1)
                execution = await session.call("count_up", {"rows": rows})
                kinds.add(execution.kind if isinstance(execution, Broke) else "succeeded")
            expected = {"succeeded"} if rows == 1_000 else {"steps"}
            _require(kinds == expected, f"expected {expected} for {rows} rows, got {kinds}")


async def check_only_raise_statements_refuse(make: SandboxFactory) -> None:
    """Three types, raised in the tool code itself, without an error number; nothing else."""
    async with _session(make) as session:
        for kind in ("LookupError", "ValueError", "PermissionError", "nested", "chained"):
            execution = await session.call("refuse", {"kind": kind})
            _require_equal(execution, Failed(f"refused: {kind}"))
        for kind in ("KeyError", "subclass", "library", "errno", "reraised", "OSError"):
            _require_broke(await session.call("refuse", {"kind": kind}), "raised", lost=False)


async def check_wrong_code_is_refused_before_it_runs(make: SandboxFactory) -> None:
    """Syntax, missing tools and foreign imports are findings with a line."""
    wrong = {
        "def tool(db:\n": "tools.py:1:",
        "x = 1\n": "'tool'",
        "async def tool(db): return {}\n": "tools.py:1:",
        "import os, numpy\ndef tool(db): return {}\n": "'numpy'",
        "from . import x\ndef tool(db): return {}\n": "tools.py:1:",
    }
    for code, expected in wrong.items():
        async with _sandbox(make, code=code, tools=("tool",)) as (sandbox, program):
            try:
                await sandbox.open_session(program, seed=1)
            except PolicyError as error:
                _require(any(expected in f for f in error.findings), f"got {error.findings}")
            else:
                raise AssertionError(f"expected a refusal of {code!r}")


async def check_code_that_breaks_while_loading_breaks_its_calls(make: SandboxFactory) -> None:
    """Tool code cannot make a session unavailable, only broken."""
    for code, kind in (("1 / 0", "raised"), ("__import__('os')._exit(1)", "crashed")):
        code = f"def tool(db): return {{}}\n{code}\n"
        async with _sandbox(make, code=code, tools=("tool",)) as (sandbox, program):
            session = await sandbox.open_session(program, seed=1)
            _require_broke(await session.call("tool", {}), kind)


async def check_a_large_world_can_be_worked_on(make: SandboxFactory) -> None:
    """Scan, sort, group, insert, replace and mass update over 300,000 rows."""
    tools = ("scan", "sort", "group", "insert", "replace", "update_all", "checksum")
    limits = Limits(call_seconds=60.0, cpu_seconds=60)
    async with _sandbox(
        make, code=BIG_WORLD_TOOLS, tools=tools, fill=_fill_big_world, limits=limits
    ) as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        expected: dict[str, JsonObject] = {
            "scan": {"rows": _ROWS, "total": _ROWS * (_ROWS + 1) // 2},
            "sort": {"first": _ROWS},
            "group": {"groups": 1000},
            "insert": {"rows": _ROWS + 1},
            "replace": {"name": "replaced", "rows": _ROWS + 1, "logged": 1},
            "update_all": {"changed": _ROWS + 1},
        }
        for tool, result in expected.items():
            _require_equal(await session.call(tool, {}), Succeeded(result))
        other = await sandbox.open_session(program, seed=1)
        _require_equal(await other.call("scan", {}), Succeeded(expected["scan"]))


CHECKS: tuple[Check, ...] = tuple(
    check for name, check in sorted(globals().items()) if name.startswith("check_")
)
"""All of them."""


async def _check_plain_world(make: SandboxFactory, kind: Literal["json", "python"]) -> None:
    tools = ("put", "put_and_refuse", "put_an_object", "show")
    async with _sandbox(make, kind=kind, tools=tools) as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        await session.call("put", {"value": 1})
        _require_equal(
            await session.call("put_and_refuse", {"value": 2}), Failed("changed my mind")
        )
        _require_broke(await session.call("put_an_object", {}), "raised")
        _require_equal(await session.call("show", {}), Succeeded({"start": True, "value": [1]}))
        other = await sandbox.open_session(program, seed=1)
        _require_equal(await other.call("show", {}), Succeeded({"start": True}))


@asynccontextmanager
async def _sandbox(
    make: SandboxFactory,
    *,
    kind: Literal["sqlite", "json", "python"] = "sqlite",
    code: str = TOOLS,
    tools: tuple[str, ...] | None = None,
    fill: Callable[[sqlite3.Connection], None] | None = None,
    limits: Limits = _LIMITS,
) -> AsyncGenerator[tuple[Sandbox, Program]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world"
        if kind == "sqlite":
            _write_database(path, fill or _fill_small_world)
        else:
            path.write_text(json.dumps({"start": True}), encoding="utf-8")
        names = tools if tools is not None else _defined_in(code)
        program = Program(
            digest=f"conformance:{kind}",
            tools_py=code.encode("utf-8"),
            tool_names=names,
            world_kind=kind,
            world_path=path,
            clock="2025-03-04T05:06:07Z",
            limits=limits,
        )
        sandbox = make()
        try:
            yield sandbox, program
        finally:
            await sandbox.close()


@asynccontextmanager
async def _session(make: SandboxFactory) -> AsyncGenerator[Session]:
    async with _sandbox(make) as (sandbox, program):
        yield await sandbox.open_session(program, seed=1)


def _defined_in(code: str) -> tuple[str, ...]:
    lines = (line for line in code.splitlines() if line.startswith("def "))
    return tuple(line[4 : line.index("(")] for line in lines)


def _write_database(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    connection = sqlite3.connect(path)
    try:
        with connection:
            fill(connection)
    finally:
        connection.close()


def _fill_small_world(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE thing(id INTEGER PRIMARY KEY, name TEXT NOT NULL)")


def _fill_big_world(connection: sqlite3.Connection) -> None:
    connection.executescript(
        "CREATE TABLE item(id INTEGER PRIMARY KEY, code TEXT UNIQUE, name TEXT, rank INTEGER);"
        "CREATE TABLE removed(id INTEGER);"
        "CREATE TRIGGER gone AFTER DELETE ON item BEGIN INSERT INTO removed VALUES (old.id); END;"
    )
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO item SELECT i, printf('code %08d', i), printf('name %d', i), i % 1000 FROM n",
        (_ROWS,),
    )


def _succeeded(execution: Execution) -> JsonObject:
    if not isinstance(execution, Succeeded):
        raise AssertionError(f"expected success, got {execution}")
    return execution.result


def _result_bytes(execution: Execution) -> bytes:
    return canonical_bytes(_succeeded(execution))


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def _require_equal(came: Execution, expected: Execution) -> None:
    _require(came == expected, f"expected {expected}, got {came}")


def _require_broke(came: Execution, kind: str, *, lost: bool | None = None) -> None:
    right = isinstance(came, Broke) and came.kind == kind and lost in (None, came.session_lost)
    _require(right, f"expected {kind!r} with session_lost={lost}, got {came}")
