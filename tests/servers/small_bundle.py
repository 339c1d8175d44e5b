"""A small lending library as a bundle: real SQL tools, and tools that misbehave in each known way.

The gold answers are the phone number and the city below; no prompt or description contains them, so
that a test can look for them in whatever the servers send.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import (
    Answer,
    Budget,
    Expectation,
    RowSelector,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.servers.bundles.bundle import Bundle, write_bundle

NAME = "small-library"
TASK = "phone-of-emma-reader"
ONE_STEP_TASK = "city-of-branch"
UNSUPPORTED_TASK = "nothing-to-grade"
GOLD_PHONE = "+49 30 5550173"
GOLD_CITY = "Wuppertal"
SECRET = "credential-of-the-operator"
"""In the text of an exception that tool code raises; no agent may ever read it."""

_SCHEMA = """
CREATE TABLE branches (branch_id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
CREATE TABLE readers (reader_id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT NOT NULL);
CREATE TABLE loans (
  loan_id INTEGER PRIMARY KEY, title TEXT NOT NULL, reader_id INTEGER NOT NULL,
  branch_id INTEGER NOT NULL, returned INTEGER NOT NULL DEFAULT 0
);
INSERT INTO branches VALUES (1, 'Harbour', 'Rostock'), (2, 'Hillside', 'Wuppertal');
INSERT INTO readers VALUES
  (1, 'Ada', '+49 30 5550101'), (2, 'Ben', '+49 30 5550173'), (3, 'Cleo', '+49 30 5550119');
INSERT INTO loans VALUES
  (1, 'Persuasion', 1, 1, 0), (2, 'Emma', 2, 2, 0), (3, 'Middlemarch', 3, 2, 1);
"""

TOOLS_PY = '''\
"""Tools of a small lending library."""

import random
import time


def _rows(world, sql, *values):
    cursor = world.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def find_loan(world, *, title):
    rows = _rows(world, "SELECT * FROM loans WHERE title = ? ORDER BY loan_id", title)
    if not rows:
        raise LookupError(f"no loan of {title!r}")
    return rows[0]


def get_reader(world, *, reader_id):
    rows = _rows(world, "SELECT * FROM readers WHERE reader_id = ? ORDER BY reader_id", reader_id)
    if not rows:
        raise LookupError(f"no reader {reader_id}")
    return rows[0]


def list_branches(world, *, limit=10):
    return {"rows": _rows(world, "SELECT * FROM branches ORDER BY branch_id LIMIT ?", limit)}


def return_book(world, *, loan_id):
    changed = world.execute(
        "UPDATE loans SET returned = 1 WHERE loan_id = ? AND returned = 0", (loan_id,)
    ).rowcount
    if changed == 0:
        raise ValueError(f"loan {loan_id} is not out")
    left = world.execute("SELECT count(*) FROM loans WHERE returned = 0").fetchone()[0]
    return {"loan_id": loan_id, "out": left}


def draw_reader(world):
    return {"reader_id": random.randint(1, 1_000_000)}


def misbehave(world, *, how, note=""):
    if how == "raise":
        raise RuntimeError("credential-of-the-operator")
    if how == "hang":
        while True:
            time.sleep(0.01)
    if how == "list":
        return [1, 2, 3]
    if how == "large":
        return {"text": "x" * 5_000_000}
    if how == "break-schema":
        world.execute("UPDATE loans SET returned = 1")
        return {"text": 7}
    if how == "exit":
        raise SystemExit(3)
    return {"text": note}
'''


def write_small_bundle(folder: Path, environment: Environment | None = None) -> Bundle:
    """Write the bundle, or another version of it, into `folder`/small-library and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    world = folder / "source.sqlite"
    world.unlink(missing_ok=True)
    with closing(sqlite3.connect(world)) as db:
        db.executescript(_SCHEMA)
        db.commit()
    return write_bundle(
        folder / NAME,
        environment or small_environment(),
        tools_py=TOOLS_PY,
        world=world,
        tasks=small_tasks(),
        report={"gold_replay": "2 of 2"},
    )


def small_environment() -> Environment:
    loan: JsonObject = {
        "loan_id": {"type": "integer"},
        "title": {"type": "string"},
        "reader_id": {"type": "integer"},
        "branch_id": {"type": "integer"},
        "returned": {"type": "integer"},
    }
    reader: JsonObject = {
        "reader_id": {"type": "integer"},
        "name": {"type": "string"},
        "phone": {"type": "string"},
    }
    branch: JsonObject = {
        "branch_id": {"type": "integer"},
        "name": {"type": "string"},
        "city": {"type": "string"},
    }
    hows: list[Json] = ["raise", "hang", "list", "large", "break-schema", "exit", "echo"]
    return Environment(
        name=NAME,
        title="Small library",
        description="Loans, readers and branches of a lending library.",
        domain="library",
        format_version=1,
        tools=(
            _tool("find_loan", {"title": {"type": "string"}}, loan),
            _tool("get_reader", {"reader_id": {"type": "integer"}}, reader),
            _tool(
                "list_branches",
                {"limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}},
                {"rows": {"type": "array", "items": _object(branch)}},
                required=(),
            ),
            _tool(
                "return_book",
                {"loan_id": {"type": "integer"}},
                {"loan_id": {"type": "integer"}, "out": {"type": "integer"}},
                read_only=False,
            ),
            _tool("draw_reader", {}, {"reader_id": {"type": "integer"}}),
            _tool(
                "misbehave",
                {
                    "how": {"type": "string", "enum": hows},
                    "note": {"type": "string", "default": ""},
                },
                {"text": {"type": "string"}},
                required=("how",),
                read_only=False,
            ),
        ),
        world=World(kind="sqlite", file="world.sqlite"),
        licence=Licence(name="CC0-1.0", source="made up"),
        provenance={"source": "made up for tests"},
    )


def small_tasks() -> tuple[Task, ...]:
    two_steps = Task(
        id=TASK,
        environments=("sha256:unbound",),
        budget=Budget(calls=8, seconds=60.0),
        difficulty={"hops": 2},
        turns=(_turn("What is the phone number of the reader who has borrowed Emma?"),),
        sub_questions=(
            SubQuestion(
                id="loan",
                question="Which reader has borrowed Emma?",
                environment=NAME,
                tool="find_loan",
                arguments={"title": "Emma"},
                answer=Answer(path="/reader_id", kind="number", value=2),
            ),
            SubQuestion(
                id="phone",
                question="What is that reader's phone number?",
                environment=NAME,
                tool="get_reader",
                arguments={"reader_id": {"$from": "loan", "path": ""}},
                depends_on=("loan",),
                answer=Answer(path="/phone", kind="text", value=GOLD_PHONE),
            ),
        ),
    )
    one_step = Task(
        id=ONE_STEP_TASK,
        environments=("sha256:unbound",),
        turns=(_turn("In which city is the branch Hillside?"),),
        sub_questions=(
            SubQuestion(
                id="city",
                question="In which city is the branch Hillside?",
                environment=NAME,
                tool="list_branches",
                arguments={"limit": 10},
                answer=Answer(
                    path="/rows/1/city",
                    where=RowSelector(
                        rows="/rows", equals={"name": "Hillside"}, field="/city", gold_rows=2
                    ),
                    kind="text",
                    value=GOLD_CITY,
                ),
            ),
        ),
    )
    unsupported = two_steps.model_copy(
        update={
            "id": UNSUPPORTED_TASK,
            "turns": (_turn("Have a look around."),),
            "sub_questions": (),
        }
    )
    return two_steps, one_step, unsupported


def _turn(say: str) -> Turn:
    return Turn(say=say, expect=Expectation(kind="act"))


def _tool(
    name: str,
    properties: JsonObject,
    result: JsonObject,
    *,
    required: tuple[str, ...] | None = None,
    read_only: bool = True,
) -> ToolSpec:
    needed = tuple(properties) if required is None else required
    return ToolSpec(
        name=name,
        description=f"Test tool {name.replace('_', ' ')}.",
        input_schema=_object(properties, needed),
        output_schema=_object(result, tuple(result)),
        read_only=read_only,
    )


def _object(properties: JsonObject, required: tuple[str, ...] | None = None) -> JsonObject:
    needed = tuple(properties) if required is None else required
    return {
        "type": "object",
        "properties": properties,
        "required": list[Json](needed),
        "additionalProperties": False,
    }
