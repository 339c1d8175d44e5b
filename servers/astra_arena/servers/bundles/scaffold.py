"""A small hand-written environment to start from: real tools, a world, tasks with gold."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeAlias

from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.randomness import random_stream
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
from astra_arena.servers.bundles.bundle import Bundle, write_bundle, write_text
from astra_arena.servers.bundles.workshop_tools import JSON_TOOLS, README, SQLITE_TOOLS

WorldKind: TypeAlias = Literal["json", "sqlite"]
Rows: TypeAlias = dict[str, dict[str, str]]

_TEXT: JsonObject = {"type": "string"}
_KEYS = {"jobs": "job_id", "bikes": "tag", "owners": "owner_id"}
_FIRST = ("Ada", "Ben", "Cora", "Dan", "Edda", "Finn", "Gila", "Hugo", "Ines", "Jon")
_LAST = ("Abel", "Brook", "Cramer", "Dahl", "Eriksen", "Falk", "Grant", "Holm", "Ivens", "Juul")
_MODELS = ("Courier", "Gravel 2", "Tourer", "Cargo XL", "Folder", "Racer")


def init_bundle(path: Path, *, name: str, world: WorldKind = "json") -> Bundle:
    """Write the environment into the folder `path`; it passes every release gate.

    Args:
        path: The folder; a bundle that is there already is replaced.
        name: Names the environment.
        world: `json` for a world that is edited as text, `sqlite` for a database.

    Raises:
        SpecError: if the name is none for an environment.
        BundleError: if `path` holds something else, or cannot be written.
    """
    environment = _environment(name, world)
    rows = _workshop()
    tasks = tuple(_tasks(name, rows, world))
    with tempfile.TemporaryDirectory(prefix="arena-init-") as folder:
        file = Path(folder) / "world"
        _write_world(file, rows, world)
        bundle = write_bundle(
            path,
            environment,
            tools_py=JSON_TOOLS if world == "json" else SQLITE_TOOLS,
            world=file,
            tasks=tasks,
        )
    readme = README.format(
        title=bundle.title, tasks=len(tasks), world=bundle.environment.world.file, name=path
    )
    write_text(path / "README.md", readme)
    return bundle


def _workshop() -> dict[str, Rows]:
    stream = random_stream(0, "scaffold", "workshop")
    owners: Rows = {
        f"O-{number}": {
            "name": f"{_FIRST[i % 10]} {_LAST[i // 10 % 10]}",
            "phone": f"{stream.randint(1_000_000, 9_999_999)}",
        }
        for i, number in enumerate(stream.sample(range(10_000, 99_999), 80))
    }
    bikes: Rows = {
        f"B-{number}": {"model": stream.choice(_MODELS), "owner_id": stream.choice(sorted(owners))}
        for number in stream.sample(range(10_000, 99_999), 100)
    }
    jobs: Rows = {
        f"J-{number}": {
            "tag": stream.choice(sorted(bikes)),
            "key_box": f"{stream.randint(100_000, 999_999)}",
            "due": f"2025-{stream.randint(1, 4):02}-{stream.randint(1, 28):02}",
        }
        for number in stream.sample(range(100_000, 999_999), 120)
    }
    return {"owners": owners, "bikes": bikes, "jobs": jobs}


def _write_world(file: Path, rows: dict[str, Rows], kind: WorldKind) -> None:
    if kind == "json":
        write_text(file, json.dumps(rows, indent=1) + "\n")
        return
    with closing(sqlite3.connect(file)) as database, database:
        for table, entries in rows.items():
            columns = (_KEYS[table], *next(iter(entries.values())))
            declared = ", ".join(f"{column} TEXT NOT NULL" for column in columns[1:])
            database.execute(f"CREATE TABLE {table} ({columns[0]} TEXT PRIMARY KEY, {declared})")
            marks = ", ".join("?" * len(columns))
            database.executemany(
                f"INSERT INTO {table} VALUES ({marks})",
                [(key, *row.values()) for key, row in sorted(entries.items())],
            )


def _environment(name: str, world: WorldKind) -> Environment:
    return Environment.from_json(
        {
            "name": name,
            "title": name.replace("-", " ").capitalize(),
            "description": "Jobs, bicycles and owners of a workshop.",
            "domain": "workshop",
            "format_version": 1,
            "tools": [tool.to_json() for tool in _tools()],
            "world": World(kind=world, file=f"world.{world}").to_json(),
            "licence": Licence(name="CC0-1.0", source="made up").to_json(),
            "provenance": {"made_by": "arena init"},
        },
        what=f"environment {name!r}",
    )


def _tools() -> tuple[ToolSpec, ...]:
    return (
        _tool("get_job", "Look up a job.", ("job_id",), ("job_id", "tag", "key_box", "due")),
        _tool("get_bike", "Look up a bicycle by its tag.", ("tag",), ("tag", "model", "owner_id")),
        _tool("get_owner", "Look up an owner.", ("owner_id",), ("owner_id", "name", "phone")),
        _tool(
            "move_job",
            "Move a job to another day, written like 2025-05-06.",
            ("job_id", "due"),
            ("job_id", "before", "due"),
            read_only=False,
        ),
    )


def _tool(
    name: str,
    description: str,
    takes: Sequence[str],
    gives: Sequence[str],
    *,
    read_only: bool = True,
) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        input_schema=_object(takes),
        output_schema=_object(gives),
        read_only=read_only,
    )


def _object(fields: Sequence[str]) -> JsonObject:
    return {
        "type": "object",
        "properties": dict.fromkeys(fields, _TEXT),
        "required": list(fields),
        "additionalProperties": False,
    }


class _Questions:
    """Makes the sub-questions of one task, with their answers.

    Args:
        environment: The environment's name.
        rows: The world.
        prefix: Stands before the ids, where a task asks the same of two jobs.
    """

    def __init__(self, environment: str, rows: dict[str, Rows], prefix: str = "") -> None:
        self._environment = environment
        self._rows = rows
        self._prefix = prefix

    def to_the_owner(self, job: str, field: str) -> tuple[SubQuestion, ...]:
        """Ask for the bicycle of a job, its owner, and a field of the owner."""
        tag = self._rows["jobs"][job]["tag"]
        return (
            self._asked("bike", "Which bicycle is it?", "get_job", {"job_id": job}, "/tag", tag),
            *self.from_the_bike({"$from": f"{self._prefix}bike", "path": ""}, tag, field),
        )

    def from_the_bike(
        self, given: JsonObject | str, tag: str, field: str
    ) -> tuple[SubQuestion, ...]:
        """Ask for the owner of a bicycle, and a field of the owner."""
        owner = self._rows["bikes"][tag]["owner_id"]
        value = self._rows["owners"][owner][field]
        taken: JsonObject = {"$from": f"{self._prefix}owner", "path": ""}
        return (
            self._asked("owner", "Whose is it?", "get_bike", {"tag": given}, "/owner_id", owner),
            self._asked(
                field, f"What is the {field}?", "get_owner", {"owner_id": taken}, f"/{field}", value
            ),
        )

    def moved(self, job: str, due: str) -> SubQuestion:
        """Move a job, and ask when it was due before."""
        before = self._rows["jobs"][job]["due"]
        arguments: JsonObject = {"job_id": job, "due": due}
        return self._asked("move", "When was it due?", "move_job", arguments, "/before", before)

    def key_box(self, job: str) -> SubQuestion:
        """Ask for the code of the box that holds a job's key."""
        code = self._rows["jobs"][job]["key_box"]
        return self._asked("box", "What is the code?", "get_job", {"job_id": job}, "/key_box", code)

    def _asked(
        self, name: str, question: str, tool: str, arguments: JsonObject, path: str, value: str
    ) -> SubQuestion:
        parents = [one["$from"] for one in arguments.values() if isinstance(one, dict)]
        return SubQuestion(
            id=f"{self._prefix}{name}",
            question=question,
            environment=self._environment,
            tool=tool,
            arguments=arguments,
            depends_on=tuple(str(parent) for parent in parents),
            answer=Answer(path=path, kind="date" if name == "move" else "exact", value=value),
        )


def _tasks(name: str, rows: dict[str, Rows], world: WorldKind) -> Iterator[Task]:
    jobs = sorted(rows["jobs"])
    asking = _Questions(name, rows)
    left, right = _Questions(name, rows, "left-"), _Questions(name, rows, "right-")
    for number, job in enumerate((jobs[7], jobs[51]), start=1):
        say = f"What is the code of the key box of job {job}?"
        yield _task(f"box-{number}", say, (asking.key_box(job),))
    for number, job in enumerate((jobs[3], jobs[40], jobs[88]), start=1):
        say = f"The bicycle of job {job} is done. Which number do I ring to tell its owner?"
        yield _task(f"ring-{number}", say, asking.to_the_owner(job, "phone"))
    for number, (one, two) in enumerate(((jobs[11], jobs[77]), (jobs[29], jobs[102])), start=1):
        say = f"I need the phone numbers of those whose bicycles are in jobs {one} and {two}."
        both = (*left.to_the_owner(one, "phone"), *right.to_the_owner(two, "phone"))
        yield _task(f"both-{number}", say, both)
    for number, (job, due) in enumerate(
        ((jobs[18], "2025-05-06"), (jobs[63], "2025-05-13")), start=1
    ):
        say = f"Move job {job} to {due}. When was it due, and which number has the bicycle's owner?"
        questions = (asking.moved(job, due), *asking.to_the_owner(job, "phone"))
        changed = _assertion(name, rows, job, due, world)
        yield _task(f"move-{number}", say, questions, FinalState(assertions=(changed,)))


def _assertion(
    name: str, rows: dict[str, Rows], job: str, due: str, world: WorldKind
) -> StateAssertion:
    before = rows["jobs"][job]["due"]
    if world == "json":
        change: JsonObject = {"before": before, "after": due}
        return StateAssertion(environment=name, path=f"/values/~1jobs~1{job}~1due", equals=change)
    key = json.dumps({"job_id": job}, separators=(",", ":"))
    return StateAssertion(environment=name, path=f"/tables/jobs/{key}/after/due", equals=due)


def _task(
    identifier: str,
    say: str,
    questions: tuple[SubQuestion, ...],
    final_state: FinalState | None = None,
) -> Task:
    return Task(
        id=identifier,
        environments=("unbound",),
        budget=Budget(calls=2 * len(questions) + 2),
        turns=(Turn(say=say, expect=Expectation(kind="act")),),
        sub_questions=questions,
        final_state=final_state,
    )
