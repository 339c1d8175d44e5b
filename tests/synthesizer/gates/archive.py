"""A small archive of letters as a bundle: sound by itself, and easily made defective."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import Answer, Expectation, SubQuestion, Task, Turn
from astra_arena.servers.bundles.bundle import write_bundle
from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.gate import Gate, GateResult

NAME = "archive"
TEXT: JsonObject = {"type": "string"}
NUMBER: JsonObject = {"type": "integer"}

TABLES = """
CREATE TABLE letters (letter TEXT PRIMARY KEY, shelf TEXT NOT NULL, year INTEGER NOT NULL);
CREATE TABLE shelves (shelf TEXT PRIMARY KEY, room TEXT NOT NULL, code INTEGER NOT NULL);
INSERT INTO letters VALUES
  ('L-1001', 'north-7', 1801), ('L-1002', 'south-3', 1802), ('L-1003', 'east-9', 1803),
  ('L-1004', 'west-4', 1804), ('L-1005', 'attic-2', 1805), ('L-1006', 'cellar-8', 1806);
INSERT INTO shelves VALUES
  ('north-7', 'Amaryllis', 48213), ('south-3', 'Begonia', 59127), ('east-9', 'Camellia', 60431),
  ('west-4', 'Dahlia', 71245), ('attic-2', 'Edelweiss', 82359), ('cellar-8', 'Freesia', 93461);
"""

TOOLS_PY = '''\
"""Tools of an archive."""


def _row(world, sql, value):
    cursor = world.execute(sql, (value,))
    found = cursor.fetchone()
    if found is None:
        raise LookupError(f"there is no {value!r}")
    return dict(zip([column[0] for column in cursor.description], found))


def get_letter(world, *, letter: str) -> dict:
    return _row(world, "SELECT letter, shelf, year FROM letters WHERE letter = ?", letter)


def get_shelf(world, *, shelf: str) -> dict:
    return _row(world, "SELECT shelf, room, code FROM shelves WHERE shelf = ?", shelf)


def list_years(world, *, limit: int = 2) -> dict:
    rows = world.execute("SELECT year FROM letters ORDER BY year LIMIT ?", (limit,)).fetchall()
    return {"years": [year for (year,) in rows]}


def move_letter(world, *, letter: str, shelf: str) -> dict:
    _row(world, "SELECT shelf FROM shelves WHERE shelf = ?", shelf)
    moved = world.execute("UPDATE letters SET shelf = ? WHERE letter = ?", (shelf, letter)).rowcount
    if moved == 0:
        raise LookupError(f"there is no {letter!r}")
    return {"moved": moved}
'''


def tool(
    name: str, takes: JsonObject, gives: JsonObject, *, read_only: bool = True, words: str = ""
) -> ToolSpec:
    needed = [
        key for key, rule in takes.items() if not (isinstance(rule, dict) and "default" in rule)
    ]
    return ToolSpec(
        name=name,
        description=words or f"Work on the archive: {name.replace('_', ' ')}.",
        input_schema=_object(takes, needed),
        output_schema=_object(gives, list(gives)),
        read_only=read_only,
    )


def _object(properties: JsonObject, required: list[str]) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list[Json](required),
        "additionalProperties": False,
    }


TOOLS = (
    tool("get_letter", {"letter": TEXT}, {"letter": TEXT, "shelf": TEXT, "year": NUMBER}),
    tool("get_shelf", {"shelf": TEXT}, {"shelf": TEXT, "room": TEXT, "code": NUMBER}),
    tool(
        "list_years",
        {"limit": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2}},
        {"years": {"type": "array", "items": NUMBER}},
    ),
    tool("move_letter", {"letter": TEXT, "shelf": TEXT}, {"moved": NUMBER}, read_only=False),
)

SHELVES = ("north-7", "south-3", "east-9", "west-4", "attic-2", "cellar-8")
CODES = (48213, 59127, 60431, 71245, 82359, 93461)


def task(number: int, *, say: str = "", code: Json = None) -> Task:
    """Return the task about the letter with this number, 1 to 6."""
    letter = f"L-{1000 + number}"
    return Task(
        id=f"t{number}",
        environments=("sha256:unbound",),
        turns=(
            Turn(
                say=say or f"What is the code of the shelf on which letter {letter} lies?",
                expect=Expectation(kind="act"),
            ),
        ),
        sub_questions=(
            SubQuestion(
                id="shelf",
                question="Where does it lie?",
                environment=NAME,
                tool="get_letter",
                arguments={"letter": letter},
                answer=Answer(path="/shelf", kind="exact", value=SHELVES[number - 1]),
            ),
            SubQuestion(
                id="code",
                question="What is the code of that shelf?",
                environment=NAME,
                tool="get_shelf",
                arguments={"shelf": {"$from": "shelf", "path": ""}},
                depends_on=("shelf",),
                answer=Answer(
                    path="/code", kind="number", value=CODES[number - 1] if code is None else code
                ),
            ),
        ),
    )


@dataclass(frozen=True)
class Archive:
    """The archive, on its way to disk."""

    tools_py: str = TOOLS_PY
    tools: tuple[ToolSpec, ...] = TOOLS
    tables: str = TABLES
    tasks: tuple[Task, ...] = tuple(task(number) for number in range(1, 7))

    def code(self, old: str, new: str) -> "Archive":
        """Return the archive with one place of its code changed."""
        assert self.tools_py.count(old) == 1, old
        return replace(self, tools_py=self.tools_py.replace(old, new))

    def spec(self, name: str, **changes: object) -> "Archive":
        """Return the archive with one declaration changed."""
        tools = [one.model_copy(update=changes) if one.name == name else one for one in self.tools]
        return replace(self, tools=tuple(tools))

    def retask(self, number: int, changed: Task) -> "Archive":
        """Return the archive with one task changed."""
        tasks = [changed if one.id == f"t{number}" else one for one in self.tasks]
        return replace(self, tasks=tuple(tasks))

    def write(self, folder: Path) -> Path:
        """Write the bundle below `folder` and return where it lies."""
        world = folder / "source.sqlite"
        world.unlink(missing_ok=True)
        with closing(sqlite3.connect(world)) as db:
            db.executescript(self.tables)
            db.commit()
        environment = Environment(
            name=NAME,
            title="Archive",
            description="Letters and where they lie.",
            domain="archives",
            format_version=1,
            tools=self.tools,
            world=World(kind="sqlite", file="world.sqlite"),
            licence=Licence(name="CC0-1.0", source="made up"),
            provenance={"source": "made up for tests"},
        )
        path = folder / NAME
        write_bundle(path, environment, tools_py=self.tools_py, world=world, tasks=self.tasks)
        return path

    def checked(self, folder: Path, gate: Gate) -> GateResult:
        """Return what one gate says of the archive."""
        return examine(self.write(folder), gates=[gate]).gates[0]


def kinds(result: GateResult) -> set[str]:
    """Return the classes of defects that were found."""
    return {finding.kind for finding in result.findings}
