"""Checks that every sandbox must pass, whatever confines its tool code.

```python
@pytest.mark.parametrize("check", CHECKS)
async def test_it_conforms(check: Check) -> None:
    await check(ProcessSandbox)
```
"""

import sqlite3
from typing import Literal

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import PolicyError
from astra_arena.sandbox.conformance_code import BIG_WORLD_TOOLS
from astra_arena.sandbox.conformance_state import STATE_CHECKS
from astra_arena.sandbox.conformance_support import (
    Check,
    SandboxFactory,
    opened_sandbox,
    opened_session,
    require,
    require_broke,
    require_equal,
    result_bytes,
    succeeded,
)
from astra_arena.sandbox.contract import Broke, Failed, Limits, Succeeded

_ROWS = 300_000


async def check_arguments_and_results_arrive_unchanged(make: SandboxFactory) -> None:
    """JSON goes in and comes out as it is."""
    value: JsonObject = {"text": "é\u2028\n😀", "list": [1, 2.5, None, True], "big": 10**30}
    async with opened_session(make) as session:
        require_equal(await session.call("echo", {"value": value}), Succeeded({"value": value}))


async def check_state_persists_inside_a_session(make: SandboxFactory) -> None:
    """A later call sees what an earlier one wrote."""
    async with opened_session(make) as session:
        await session.call("add_row", {"name": "a"})
        require_equal(await session.call("count", {}), Succeeded({"count": 1}))


async def check_a_failed_call_leaves_no_trace(make: SandboxFactory) -> None:
    """What a call wrote before it failed or broke is gone."""
    async with opened_session(make) as session:
        require_equal(await session.call("add_and_refuse", {}), Failed("changed my mind"))
        require_broke(await session.call("add_and_break", {}), "raised")
        require_broke(await session.call("add_and_return_a_list", {}), "bad_result")
        require_equal(await session.call("count", {}), Succeeded({"count": 0}))


async def check_sessions_are_isolated(make: SandboxFactory) -> None:
    """One session's world is not another's."""
    async with opened_sandbox(make) as (sandbox, program):
        left = await sandbox.open_session(program, seed=1)
        right = await sandbox.open_session(program, seed=1)
        await left.call("add_row", {"name": "a"})
        require_equal(await right.call("count", {}), Succeeded({"count": 0}))


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
        async with opened_sandbox(make) as (sandbox, program):
            for _ in range(2):
                session = await sandbox.open_session(program, seed=7)
                # Other calls before it must not shift the streams.
                await session.call("chance", {"salt": len(seen)}, attempt=3)
                seen.add(result_bytes(await session.call("chance", {"salt": 99})))
    require(len(seen) == 1, f"expected equal runs, got {len(seen)} different ones")


async def check_streams_differ_by_seed_arguments_and_attempt(make: SandboxFactory) -> None:
    """Each part of the key counts, and equal arguments are equal however they are written."""
    async with opened_sandbox(make) as (sandbox, program):
        one = await sandbox.open_session(program, seed=1)
        two = await sandbox.open_session(program, seed=2)
        runs = [
            await one.call("chance", {"salt": 1}),
            await one.call("chance", {"salt": 2}),
            await one.call("chance", {"salt": 1}, attempt=1),
            await two.call("chance", {"salt": 1}),
        ]
        require(len({result_bytes(run) for run in runs}) == 4, "expected four different streams")
        require_equal(await one.call("chance", {"salt": 1.0}), runs[0])


async def check_the_clock_is_the_worlds(make: SandboxFactory) -> None:
    """Python and SQL read the program's clock."""
    async with opened_session(make) as session:
        result = succeeded(await session.call("moments", {}))
        wrong = {name: moment for name, moment in result.items() if moment != "2025-03-04 05:06:07"}
        require(not wrong, f"expected the program's clock only, got {wrong}")


async def check_the_deadline_ends_a_call(make: SandboxFactory) -> None:
    """A call that hangs breaks, and a reopened session works."""
    async with opened_sandbox(make, limits=Limits(call_seconds=0.5)) as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        require_broke(await session.call("hang", {}), "timeout", lost=True)
        again = await sandbox.open_session(program, seed=1)
        require_equal(await again.call("count", {}), Succeeded({"count": 0}))


async def check_every_kind_of_break_is_told(make: SandboxFactory) -> None:
    """Each defect has its kind, and only a lost process loses the session."""
    async with opened_sandbox(make) as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        for tool in ("key_error", "value_error_of_the_library", "leave", "recurse", "bad_sql"):
            require_broke(await session.call(tool, {}), "raised", lost=False)
        for tool in (
            "return_nan",
            "return_a_set",
            "return_integer_keys",
            "return_deep",
            "return_none",
        ):
            require_broke(await session.call(tool, {}), "bad_result", lost=False)
        require_broke(await session.call("return_much", {}), "too_large", lost=False)
        require_broke(await session.call("endless_sql", {}), "steps", lost=False)
        require_broke(await session.call("vanish", {}), "crashed", lost=True)
        await session.close()


async def check_the_step_budget_is_the_same_on_every_run(make: SandboxFactory) -> None:
    """SQL stops after as many rows in every session."""
    async with opened_sandbox(make, limits=Limits(sql_steps=300_000)) as (sandbox, program):
        for rows in (1_000, 1_000_000):
            kinds: set[str] = set()
            for _ in range(3):
                session = await sandbox.open_session(program, seed=1)
                execution = await session.call("count_up", {"rows": rows})
                kinds.add(execution.kind if isinstance(execution, Broke) else "succeeded")
            expected = {"succeeded"} if rows == 1_000 else {"steps"}
            require(kinds == expected, f"expected {expected} for {rows} rows, got {kinds}")


async def check_only_raise_statements_refuse(make: SandboxFactory) -> None:
    """Three types, raised in the tool code itself, without an error number; nothing else."""
    async with opened_session(make) as session:
        for kind in ("LookupError", "ValueError", "PermissionError", "nested", "chained"):
            execution = await session.call("refuse", {"kind": kind})
            require_equal(execution, Failed(f"refused: {kind}"))
        for kind in ("KeyError", "subclass", "library", "errno", "reraised", "OSError"):
            require_broke(await session.call("refuse", {"kind": kind}), "raised", lost=False)


async def check_wrong_code_is_refused_before_it_runs(make: SandboxFactory) -> None:
    """Syntax, missing tools and foreign imports are findings with a line."""
    wrong = {
        "def tool(db:\n": "tools.py:1:",
        "x = 1\n": "'tool'",
        "async def tool(db): return {}\n": "tools.py:1:",
        "import os, numpy\ndef tool(db): return {}\n": "'numpy'",
        "from . import x\ndef tool(db): return {}\n": "tools.py:1:",
        "def tool(db):\n    db.execute('DROP TABLE x')": "tools.py:2: executes DROP",
        "def tool(db):\n    db.execute(f'pragma {db}')": "tools.py:2: executes PRAGMA",
        "def tool(db):\n    db.commit()": "tools.py:2: calls 'commit'",
    }
    for code, expected in wrong.items():
        async with opened_sandbox(make, code=code, tools=("tool",)) as (sandbox, program):
            try:
                await sandbox.open_session(program, seed=1)
            except PolicyError as error:
                require(any(expected in f for f in error.findings), f"got {error.findings}")
            else:
                raise AssertionError(f"expected a refusal of {code!r}")


async def check_code_that_breaks_while_loading_breaks_its_calls(make: SandboxFactory) -> None:
    """Tool code cannot make a session unavailable, only broken."""
    for code, kind in (("1 / 0", "raised"), ("__import__('os')._exit(1)", "crashed")):
        code = f"def tool(db): return {{}}\n{code}\n"
        async with opened_sandbox(make, code=code, tools=("tool",)) as (sandbox, program):
            session = await sandbox.open_session(program, seed=1)
            require_broke(await session.call("tool", {}), kind)


async def check_a_large_world_can_be_worked_on(make: SandboxFactory) -> None:
    """Scan, sort, group, insert, replace and mass update over 300,000 rows."""
    tools = ("scan", "sort", "group", "insert", "replace", "update_all", "checksum")
    limits = Limits(call_seconds=60.0, cpu_seconds=60)
    async with opened_sandbox(
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
            require_equal(await session.call(tool, {}), Succeeded(result))
        other = await sandbox.open_session(program, seed=1)
        require_equal(await other.call("scan", {}), Succeeded(expected["scan"]))
        require(await session.state_digest() != await other.state_digest(), "one digest for two")


CHECKS: tuple[Check, ...] = (
    *(check for name, check in sorted(globals().items()) if name.startswith("check_")),
    *STATE_CHECKS,
)
"""All of them."""


async def _check_plain_world(make: SandboxFactory, kind: Literal["json", "python"]) -> None:
    tools = ("put", "put_and_refuse", "put_an_object", "show")
    async with opened_sandbox(make, kind=kind, tools=tools) as (sandbox, program):
        session = await sandbox.open_session(program, seed=1)
        await session.call("put", {"value": 1})
        require_equal(await session.call("put_and_refuse", {"value": 2}), Failed("changed my mind"))
        require_broke(await session.call("put_an_object", {}), "raised")
        require_equal(await session.call("show", {}), Succeeded({"start": True, "value": [1]}))
        other = await sandbox.open_session(program, seed=1)
        require_equal(await other.call("show", {}), Succeeded({"start": True}))


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
