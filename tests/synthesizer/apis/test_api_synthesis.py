import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.client import OracleAgent, open_arena
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError, SourceError, SynthesisError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.synthesizer.apis.api_options import ApiOptions
from astra_arena.synthesizer.apis.api_synthesis import ApiSynthesis, synthesize_api
from astra_arena.synthesizer.apis.document import read_document
from tests.support.requirement import requirement
from tests.synthesizer.apis.conftest import OPTIONS, PETSTORE


@requirement("api:schemas")
def test_served_tools_take_what_the_operation_takes_and_give_what_it_gives(
    petstore: ApiSynthesis,
) -> None:
    tools = {tool.name: tool for tool in petstore.bundle.environment.tools}
    content: Json = read_document(PETSTORE).content
    pet = resolve_pointer(content, "/definitions/Pet")
    assert isinstance(pet, dict)
    found = tools["find_pets_by_status"]
    document = resolve_pointer(content, "/paths/~1pet~1findByStatus/get/parameters/0")
    taken = resolve_pointer(found.input_schema, "/properties/status")
    assert isinstance(document, dict)
    assert isinstance(taken, dict)
    assert found.input_schema["required"] == ["status"]
    assert (taken["type"], taken["items"]) == (document["type"], document["items"])
    shown = resolve_pointer(found.output_schema, "/properties/result/items")
    assert isinstance(shown, dict)
    assert shown["required"] == pet["required"]
    for schema in (shown, tools["add_pet"].input_schema):
        properties, stated = schema["properties"], pet["properties"]
        assert isinstance(properties, dict)
        assert isinstance(stated, dict)
        assert properties.keys() == stated.keys()
        assert properties["status"] == stated["status"]


@requirement("api:coverage")
def test_each_operation_is_a_tool_or_stands_in_the_report_with_a_reason(
    petstore: ApiSynthesis,
) -> None:
    report = json.loads(petstore.path.read_text(encoding="utf-8"))["coverage"]
    paths = read_document(PETSTORE).content["paths"]
    assert isinstance(paths, dict)
    count = sum(len(item) for item in paths.values() if isinstance(item, dict))
    assert report["operations"] == count
    assert len(report["tools"]) + len(report["uncovered"]) == count
    assert report["share"] == pytest.approx(14 / 20)
    assert all(one["reason"] for one in report["uncovered"])


@requirement("api:rows")
def test_every_reference_between_made_up_rows_holds(petstore: ApiSynthesis) -> None:
    with closing(sqlite3.connect(petstore.bundle.path / "world.sqlite")) as world:
        assert world.execute("PRAGMA foreign_key_check").fetchall() == []
        (referring,) = world.execute(
            'SELECT count(*) FROM orders JOIN pets ON pets.id = orders."petId"'
        ).fetchone()
    assert referring > 0


@requirement("api:oracle")
async def test_gold_earns_everything_on_every_released_task(petstore: ApiSynthesis) -> None:
    async with open_arena(petstore.bundle.path) as arena:
        oracle = OracleAgent(arena.bundle.tasks)
        rewards = [(await arena.play(task.id, oracle)).reward for task in arena.tasks]
    assert len(rewards) == OPTIONS.tasks
    assert set(rewards) == {1.0}


@requirement("api:gates")
def test_all_release_gates_ran_on_what_was_released(petstore: ApiSynthesis) -> None:
    gates = petstore.report["gates"]
    assert isinstance(gates, list)
    assert len(gates) == 12


@requirement("api:deterministic")
def test_equal_documents_and_seeds_give_equal_bytes(petstore: ApiSynthesis, tmp_path: Path) -> None:
    again = synthesize_api(PETSTORE, tmp_path / "again", OPTIONS)
    assert again.bundle.digests == petstore.bundle.digests
    for name in ("tools.py", "world.sqlite", "tasks.jsonl", "environment.json", "report.json"):
        ours = (petstore.bundle.path / name).read_bytes()
        assert (again.bundle.path / name).read_bytes() == ours, name


@requirement("api:tool-list")
def test_a_pulled_tool_list_becomes_an_environment(petstore: ApiSynthesis, tmp_path: Path) -> None:
    tools: list[JsonObject] = [
        {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "outputSchema": tool.output_schema,
        }
        for tool in petstore.bundle.environment.tools
        if tool.name in ("get_pet_by_id", "place_order", "get_order_by_id", "delete_order")
    ]
    pulled = tmp_path / "tools.json"
    pulled.write_text(json.dumps({"result": {"tools": tools}}), encoding="utf-8")
    made = synthesize_api(
        pulled, tmp_path / "made", ApiOptions(tasks=6, gates=("schema", "replay"))
    )
    names = [tool.name for tool in made.bundle.environment.tools]
    assert "get_pet_by_id" in names
    assert made.bundle.tasks


@requirement("api:errors")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"openapi": "4.0.0", "paths": {}}', "OpenAPI 4.0.0"),
        ('{"openapi": "3.0.0"}', "no 'paths'"),
        ('{"name": "x"}', "an object with name"),
        ("{", "cannot be parsed"),
        ("a: [1", "cannot be parsed"),
    ],
)
def test_a_document_of_something_else_is_refused_with_what_was_expected(
    text: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "doc.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="expected an OpenAPI document") as caught:
        read_document(path)
    assert told in caught.value.message


@requirement("api:errors")
def test_a_pattern_that_fits_no_operation_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    options = ApiOptions(include=("invoices",))
    with pytest.raises(SettingsError, match="fits no operation; give an operation like add_pet"):
        synthesize_api(PETSTORE, tmp_path / "out", options)


@requirement("api:errors")
def test_operations_without_rows_are_told_with_their_reason(tmp_path: Path) -> None:
    options = ApiOptions(include=("get_inventory",))
    with pytest.raises(SynthesisError, match="map of free names"):
        synthesize_api(PETSTORE, tmp_path / "out", options)


@requirement("api:schemas")
def test_what_a_body_needs_is_needed_and_what_is_not_described_is_named(tmp_path: Path) -> None:
    book = {
        "type": "object",
        "required": ["id", "title"],
        "properties": {
            "id": {"type": "integer"},
            "title": {"type": "string"},
            "pages": {"type": "integer"},
        },
    }
    new = {**book, "required": ["title"]}
    body = {"content": {"application/json": {"schema": new}}}
    one = {"200": {"description": "", "content": {"application/json": {"schema": book}}}}
    listed = {"type": "array", "items": book}
    many = {"200": {"description": "", "content": {"application/json": {"schema": listed}}}}
    key = {"name": "bookId", "in": "path", "required": True, "schema": {"type": "integer"}}
    document = {
        "openapi": "3.0.0",
        "info": {"title": "Books", "version": "1"},
        "paths": {
            "/books": {
                "get": {"operationId": "listBooks", "responses": many},
                "post": {"operationId": "createBook", "requestBody": body, "responses": one},
            },
            "/books/{bookId}": {
                "get": {"operationId": "getBook", "parameters": [key], "responses": one}
            },
        },
    }
    path = tmp_path / "books.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    made = synthesize_api(path, tmp_path / "books", ApiOptions(tasks=3, gates=("schema",)))
    tools = {tool.name: tool for tool in made.bundle.environment.tools}
    assert tools["create_book"].input_schema["required"] == ["title"]
    assert tools["get_book"].description == "Get one book. (GET /books/{bookId})"
    asked = " ".join(task.prompt for task in made.bundle.tasks)
    assert "the pages of" not in asked
