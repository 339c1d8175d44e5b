import pytest
from pydantic import ValidationError

from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import Environment, ToolSpec, World, environment_digest
from astra_arena.core.errors import SpecError

TOOL: JsonObject = {
    "name": "get_book",
    "description": "A book by its id.",
    "input_schema": {"type": "object"},
    "output_schema": {"type": "object"},
}
MANIFEST: JsonObject = {
    "name": "library",
    "title": "Library",
    "description": "Books.",
    "domain": "books",
    "format_version": 1,
    "tools": [TOOL],
    "world": {"kind": "sqlite", "file": "world.sqlite"},
    "licence": {"name": "CC0-1.0"},
    "provenance": {},
}


def test_a_manifest_survives_being_written_and_read() -> None:
    environment = Environment.from_json(MANIFEST, what="environment.json")
    assert Environment.from_json(environment.to_json(), what="again") == environment
    assert environment.tool("get_book") is environment.tools[0]
    assert environment.tool("nothing") is None


@pytest.mark.parametrize("name", ["reply", "_hidden", "Get", "a" * 64, "mcp", "läsen", ""])
def test_reserved_and_odd_tool_names_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match="name"):
        ToolSpec.from_json({**TOOL, "name": name}, what="tool")


@pytest.mark.parametrize(
    "schema", [{}, {"type": "array"}, {"anyOf": [{"type": "object"}]}, {"type": "objekt"}]
)
def test_a_schema_without_an_object_at_its_root_is_refused(schema: JsonObject) -> None:
    with pytest.raises(SpecError, match="schema of tool 'get_book'"):
        ToolSpec.from_json({**TOOL, "output_schema": schema}, what="tool")


def test_doubled_tool_names_are_refused() -> None:
    with pytest.raises(SpecError, match="doubled: get_book"):
        Environment.from_json({**MANIFEST, "tools": [TOOL, TOOL]}, what="environment.json")


def test_another_format_version_is_refused() -> None:
    with pytest.raises(SpecError, match="format_version"):
        Environment.from_json({**MANIFEST, "format_version": 2}, what="environment.json")


def test_the_world_file_fits_its_kind() -> None:
    with pytest.raises(ValidationError, match=r"world\.sqlite"):
        World(kind="sqlite", file="world.json")
    with pytest.raises(ValidationError, match="clock"):
        World(kind="json", file="world.json", clock="yesterday")


def test_the_digest_covers_everything_but_the_digests() -> None:
    digest = environment_digest(MANIFEST, b"code", b"world")
    assert environment_digest({**MANIFEST, "digests": {"environment": "x"}}, b"code", b"world") == (
        digest
    )
    assert environment_digest({**MANIFEST, "title": "Other"}, b"code", b"world") != digest
    assert environment_digest(MANIFEST, b"cod", b"eworld") != digest
