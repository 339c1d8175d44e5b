"""A suite of the small library and a city guide, with a task over both."""

import sqlite3
from contextlib import closing
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import (
    Answer,
    Budget,
    Expectation,
    FinalState,
    StateAssertion,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.servers import Bundle, Suite, write_bundle, write_suite
from tests.servers.small_bundle import NAME as LIBRARY

GUIDE = "city-guide"
SUITE = "town"
JOINT_TASK = "founding-of-the-branch-city"
STATE_TASK = "note-on-a-city"
GUIDE_TASK = "founding-of-rostock"
GOLD_YEAR = 1929

_TOOLS = '''\
"""Tools of a city guide."""


def get_city(world, *, name):
    row = world.execute("SELECT name, founded, note FROM cities WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise LookupError(f"no city {name!r}")
    return {"name": row[0], "founded": row[1], "note": row[2]}


def list_cities(world):
    rows = world.execute("SELECT name FROM cities ORDER BY name").fetchall()
    return {"names": [row[0] for row in rows], "truncated": False}


def set_note(world, *, name, note):
    if not world.execute("UPDATE cities SET note = ? WHERE name = ?", (note, name)).rowcount:
        raise LookupError(f"no city {name!r}")
    return {"name": name}


def remove_city(world, *, name):
    return {"removed": world.execute("DELETE FROM cities WHERE name = ?", (name,)).rowcount}
'''


def write_guide(folder: Path) -> Bundle:
    folder.mkdir(parents=True, exist_ok=True)
    world = folder / "cities.sqlite"
    world.unlink(missing_ok=True)
    with closing(sqlite3.connect(world)) as db:
        db.execute("CREATE TABLE cities (name TEXT PRIMARY KEY, founded INTEGER, note TEXT)")
        db.execute("INSERT INTO cities VALUES ('Rostock', 1218, ''), ('Wuppertal', 1929, '')")
        db.commit()
    text: JsonObject = {"type": "string"}
    city: JsonObject = {"name": text, "founded": {"type": "integer"}, "note": text}
    environment = Environment(
        name=GUIDE,
        title="City guide",
        description="Cities and what is noted of them.",
        domain="travel",
        format_version=1,
        tools=(
            _tool("get_city", {"name": text}, city, read_only=True),
            _tool(
                "list_cities",
                {},
                {"names": {"type": "array", "items": text}, "truncated": {"type": "boolean"}},
                read_only=True,
            ),
            _tool("set_note", {"name": text, "note": text}, {"name": text}, read_only=False),
            _tool("remove_city", {"name": text}, {"removed": {"type": "integer"}}, read_only=False),
        ),
        world=World(kind="sqlite", file="world.sqlite"),
        licence=Licence(name="CC0-1.0", source="made up"),
        provenance={"source": "made up for tests"},
    )
    return write_bundle(folder / GUIDE, environment, tools_py=_TOOLS, world=world, tasks=())


def joint_tasks(library: Bundle, guide: Bundle) -> tuple[Task, ...]:
    both = (library.digests.environment, guide.digests.environment)
    joint = Task(
        id=JOINT_TASK,
        environments=both,
        budget=Budget(calls=8),
        turns=(_turn("When was the city of the branch Hillside founded?"),),
        sub_questions=(
            SubQuestion(
                id="city",
                question="In which city is the branch Hillside?",
                environment=LIBRARY,
                tool="list_branches",
                arguments={"limit": 10},
                answer=Answer(path="/rows/1/city", kind="text", value="Wuppertal"),
            ),
            SubQuestion(
                id="year",
                question="When was it founded?",
                environment=GUIDE,
                tool="get_city",
                arguments={"name": {"$from": "city", "path": ""}},
                depends_on=("city",),
                answer=Answer(path="/founded", kind="number", value=GOLD_YEAR),
            ),
        ),
    )
    wanted = FinalState(
        assertions=(
            StateAssertion(
                environment=GUIDE,
                path='/tables/cities/{"name":"Rostock"}/after/note',
                equals="by the sea",
            ),
        )
    )
    noted = joint.model_copy(
        update={
            "id": STATE_TASK,
            "turns": (_turn("Note that Rostock is by the sea."),),
            "sub_questions": (),
            "final_state": wanted,
        }
    )
    alone = joint.model_copy(
        update={
            "id": GUIDE_TASK,
            "environments": both[1:],
            "turns": (_turn("When was Rostock founded?"),),
            "sub_questions": (
                SubQuestion(
                    id="year",
                    question="When was Rostock founded?",
                    environment=GUIDE,
                    tool="get_city",
                    arguments={"name": "Rostock"},
                    answer=Answer(path="/founded", kind="number", value=1218),
                ),
            ),
        }
    )
    return joint, noted, alone


def write_town(folder: Path, library: Bundle) -> Suite:
    """Write the suite into `folder`/town and return it."""
    guide = write_guide(folder)
    return write_suite(
        folder / SUITE,
        name=SUITE,
        title="Town",
        members=(library, guide),
        tasks=joint_tasks(library, guide),
        report={"gold_replay": "3 of 3"},
    )


def _turn(say: str) -> Turn:
    return Turn(say=say, expect=Expectation(kind="act"))


def _tool(name: str, takes: JsonObject, gives: JsonObject, *, read_only: bool) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=f"Test tool {name.replace('_', ' ')}.",
        input_schema=_object(takes),
        output_schema=_object(gives),
        read_only=read_only,
    )


def _object(properties: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list[Json](properties),
        "additionalProperties": False,
    }
