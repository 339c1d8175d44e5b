"""What a case of the corpus is, and how its environment comes to lie on disk."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from astra_arena.core.canonical import JsonObject, digest_of_bytes, pretty_text
from astra_arena.core.environment import Environment, ToolSpec, environment_digest
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import MANIFEST, TASKS, TOOLS, write_bundle

Gate = Literal[
    "schema",
    "static",
    "replay",
    "sensitivity",
    "data_flow",
    "leak",
    "floor",
    "wrong_solutions",
    "alternatives",
    "exploit",
    "isolation",
    "duplicates",
]


@dataclass(frozen=True, slots=True)
class Tables:
    """A world that is a database."""

    schema: str
    """The statements that create its tables."""
    rows: dict[str, list[JsonObject]]
    """By table; every row has all columns, in the order of the table."""

    def write(self, path: Path) -> None:
        """Write the database to `path`; equal tables make equal bytes."""
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as db:
            db.executescript(self.schema)
            for table, rows in self.rows.items():
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    db.execute(f"INSERT INTO {table} VALUES ({marks})", tuple(row.values()))
            db.commit()


@dataclass(frozen=True, slots=True)
class Draft:
    """An environment before it is written."""

    environment: Environment
    tools_py: str
    world: Tables | JsonObject
    tasks: tuple[Task, ...]
    manifest: Callable[[JsonObject], None] | None = None
    """Changes the manifest as it lies on disk, in ways that the models would refuse."""

    def task(self, task_id: str) -> Task:
        """Return the task with this id."""
        (found,) = (task for task in self.tasks if task.id == task_id)
        return found

    def code(self, old: str, new: str) -> "Draft":
        """Return the draft with one place of its tool code changed."""
        if self.tools_py.count(old) != 1:
            raise ValueError(f"expected once in the tool code, found otherwise: {old!r}")
        return replace(self, tools_py=self.tools_py.replace(old, new))

    def more_code(self, code: str) -> "Draft":
        """Return the draft with more tool code at the end."""
        return replace(self, tools_py=f"{self.tools_py.rstrip()}\n\n\n{code.strip()}\n")

    def spec(self, name: str, change: Callable[[ToolSpec], ToolSpec]) -> "Draft":
        """Return the draft with what is told of one tool changed."""
        if self.environment.tool(name) is None:
            raise ValueError(f"no tool {name!r}")
        tools = [change(one) if one.name == name else one for one in self.environment.tools]
        return self.specs(tuple(tools))

    def specs(self, tools: tuple[ToolSpec, ...]) -> "Draft":
        """Return the draft with these tools and no others."""
        return replace(self, environment=self.environment.model_copy(update={"tools": tools}))

    def more_tools(self, *tools: ToolSpec, code: str) -> "Draft":
        """Return the draft with tools more."""
        return self.specs((*self.environment.tools, *tools)).more_code(code)

    def with_tasks(self, *tasks: Task) -> "Draft":
        """Return the draft with these tasks and no others."""
        return replace(self, tasks=tasks)

    def retask(self, task_id: str, change: Callable[[Task], Task]) -> "Draft":
        """Return the draft with one task changed; the models check what comes out."""
        self.task(task_id)
        changed = [change(task) if task.id == task_id else task for task in self.tasks]
        return self.with_tasks(*changed)


@dataclass(frozen=True, slots=True)
class Case:
    """One environment of the corpus and what the gates ought to say of it."""

    name: str
    draft: Callable[[], Draft]
    defect: str = ""
    """The defect class; empty for a good case."""
    gate: Gate | None = None
    """The gate meant for it."""
    rejects: Literal["task", "environment"] = "environment"
    """What is to be rejected: the tasks named, or all of it."""
    tasks: tuple[str, ...] = ()
    """The tasks with the defect."""

    @property
    def good(self) -> bool:
        """Whether nothing is to be rejected."""
        return not self.defect

    def build(self, path: Path) -> Path:
        """Write the environment below the folder `path` and return where it lies."""
        draft = self.draft()
        path.mkdir(parents=True, exist_ok=True)
        world = path / "source"
        if isinstance(draft.world, Tables):
            draft.world.write(world)
        else:
            world.write_text(pretty_text(draft.world), encoding="utf-8")
        folder = path / draft.environment.name
        write_bundle(
            folder, draft.environment, tools_py=draft.tools_py, world=world, tasks=draft.tasks
        )
        if draft.manifest is not None:
            _rewrite(folder, draft.environment.world.file, draft.manifest)
        return folder


def _rewrite(folder: Path, world: str, change: Callable[[JsonObject], None]) -> None:
    """Change a manifest on disk and make the digests right again."""
    manifest: JsonObject = json.loads((folder / MANIFEST).read_bytes())
    change(manifest)
    manifest.pop("digests")
    code = (folder / TOOLS).read_bytes()
    digest = environment_digest(manifest, code, (folder / world).read_bytes())
    lines = (folder / TASKS).read_text(encoding="utf-8").splitlines()
    bound = [{**json.loads(line), "environments": [digest]} for line in lines]
    data = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in bound).encode("utf-8")
    (folder / TASKS).write_bytes(data)
    digests: JsonObject = {"environment": digest, "tasks": digest_of_bytes(data)}
    text = pretty_text({**manifest, "digests": digests})
    (folder / MANIFEST).write_text(text, encoding="utf-8")
