"""The environments that instances fall into: one for each field and kind of question."""

import platform
import re
import sqlite3
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from astra_arena.core.canonical import Json
from astra_arena.core.environment import FORMAT_VERSION, Environment, Licence, World
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import SpanSource
from astra_arena.synthesizer.qa.environments.fact_world import FactWorld, facts_of
from astra_arena.synthesizer.qa.environments.licences import joint_licence
from astra_arena.synthesizer.qa.environments.question_tasks import GENERATOR, Candidates
from astra_arena.synthesizer.qa.environments.question_world import NEEDS_MODEL, QuestionWorld
from astra_arena.synthesizer.qa.environments.report_world import ReportWorld
from astra_arena.synthesizer.qa.environments.story_world import StoryWorld
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.records import digest_of_file
from astra_arena.synthesizer.sources.table_source import write_world

WORLD_FILE = "world.sqlite"
_WORLDS: dict[str, type[ReportWorld] | type[StoryWorld] | type[FactWorld]] = {
    FactWorld.kind: FactWorld,
    ReportWorld.kind: ReportWorld,
    StoryWorld.kind: StoryWorld,
}


class GroupKey(NamedTuple):
    """What instances of one environment have in common."""

    kind: str
    domain: str
    language: str


def group_key(instance: QAInstance) -> GroupKey:
    """Return the environment that an instance belongs to.

    Raises:
        SpecError: if no world fits it.
    """
    return GroupKey(_kind(instance), instance.domain, instance.language)


def _kind(instance: QAInstance) -> str:
    if instance.table is not None:
        return ReportWorld.kind
    decomposition = instance.decomposition
    if decomposition is None or instance.missing:
        raise SpecError(f"{NEEDS_MODEL}it lacks {instance.missing or 'a decomposition'}")
    if facts_of(instance) is not None:
        return FactWorld.kind
    is_story = any(node.step is not None for node in decomposition.nodes) and all(
        node.step is not None or isinstance(node.source, SpanSource) for node in decomposition.nodes
    )
    if not is_story:
        raise SpecError(f"{NEEDS_MODEL}its sub-questions have no program")
    return StoryWorld.kind


@dataclass
class Group:
    """One environment in the making."""

    key: GroupKey
    name: str
    world: QuestionWorld
    path: Path
    """The world's file, once it is closed."""
    candidates: Candidates
    connection: sqlite3.Connection
    licences: dict[str, Licence] = field(default_factory=dict[str, Licence])
    inputs: dict[str, str] = field(default_factory=dict[str, str])
    """Digests of the files that instances come from, by name."""

    @classmethod
    def opened(cls, key: GroupKey, folder: Path, seed: int) -> "Group":
        """Open an environment without anything in it."""
        name = _name(key)
        made = cls(
            key=key,
            name=name,
            world=_WORLDS[key.kind](),
            path=folder / f"{name}.sqlite",
            candidates=Candidates(seed),
            connection=sqlite3.connect(folder / f"{name}.scratch"),
        )
        made.world.create(made.connection)
        return made

    @staticmethod
    def version() -> str:
        """Return the version that bundles name."""
        return metadata.version("astra-arena")

    def add(self, instance: QAInstance) -> None:
        """Add what an instance is about to the world.

        Raises:
            SpecError: if it cannot be added.
        """
        self.world.add(instance, self.connection)
        self.licences[repr(instance.source.licence)] = instance.source.licence
        self.inputs[instance.source.file] = instance.source.digest

    def close(self) -> None:
        """Write the world's file."""
        write_world(self.connection, self.path)
        self.connection.close()


def _name(key: GroupKey) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", f"{key.domain} {key.kind}".lower()).strip("-")
    plain = words if words[:1].isalpha() else f"qa-{words}"
    return (plain if key.language == "en" else f"{plain}-{key.language}")[:63].strip("-")


def manifest(group: Group, source: Path, seed: int) -> Environment:
    """Return the manifest of an environment."""
    inputs: list[Json] = [
        {"name": name, "digest": group.inputs[name]} for name in sorted(group.inputs)
    ]
    return Environment(
        name=group.name,
        title=group.world.title,
        description=group.world.description,
        domain=group.key.domain,
        format_version=FORMAT_VERSION,
        tools=group.world.specs,
        world=World(kind="sqlite", file=WORLD_FILE),
        licence=joint_licence(group.licences.values()),
        provenance={
            "generator": GENERATOR,
            "version": Group.version(),
            "seed": seed,
            "sqlite": sqlite3.sqlite_version,
            "python": platform.python_version(),
            "instances": {"name": source.name, "digest": digest_of_file(source)},
            "inputs": inputs,
        },
    )
