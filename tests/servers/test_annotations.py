"""Hints about tools: read off their code, never better than the code."""

from pathlib import Path

import pytest
from mcp import Client

from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, build_mcp_server, open_episode, write_bundle
from astra_arena.servers.agent_plane.annotations import READING, UNKNOWN, ToolHints, tool_hints
from astra_arena.servers.agent_plane.sql_writes import ToolCode
from tests.servers.playing import ERAS, Era
from tests.servers.small_bundle import TASK, small_environment, small_tasks, write_small_bundle
from tests.support.requirement import requirement

ADDS = ToolHints(read_only=False, destructive=False, idempotent=False)
REPEATS = ToolHints(read_only=False, destructive=True, idempotent=True)

SHARED = """
_QUERY = "SELECT 1"

def _run(world, sql, *values):
    return world.execute(sql, values)

def _put(world, table, row):
    places = ", ".join("?" for _ in row)
    return _run(world, f"INSERT INTO {table} VALUES ({places})", *row)
"""


def bundle_with(tmp_path: Path, code: str, *, read_only: bool = False) -> Bundle:
    """Return the small library with `act` as its only tool."""
    shape: JsonObject = {"type": "object"}
    act = ToolSpec(
        name="act",
        description="Act.",
        input_schema={**shape, "properties": {"x": {"type": "integer", "default": 1}}},
        output_schema=shape,
        read_only=read_only,
    )
    environment = small_environment().model_copy(update={"tools": (act,)})
    world = tmp_path / "w.sqlite"
    small = write_small_bundle(tmp_path / "small")
    world.write_bytes((small.path / "world.sqlite").read_bytes())
    task = small_tasks()[1]
    return write_bundle(
        tmp_path / "made", environment, tools_py=SHARED + code, world=world, tasks=(task,)
    )


@requirement("agent:annotations")
@pytest.mark.parametrize(
    ("body", "hints"),
    [
        ('world.execute("INSERT INTO loans (title) VALUES (?)", (x,))', ADDS),
        ('world.execute("INSERT OR REPLACE INTO loans (title) VALUES (?)", (x,))', UNKNOWN),
        ('world.execute("REPLACE INTO loans (title) VALUES (?)", (x,))', UNKNOWN),
        ('world.execute("INSERT INTO l (a) VALUES (1) ON CONFLICT DO UPDATE SET a = 2")', UNKNOWN),
        ('_put(world, "loans", [x])', ADDS),
        ('world.execute(_QUERY); _run(world, "DELETE FROM loans WHERE loan_id = ?", x)', REPEATS),
        ('world.execute("UPDATE loans SET returned = 1, title = ? WHERE loan_id = 2")', REPEATS),
        ('world.execute("UPDATE loans SET returned = returned + 1")', UNKNOWN),
        ('world.execute(f"UPDATE loans SET {x} = ?", (1,))', UNKNOWN),
        ('sql = "DELETE FROM loans"\n    world.execute(sql)', REPEATS),
        ('sql = "DELETE"\n    sql += " FROM loans"\n    world.execute(sql)', UNKNOWN),
        ('world.execute("DELETE FROM loans" if x else "DELETE FROM readers")', REPEATS),
        ('for sql in ("DELETE FROM loans",):\n        world.execute(sql)', UNKNOWN),
        ("world.execute(x)", UNKNOWN),
        ("_run(world, x)", UNKNOWN),
        ("_run(world, str(x))", UNKNOWN),
        ('world.executescript("DELETE FROM loans")', UNKNOWN),
        ('getattr(world, "exe" + "cute")("DELETE FROM loans")', UNKNOWN),
        ('world.execute("INSERT INTO loans (title) VALUES (1)" + x)', UNKNOWN),
        ('world.execute("SELECT 1")', UNKNOWN),
        ("world.backup(x)", UNKNOWN),
    ],
)
def test_hints_say_what_the_sql_of_a_tool_does_and_no_more(
    tmp_path: Path, body: str, hints: ToolHints
) -> None:
    code = f'\ndef act(world, *, x=1):\n    """Insert nothing."""\n    {body}\n    return {{}}\n'
    assert tool_hints(bundle_with(tmp_path, code)) == {"act": hints}


def test_code_that_does_not_parse_gives_no_hints_and_no_error() -> None:
    with pytest.raises(SyntaxError):
        ToolCode(b"def act(:")


@requirement("agent:annotations")
@pytest.mark.parametrize("era", ERAS)
async def test_clients_get_the_hints_with_the_tools(bundle: Bundle, era: Era) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task(TASK), sandbox)
        async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
            listed = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
        await episode.close()
    told = {
        name: (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint)
        for name, hints in listed.items()
        if hints is not None and hints.open_world_hint is False
    }
    assert told == {
        "find_loan": (True, False, True),
        "get_reader": (True, False, True),
        "list_branches": (True, False, True),
        "return_book": (False, True, True),
        "draw_reader": (True, False, True),
        "misbehave": (False, True, True),
    }


@requirement("agent:annotations")
async def test_a_tool_that_says_it_reads_and_writes_breaks_and_leaves_no_trace(
    tmp_path: Path,
) -> None:
    code = "\ndef act(world, *, x=1):\n    world.execute('DELETE FROM loans')\n    return {}\n"
    bundle = bundle_with(tmp_path, code, read_only=True)
    assert tool_hints(bundle) == {"act": READING}
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.tasks[0], sandbox)
        reply = await episode.call("act", {})
        state = (await episode.state())[bundle.name]
        await episode.close()
    assert reply.text == "the tool failed"
    (call,) = episode.calls
    assert (call.outcome, call.defect) == (
        "environment_error",
        "wrote: a tool that only reads has changed the world",
    )
    assert state is not None
    assert state.difference == {"tables": {}}
