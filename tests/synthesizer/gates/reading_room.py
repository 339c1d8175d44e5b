"""A reading room as a bundle: sound as it is, and with one defect put in by a test."""

import json
from collections.abc import Sequence
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import (
    Alternative,
    Answer,
    Budget,
    Expectation,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.servers.bundles.bundle import Bundle, write_bundle

NAME = "reading-room"
READERS = 30
BOOKS = 40

TOOLS_PY = '''\
"""Tools of a reading room."""


def find_reader(world, *, name):
    for reader in world["readers"]:
        if reader["name"] == name:
            return dict(reader)
    raise LookupError(f"no reader {name!r}")


def list_loans(world, *, reader_id, limit=3):
    loans = [dict(loan) for loan in world["loans"] if loan["reader_id"] == reader_id]
    return {"loans": loans[:limit], "total": len(loans)}


def get_book(world, *, book_id):
    for book in world["books"]:
        if book["book_id"] == book_id:
            return dict(book)
    raise LookupError(f"no book {book_id}")


def find_books(world, *, book_id=None, pages_min=None, limit=5):
    books = [
        dict(book)
        for book in world["books"]
        if (book_id is None or book["book_id"] == book_id)
        and (pages_min is None or book["pages"] >= pages_min)
    ]
    return {"books": books[:limit], "total": len(books)}
'''


def loan_of(reader: int) -> int:
    """Return the book that a reader borrowed first."""
    return (reader * 7) % BOOKS + 500


def pages_of(book: int) -> int:
    """Return how many pages a book has."""
    return 90 + ((book - 500) * 37) % 811


def reading_room_world() -> JsonObject:
    """Return readers with two loans each, and books."""
    readers: list[Json] = [
        {"reader_id": 100 + number, "name": f"Reader {number:02d}"} for number in range(READERS)
    ]
    loans: list[Json] = [
        {"reader_id": 100 + number, "book_id": loan_of(number + turn * 11)}
        for number in range(READERS)
        for turn in range(2)
    ]
    books: list[Json] = [
        {"book_id": book, "pages": pages_of(book)} for book in range(500, 500 + BOOKS)
    ]
    return {"readers": readers, "loans": loans, "books": books}


def reading_room_task(number: int) -> Task:
    """Return the task about one reader: three calls, each on what the one before brought."""
    book = loan_of(number)
    question = f'How many pages has the book that the reader "Reader {number:02d}" borrowed first?'
    by_search: JsonObject = {
        "book_id": {"$from": "book", "path": ""},
        "pages_min": None,
        "limit": {"$any": [1, 2, 3, 5]},
    }
    return Task(
        id=f"reader-{number:02d}",
        environments=("sha256:unbound",),
        budget=Budget(calls=8),
        turns=(Turn(say=question, expect=Expectation(kind="act")),),
        sub_questions=(
            SubQuestion(
                id="reader",
                question="Which reader?",
                environment=NAME,
                tool="find_reader",
                arguments={"name": f"Reader {number:02d}"},
                answer=Answer(path="/reader_id", kind="number", value=100 + number),
            ),
            SubQuestion(
                id="book",
                question="Which book did the reader borrow first?",
                environment=NAME,
                tool="list_loans",
                arguments={"reader_id": {"$from": "reader", "path": ""}, "limit": 1},
                depends_on=("reader",),
                answer=Answer(path="/loans/0/book_id", kind="number", value=book),
                alternatives=tuple(
                    Alternative(
                        tool="list_loans",
                        arguments={"reader_id": {"$from": "reader", "path": ""}, "limit": limit},
                        path="/loans/0/book_id",
                    )
                    for limit in (2, 3, 5)
                ),
            ),
            SubQuestion(
                id="pages",
                question="How many pages has it?",
                environment=NAME,
                tool="get_book",
                arguments={"book_id": {"$from": "book", "path": ""}},
                depends_on=("book",),
                answer=Answer(path="/pages", kind="number", value=pages_of(book)),
                alternatives=(
                    Alternative(tool="find_books", arguments=by_search, path="/books/0/pages"),
                ),
            ),
        ),
    )


def reading_room_tasks() -> tuple[Task, ...]:
    """Return four sound tasks."""
    return tuple(reading_room_task(number) for number in (3, 8, 14, 21))


def with_question(task: Task, identifier: str, **changes: object) -> Task:
    """Return a task with one sub-question changed."""
    questions = tuple(
        question.model_copy(update=changes) if question.id == identifier else question
        for question in task.sub_questions
    )
    return task.model_copy(update={"sub_questions": questions})


def write_reading_room(
    folder: Path, *, tools_py: str = TOOLS_PY, tasks: Sequence[Task] | None = None
) -> Bundle:
    """Write the bundle, with other code or other tasks where a test wants a defect."""
    world = folder / "source.json"
    world.write_text(json.dumps(reading_room_world()), encoding="utf-8")
    return write_bundle(
        folder / NAME,
        _environment(),
        tools_py=tools_py,
        world=world,
        tasks=tuple(reading_room_tasks() if tasks is None else tasks),
    )


def _environment() -> Environment:
    whole: JsonObject = {"type": "integer"}
    maybe: JsonObject = {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}
    book: JsonObject = {"book_id": whole, "pages": whole}
    loan: JsonObject = {"reader_id": whole, "book_id": whole}
    return Environment(
        name=NAME,
        title="Reading room",
        description="Readers, loans and books of a reading room.",
        domain="library",
        format_version=1,
        tools=(
            _tool(
                "find_reader",
                {"name": {"type": "string"}},
                {"reader_id": whole, "name": {"type": "string"}},
            ),
            _tool(
                "list_loans",
                {"reader_id": whole, "limit": _limit(3)},
                {"loans": {"type": "array", "items": _object(loan)}, "total": whole},
            ),
            _tool("get_book", {"book_id": whole}, book),
            _tool(
                "find_books",
                {"book_id": maybe, "pages_min": maybe, "limit": _limit(5)},
                {"books": {"type": "array", "items": _object(book)}, "total": whole},
            ),
        ),
        world=World(kind="json", file="world.json"),
        licence=Licence(name="CC0-1.0", source="made up"),
        provenance={"source": "made up for tests"},
    )


def _limit(default: int) -> JsonObject:
    return {"type": "integer", "minimum": 1, "maximum": 50, "default": default}


def _tool(name: str, properties: JsonObject, result: JsonObject) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=f"{name.replace('_', ' ').capitalize()}.",
        input_schema=_object(properties),
        output_schema=_object(result),
        read_only=True,
    )


def _object(properties: JsonObject) -> JsonObject:
    required: list[Json] = [
        name
        for name, rule in properties.items()
        if isinstance(rule, dict) and "default" not in rule
    ]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
