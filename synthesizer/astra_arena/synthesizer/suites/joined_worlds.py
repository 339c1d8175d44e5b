"""Several environments made from tables, seen as one: which tables name things of another one's.

The joined tables serve to draw tasks alone; each environment keeps its own world and tools.
"""

import sqlite3
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SynthesisError
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.references import Reference, find_references
from astra_arena.synthesizer.tables.table_analysis import Analysis
from astra_arena.synthesizer.tables.tool_design import EntityTools


@dataclass(frozen=True, slots=True)
class Member:
    """An environment made from tables, with what is known of them."""

    bundle: Bundle
    analysis: Analysis
    designs: tuple[EntityTools, ...]
    specs: dict[str, ToolSpec]

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.bundle.name

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The tables that have tools."""
        return tuple(design.entity for design in self.designs)


@dataclass(frozen=True)
class JoinedWorlds:
    """The tables of all members in one scratch database."""

    connection: sqlite3.Connection
    members: tuple[Member, ...]
    catalogue: Catalogue
    links: tuple[Reference, ...]
    """References from tables of one member to tables of another."""
    notices: tuple[str, ...]

    @cached_property
    def environment_of(self) -> dict[str, str]:
        """The environment of each table."""
        return {
            entity.name: member.name
            for member in self.members
            for entity in member.entities
            if entity.name in self.catalogue.by_name
        }

    @property
    def specs(self) -> dict[str, ToolSpec]:
        """What agents are told of the tools of the tables that take part, by name."""
        return {
            name: member.specs[name]
            for member in self.members
            for design in member.designs
            if design.entity.name in self.catalogue.by_name
            for name in design.names
        }

    @property
    def designs(self) -> tuple[EntityTools, ...]:
        """The tools of all tables that take part."""
        own = self.catalogue.by_name
        return tuple(
            replace(design, entity=own[design.entity.name])
            for member in self.members
            for design in member.designs
            if design.entity.name in own
        )


@contextmanager
def join_worlds(members: Sequence[Member], scratch: Path) -> Generator[JoinedWorlds]:
    """Put the tables of several environments side by side in the file `scratch`.

    Raises:
        SynthesisError: if no table of one names things of another.
    """
    doubled, notices = _doubled_tables(members)
    with closing(sqlite3.connect(scratch)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        kept: list[Entity] = []
        for member in members:
            own = [entity for entity in member.entities if entity.name not in doubled]
            _copy_tables(connection, member, own)
            kept += own
        connection.commit()
        links = _links(connection, members, kept)
        if not links:
            raise SynthesisError(
                "the environments name nothing in common: expected a column of one whose values "
                "are keys of a table of another, with a name that says so or texts of two letters "
                f"at least; looked at {', '.join(member.name for member in members)}"
            )
        yield JoinedWorlds(
            connection, tuple(members), _joined_catalogue(kept, links), links, tuple(notices)
        )


def _doubled_tables(members: Sequence[Member]) -> tuple[set[str], list[str]]:
    """Return tables with a name, noun or tool like another member's: nothing could tell them."""
    names = Counter(entity.name for member in members for entity in member.entities)
    nouns = Counter(entity.singular for member in members for entity in member.entities)
    tools = Counter(name for member in members for name in member.specs)
    doubled = {
        design.entity.name
        for member in members
        for design in member.designs
        if names[design.entity.name] > 1
        or nouns[design.entity.singular] > 1
        or any(tools[name] > 1 for name in design.names)
    }
    notices = [
        f"table {name!r} is in several environments: no joint task uses it"
        for name in sorted(doubled)
    ]
    return doubled, notices


def _copy_tables(connection: sqlite3.Connection, member: Member, entities: list[Entity]) -> None:
    world = member.bundle.path / member.bundle.environment.world.file
    connection.execute("ATTACH ? AS member", (str(world),))
    try:
        for entity in entities:
            connection.execute(
                f"CREATE TABLE main.{entity.sql} AS SELECT * FROM member.{entity.sql}"
            )
            key = ", ".join(attribute.sql for attribute in entity.key_attributes)
            index = quote_identifier(f"key of {entity.name}")
            connection.execute(f"CREATE INDEX main.{index} ON {entity.sql} ({key})")
    finally:
        connection.commit()
        connection.execute("DETACH member")


def _links(
    connection: sqlite3.Connection, members: Sequence[Member], kept: list[Entity]
) -> tuple[Reference, ...]:
    there = {entity.name for entity in kept}
    home = {entity.name: member.name for member in members for entity in member.entities}
    profiles = tuple(p for m in members for p in m.analysis.profiles if p.name in there)
    keys = {n: key for m in members for n, key in m.analysis.keys.items() if n in there}
    found = find_references(connection, profiles, keys)
    return tuple(one for one in found if home[one.table] != home[one.target])


def _joined_catalogue(kept: list[Entity], links: tuple[Reference, ...]) -> Catalogue:
    there = {entity.name for entity in kept}
    entities: list[Entity] = []
    for entity in kept:
        own = [r for r in entity.references if r.target in there]
        taken = {reference.columns for reference in own}
        foreign = [r for r in links if r.table == entity.name and r.columns not in taken]
        entities.append(replace(entity, references=(*own, *foreign)))
    return Catalogue(tuple(entities))
