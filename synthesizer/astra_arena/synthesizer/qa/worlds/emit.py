"""Stage 6: a finished world becomes an environment, goes through the gates and is released."""

import asyncio
import platform
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import FORMAT_VERSION, Environment, World
from astra_arena.core.errors import SpecError
from astra_arena.core.model import Model
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import load_bundle, require_place
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.environments.environment_release import (
    EnvironmentDraft,
    EnvironmentRelease,
)
from astra_arena.synthesizer.qa.environments.licences import joint_licence
from astra_arena.synthesizer.qa.environments.question_tasks import GENERATOR
from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.worlds.grown import MergedWorld
from astra_arena.synthesizer.qa.worlds.shared_world import SharedWorld
from astra_arena.synthesizer.qa.worlds.tool_documents import tool_spec, tools_text
from astra_arena.synthesizer.qa.worlds.world_tasks import task_of
from astra_arena.synthesizer.sources.table_source import write_world

EMIT = "emit"
WORLD_FILE = "world.sqlite"


class EmittedWorld(Model):
    """What came of a world."""

    id: str
    """Name of the environment, and of its folder."""
    released: dict[str, str]
    """Instances that became tasks, with the ids of these."""
    refused: dict[str, str]
    """The others, with the reason."""
    figures: JsonObject


@dataclass
class Emitting:
    """The stage.

    Args:
        out: The folder in which each environment gets its own.
        folder: For what is not released.
        release: Takes drafts through the gates.
        authored: What each instance was made with, by its id.
    """

    out: Path
    folder: Path
    release: EnvironmentRelease
    authored: Mapping[str, tuple[JsonObject, ...]]

    @property
    def stage(self) -> Stage[MergedWorld, EmittedWorld]:
        """What the pipeline runs; one world after the other, for each has processes enough."""
        return Stage(EMIT, self.work, decides=self.decides, lane=lambda _: EMIT)

    def decides(self, item: MergedWorld) -> Json:
        """Return what decides the outcome beside the item."""
        del item
        release = self.release
        variants: JsonObject = {str(name): share for name, share in release.variants.items()}
        return [release.seed, list[Json](release.gates), variants, metadata.version("astra-arena")]

    async def work(self, item: MergedWorld) -> Worked[EmittedWorld]:
        """Release what passes.

        Raises:
            BundleError: if the environment cannot be written.
            SandboxUnavailableError: if the machinery broke.
        """
        require_place(self.out / item.id)
        world = SharedWorld(item.id)
        for data in item.data:
            world.add_data(data)
        tasks, refused = self._tasks(item, world)
        if not tasks:
            return Rejected("no instance can be a task", dict[str, Json](refused))
        draft = EnvironmentDraft(
            self._manifest(item, world),
            tools_text(f"the tables {', '.join(world.tables)}", item.tools),
            self._world_file(item.id, world),
            tuple(tasks.values()),
            {member.id: member.instance.text for member in item.members},
        )
        line = await self.release.make(draft, again=True)
        if "problem" in line:
            return Rejected("the environment does not pass the gates", line)
        bundle = await asyncio.to_thread(load_bundle, self.out / item.id)
        base = [task for task in bundle.tasks if task.variant == "base"]
        there = {str(task.provenance["instance"]): task.id for task in base}
        why = f"rejected by the gates; {item.id}.rejects.jsonl says why"
        refused |= {name: why for name in tasks if name not in there}
        return Passed(EmittedWorld(id=item.id, released=there, refused=refused, figures=line))

    def _tasks(
        self, item: MergedWorld, world: SharedWorld
    ) -> tuple[dict[str, Task], dict[str, str]]:
        tasks: dict[str, Task] = {}
        refused: dict[str, str] = {}
        for number, member in enumerate(item.members, start=1):
            try:
                task = task_of(number, member, world)
            except SpecError as error:
                refused[member.id] = error.message
            else:
                requests = list[Json](
                    one["request"] for one in self.authored.get(member.id, ()) if "request" in one
                )
                provenance = {**task.provenance, "requests": requests}
                tasks[member.id] = task.model_copy(update={"provenance": provenance})
        return tasks, refused

    def _world_file(self, name: str, world: SharedWorld) -> Path:
        path = self.folder / f"{name}.sqlite"
        with closing(world.database()) as database:
            write_world(database, path)
        return path

    def _manifest(self, item: MergedWorld, world: SharedWorld) -> Environment:
        instances = [member.instance for member in item.members]
        domain = instances[0].domain
        told = [line for one in instances for line in self.authored.get(one.id, ())]
        models = sorted({str(line["model"]) for line in told})
        prompts = {repr(line["prompt"]): line["prompt"] for line in told}
        inputs = {one.source.file: one.source.digest for one in instances}
        return Environment(
            name=item.id,
            title=_title(domain, instances[0].language),
            description="; ".join(
                table.told.description.rstrip(".") for table in world.tables.values()
            )[:500],
            domain=domain,
            format_version=FORMAT_VERSION,
            tools=tuple(tool_spec(tool) for tool in item.tools),
            world=World(kind="sqlite", file=WORLD_FILE),
            licence=joint_licence([one.source.licence for one in instances]),
            provenance={
                "generator": GENERATOR,
                "version": metadata.version("astra-arena"),
                "seed": self.release.seed,
                "sqlite": sqlite3.sqlite_version,
                "python": platform.python_version(),
                "models": list[Json](models),
                "prompts": [prompts[name] for name in sorted(prompts)],
                "merges": [merge.to_json() for merge in item.merges],
                "inputs": [{"name": name, "digest": inputs[name]} for name in sorted(inputs)],
            },
        )


def _title(domain: str, language: Language) -> str:
    """Return what people call a world; an English name alone would not tell of other languages."""
    plain = f"{domain[:1].upper()}{domain[1:]}"
    return f"{plain} (in Chinese)" if language == "zh" and domain.isascii() else plain
