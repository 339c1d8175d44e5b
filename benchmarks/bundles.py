"""The bundles that are measured: an echo like the floor's, and one scan of the flights world."""

import sqlite3
from contextlib import closing
from pathlib import Path

from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.servers import Bundle, write_bundle
from astra_arena.servers.emission.emit import emit_server

ECHO = '''\
def echo(world, *, text: str) -> dict:
    """Return the text."""
    return {"text": text}
'''

SCAN = '''\
def scan(world, *, text: str) -> dict:
    """Read every row of the flights."""
    rows = 0
    for row in world.execute("SELECT * FROM flights ORDER BY rowid"):
        rows += 1
    return {"text": str(rows)}
'''

TEXT_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def write_echo(folder: Path, *, name: str = "echo") -> Bundle:
    """Write a bundle with the echo tool."""
    world = folder / "empty.sqlite"
    world.unlink(missing_ok=True)
    with closing(sqlite3.connect(world)) as connection:
        connection.execute("CREATE TABLE unused (a)")
    return _write(folder / name, "echo", ECHO, world, name=name)


def write_scan(folder: Path, flights: Bundle) -> Bundle:
    """Write the bundle whose tool scans the flights world."""
    return _write(folder / "scan", "scan", SCAN, flights.path / "world.sqlite", name="scan")


def _write(path: Path, tool: str, code: str, world: Path, *, name: str) -> Bundle:
    environment = Environment(
        name=name,
        title=name,
        description="For measuring.",
        domain="benchmark",
        format_version=1,
        tools=(
            ToolSpec(
                name=tool,
                description="For measuring.",
                input_schema=TEXT_SCHEMA,
                output_schema=TEXT_SCHEMA,
                read_only=True,
            ),
        ),
        world=World(kind="sqlite", file="world.sqlite"),
        licence=Licence(name="CC0-1.0"),
        provenance={},
    )
    task = Task(
        id="t1",
        environments=("unbound",),
        budget=Budget(calls=10_000_000, seconds=3600),
        turns=(Turn(say="Measure.", expect=Expectation(kind="act")),),
        sub_questions=(
            SubQuestion(
                id="q1",
                question="What comes back?",
                environment=name,
                tool=tool,
                arguments={"text": "x"},
                answer=Answer(path="/text", kind="exact", value="x"),
            ),
        ),
    )
    bundle = write_bundle(path, environment, tools_py=code, world=world, tasks=(task,))
    emit_server(bundle.path)
    return bundle
