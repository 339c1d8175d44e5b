"""The three kinds of world: what a call changes, what a failed call leaves, what cannot be kept."""

import sqlite3
from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox import Broke, Failed, Limits, ProcessSandbox, Succeeded
from tests.sandbox.programs import program_of, session_of

JSON_CODE = """
def put(world, *, how):
    if how == "tuple": world["x"] = (1, 2)
    if how == "keys": world[1] = "one"
    if how == "grow": world["x"] = "y" * 2_000_000
    if how == "object": world["x"] = object()
    if how == "nan": world["x"] = float("nan")
    if how == "shared": world["x"] = world["y"] = []
    return {}
def append(world):
    world["x"].append(1)
    return {}
def refuse(world): raise ValueError("no")
def show(world):
    return {"types": {str(k): type(v).__name__ for k, v in world.items()}, "y": world.get("y")}
"""

PYTHON_CODE = """
class Shelf:
    def __init__(self, things): self.things = set(things)
def open_world(initial): return Shelf(initial["things"])
def dump_world(shelf):
    if "list" in shelf.things: return []
    return {"things": sorted(shelf.things)}
def put(shelf, *, thing):
    shelf.things.add(thing)
    if thing == "refused": raise LookupError("no")
    return {}
def show(shelf): return {"type": type(shelf).__name__, "things": sorted(shelf.things)}
"""


async def test_a_json_world_is_what_its_dump_says(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, JSON_CODE, kind="json"), seed=1)
        for how in ("tuple", "keys", "shared"):
            await session.call("put", {"how": how})
        await session.call("append", {})
        shown = await session.call("show", {})
        assert await session.call("refuse", {}) == Failed("no")
        types: JsonObject = {"1": "str", "things": "list", "x": "list", "y": "list"}
        assert shown == Succeeded({"types": types, "y": []})
        assert await session.call("show", {}) == shown


@pytest.mark.parametrize("how", ["grow", "object", "nan"])
async def test_what_is_no_json_world_any_more_is_undone(tmp_path: Path, how: str) -> None:
    async with ProcessSandbox() as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, JSON_CODE, kind="json"), seed=1)
        execution = await session.call("put", {"how": how})
        assert isinstance(execution, Broke)
        assert execution.kind == "raised"
        expected = Succeeded({"types": {"things": "list"}, "y": None})
        assert await session.call("show", {}) == expected


async def test_a_python_world_is_opened_and_dumped_by_the_tool_code(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        program = program_of(tmp_path, PYTHON_CODE, kind="python")
        session = await sandbox.open_session(program, seed=1)
        await session.call("put", {"thing": "a"})
        assert await session.call("put", {"thing": "refused"}) == Failed("no")
        assert isinstance(await session.call("put", {"thing": "list"}), Broke)
        assert await session.call("show", {}) == Succeeded({"type": "Shelf", "things": ["a"]})


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff", b'{"x": "' + b"y" * (1 << 20) + b'"}'])
async def test_a_file_that_is_no_small_json_object_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    program = program_of(tmp_path, JSON_CODE, kind="json")
    program.world_path.write_bytes(content)
    async with ProcessSandbox() as sandbox:
        with pytest.raises(SandboxUnavailableError, match="world cannot be opened"):
            await sandbox.open_session(program, seed=1)


async def test_sql_defaults_and_triggers_read_the_worlds_clock(tmp_path: Path) -> None:
    world = tmp_path / "world-sqlite"
    connection = sqlite3.connect(world)
    connection.executescript("""
        CREATE TABLE thing(name TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP);
        CREATE INDEX by_day ON thing(date(at));
        CREATE TABLE log(at TEXT);
        CREATE TRIGGER t AFTER INSERT ON thing BEGIN INSERT INTO log VALUES (datetime('now')); END;
        CREATE VIEW recent AS SELECT name FROM thing WHERE at >= date('now', '-1 day');
    """)
    connection.close()
    code = """
def add(db):
    db.execute("INSERT INTO thing(name) VALUES ('a')")
    row = db.execute("SELECT t.at, l.at FROM thing t, log l").fetchone()
    return {"at": row, "recent": db.execute("SELECT name FROM recent").fetchall()}
"""
    async with session_of(tmp_path, code) as session:
        moment = "2025-01-01 00:00:00"
        expected: JsonObject = {"at": [moment, moment], "recent": [["a"]]}
        assert await session.call("add", {}) == Succeeded(expected)


async def test_sql_time_functions_keep_their_meaning_otherwise(tmp_path: Path) -> None:
    expressions = (
        "date('2024-02-29', '+1 year')",
        "date(NULL)",
        "date('garbage')",
        "datetime(0, 'unixepoch')",
        "julianday('2000-01-01')",
        "strftime('%s', '2000-01-01 00:00:00')",
        "time('12:34:56', '-1 hours')",
        "typeof(unixepoch('2000-01-01'))",
        "datetime(2460000.5)",
    )
    native = sqlite3.connect(":memory:").execute(f"SELECT {', '.join(expressions)}").fetchone()
    query = f"SELECT {', '.join(expressions)}"
    code = f"def tool(db): return {{'row': db.execute({query!r}).fetchone()}}\n"
    async with session_of(tmp_path, code) as session:
        assert await session.call("tool", {}) == Succeeded({"row": list(native)})


async def test_the_step_budget_survives_tool_code_that_catches_it(tmp_path: Path) -> None:
    code = """
def stubborn(db):
    for _ in range(5):
        try:
            numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            db.execute(f"{numbers} SELECT max(i) FROM n").fetchone()
        except Exception:
            pass
    return {}
def fine(db): return {}
"""
    async with session_of(tmp_path, code, limits=Limits(sql_steps=100_000)) as session:
        execution = await session.call("stubborn", {})
        assert isinstance(execution, Broke)
        assert execution.kind == "steps"
        assert await session.call("fine", {}) == Succeeded({})
