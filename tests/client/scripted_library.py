"""A library in memory: who wrote a book, and where that author was born."""

from collections.abc import Callable

from astra_arena.client.scripted_venue import ScriptedVenue
from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn

NAME = "library"
BOOKS = {"Dune": "Herbert", "Emma": "Austen", "Ulysses": "Joyce", "Momo": "Ende"}
BIRTHPLACES = {"Herbert": "Tacoma", "Austen": "Steventon", "Joyce": "Dublin", "Ende": "Garmisch"}


def schema_of(name: str) -> JsonObject:
    return {
        "type": "object",
        "properties": {name: {"type": "string", "minLength": 1}},
        "required": [name],
        "additionalProperties": False,
    }


SCHEMAS = {"find_book": schema_of("title"), "find_author": schema_of("author")}


def find_book(arguments: JsonObject) -> JsonObject:
    title = str(arguments["title"])
    if title not in BOOKS:
        raise LookupError(f"no book {title!r}")
    return {"title": title, "author": BOOKS[title]}


def find_author(arguments: JsonObject) -> JsonObject:
    author = str(arguments["author"])
    if author not in BIRTHPLACES:
        raise LookupError(f"no author {author!r}")
    return {"author": author, "born_in": BIRTHPLACES[author]}


def birthplace_task(title: str, *, budget: Budget | None = None) -> Task:
    author = BOOKS[title]
    book = SubQuestion(
        id="author",
        question=f"Who wrote {title}?",
        environment=NAME,
        tool="find_book",
        arguments={"title": title},
        answer=Answer(path="/author", kind="exact", value=author),
    )
    birthplace = SubQuestion(
        id="birthplace",
        question="Where was that author born?",
        environment=NAME,
        tool="find_author",
        arguments={"author": {"$from": "author", "path": ""}},
        depends_on=("author",),
        answer=Answer(path="/born_in", kind="exact", value=BIRTHPLACES[author]),
    )
    return Task(
        id=title.lower(),
        environments=("sha256:0",),
        budget=budget or Budget(calls=8),
        turns=(Turn(say=f"Where was the author of {title} born?", expect=Expectation(kind="act")),),
        sub_questions=(book, birthplace),
    )


TASKS = tuple(birthplace_task(title) for title in BOOKS)


def never(_task_id: str, _opened: int) -> bool:
    return False


def library(
    tasks: tuple[Task, ...] = TASKS, *, breaks: Callable[[str, int], bool] = never
) -> ScriptedVenue:
    return ScriptedVenue(
        NAME,
        tasks,
        {"find_book": find_book, "find_author": find_author},
        input_schemas=SCHEMAS,
        breaks=breaks,
    )
