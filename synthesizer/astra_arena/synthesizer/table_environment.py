"""The environment that tables become, before it has tasks: tools, code, world and manifest."""

import platform
import sqlite3
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject, digest_of_bytes
from astra_arena.core.environment import FORMAT_VERSION, Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle, write_bundle
from astra_arena.synthesizer.sources.table_source import LoadedTables
from astra_arena.synthesizer.table_options import TableOptions
from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.table_analysis import Analysis
from astra_arena.synthesizer.tables.tool_code import write_tools
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from astra_arena.synthesizer.tasks.task_writer import GENERATOR, TaskWriter

WORLD_FILE = "world.sqlite"


@dataclass(frozen=True)
class TableEnvironment:
    """Everything that is decided from the analysed source and the options."""

    name: str
    source: str
    """What the source is called, for the licence."""
    options: TableOptions
    loaded: LoadedTables
    analysis: Analysis
    designs: tuple[EntityTools, ...]
    world: Path

    @cached_property
    def catalogue(self) -> Catalogue:
        """The entities that have tools."""
        return self.analysis.catalogue.restricted_to({d.entity.name for d in self.designs})

    @cached_property
    def specs(self) -> dict[str, ToolSpec]:
        """What agents are told of the tools, by name."""
        return {spec.name: spec for design in self.designs for spec in tool_specs(design)}

    @cached_property
    def tools_py(self) -> str:
        """The code of the tools."""
        return write_tools(self.designs, self.specs)

    @property
    def notices(self) -> tuple[str, ...]:
        """What was left out or read differently from what the source says."""
        return (*self.loaded.notices, *self.analysis.notices)

    def decides(self) -> list[Json]:
        """Return all that decides what comes out."""
        world = digest_of_bytes(self.world.read_bytes())
        about = [_version(), sqlite3.sqlite_version, platform.python_version()]
        return [world, self.name, self.tools_py, repr(self.options), *about]

    def task_writer(self) -> TaskWriter:
        """Return what writes the environment's tasks."""
        return TaskWriter(
            self.name,
            self.catalogue,
            self.designs,
            self.specs,
            version=_version(),
            seed=self.options.seed,
            final_answers=self.options.final_answers,
        )

    def write(
        self, path: Path, tasks: tuple[Task, ...], report: JsonObject | None = None
    ) -> Bundle:
        """Write a bundle with these tasks."""
        return write_bundle(
            path,
            self._manifest,
            tools_py=self.tools_py,
            world=self.world,
            tasks=tasks,
            report=report,
        )

    @cached_property
    def _manifest(self) -> Environment:
        words = self.options.descriptions
        nouns = [entity.plural for entity in self.catalogue.entities]
        return Environment(
            name=self.name,
            title=self.options.title or words.title or self.name,
            description=words.description or f"Tools over {', '.join(nouns)}.",
            domain=words.domain or "tables",
            format_version=FORMAT_VERSION,
            tools=tuple(self.specs.values()),
            world=World(kind="sqlite", file=WORLD_FILE),
            licence=words.licence or Licence(name="NOASSERTION", source=self.source),
            provenance={
                "generator": GENERATOR,
                "version": _version(),
                "seed": self.options.seed,
                "sqlite": sqlite3.sqlite_version,
                "inputs": [{"name": one.name, "digest": one.digest} for one in self.loaded.inputs],
                "notices": list[Json](self.notices),
                **self.options.to_json(),
                **self.loaded.provenance,
                **self.analysis.to_json(),
            },
        )


def _version() -> str:
    return metadata.version("astra-arena")
