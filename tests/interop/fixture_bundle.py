"""The environment that the conformance suite is run against, in the project's own format.

What the suite expects and can be a tool of an environment is one: JSON in, JSON out, in the
sandbox. The rest of its fixtures is in `fixture_extension`.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.servers import Bundle, write_bundle

NAME = "conformance"
TASK = "simple-text"
SIMPLE_TEXT = "This is a simple text response for testing."

_TOOLS = '''\
"""Tools that the conformance suite calls."""


def test_simple_text(world):
    row = world.execute("SELECT text FROM texts WHERE name = 'simple'").fetchone()
    return {"text": row[0]}


def test_error_handling(world):
    raise ValueError("This tool intentionally returns an error for testing")


def test_mirrored_arguments(world, *, region, count=1):
    return {"region": region, "count": count}


def json_schema_2020_12_tool(world, **given):
    return {"given": sorted(given)}
'''

_TEXT: JsonObject = {"type": "string"}
_ADDRESS: JsonObject = {
    "$anchor": "addressDef",
    "type": "object",
    "properties": {"street": _TEXT, "city": _TEXT},
}
_RICH_SCHEMA: JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": _ADDRESS},
    "properties": {
        "name": _TEXT,
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": _TEXT,
        "email": _TEXT,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def write_fixture_bundle(folder: Path) -> Bundle:
    """Write the bundle into `folder`/conformance and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    world = folder / "texts.sqlite"
    world.unlink(missing_ok=True)
    with closing(sqlite3.connect(world)) as db:
        db.execute("CREATE TABLE texts (name TEXT PRIMARY KEY, text TEXT NOT NULL)")
        db.execute("INSERT INTO texts VALUES ('simple', ?)", (SIMPLE_TEXT,))
        db.commit()
    environment = Environment(
        name=NAME,
        title="Conformance",
        description="What the MCP conformance suite calls.",
        domain="protocol",
        format_version=1,
        tools=(
            _tool("test_simple_text", _object({}), {"text": _TEXT}),
            _tool("test_error_handling", _object({}), {"text": _TEXT}),
            _tool(
                "test_mirrored_arguments",
                _object(
                    {
                        "region": {"type": "string", "x-mcp-header": "Region"},
                        "count": {"type": "integer", "default": 1},
                    },
                    "region",
                ),
                {"region": _TEXT, "count": {"type": "integer"}},
            ),
            _tool(
                "json_schema_2020_12_tool",
                _RICH_SCHEMA,
                {"given": {"type": "array", "items": _TEXT}},
            ),
        ),
        world=World(kind="sqlite", file="world.sqlite"),
        licence=Licence(name="CC0-1.0", source="made up"),
        provenance={"source": "made up for tests"},
    )
    return write_bundle(folder / NAME, environment, tools_py=_TOOLS, world=world, tasks=(_task(),))


def _task() -> Task:
    return Task(
        id=TASK,
        environments=("sha256:unbound",),
        # The suite calls tools a few hundred times.
        budget=Budget(calls=10_000, turns=8, seconds=3600.0),
        turns=(Turn(say="What is the simple text?", expect=Expectation(kind="act")),),
        sub_questions=(
            SubQuestion(
                id="text",
                question="What is the simple text?",
                environment=NAME,
                tool="test_simple_text",
                arguments={},
                answer=Answer(path="/text", kind="text", value=SIMPLE_TEXT),
            ),
        ),
    )


def _tool(name: str, takes: JsonObject, gives: JsonObject) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=f"Fixture {name.replace('_', ' ')}.",
        input_schema=takes,
        output_schema=_object(gives, *gives),
        read_only=True,
    )


def _object(properties: JsonObject, *required: str) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list[Json](required),
        "additionalProperties": False,
    }
