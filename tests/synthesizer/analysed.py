"""Analysed sources and finished bundles for tests; each is made once and never changed."""

import fcntl
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.synthesizer.demo import DESCRIPTIONS, SHIPPED_DATA
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.sources.table_source import load_tables
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.descriptions import Descriptions, load_descriptions
from astra_arena.synthesizer.tables.table_analysis import Analysis, analyse
from astra_arena.synthesizer.tables.tool_choice import ToolOptions, design_tools
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries


@dataclass(frozen=True)
class Analysed:
    """A source as far as it is known before tasks are drawn."""

    connection: sqlite3.Connection
    analysis: Analysis
    designs: tuple[EntityTools, ...]

    @property
    def catalogue(self) -> Catalogue:
        return self.analysis.catalogue

    @property
    def queries(self) -> GoldQueries:
        return GoldQueries(self.connection, self.catalogue)

    def design(self, table: str) -> EntityTools:
        return next(design for design in self.designs if design.entity.name == table)


@contextmanager
def analysed(
    source: Path,
    descriptions: Descriptions | None = None,
    options: ToolOptions | None = None,
) -> Generator[Analysed]:
    with load_tables(source) as loaded:
        analysis = analyse(loaded.connection, loaded.tables, descriptions or Descriptions())
        yield Analysed(loaded.connection, analysis, design_tools(analysis.catalogue, options))


@contextmanager
def analysed_flights() -> Generator[Analysed]:
    with analysed(SHIPPED_DATA, load_descriptions(DESCRIPTIONS)) as flights:
        yield flights


FLIGHT_TASKS = 60


def flights_bundle(shared: Path) -> Bundle:
    """Return the bundle of the shipped data; the test processes of one run make it once."""
    path = shared / "flights-bundle"
    with (shared / "flights-bundle.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            options = TableOptions(
                tasks=FLIGHT_TASKS,
                gates=QUICK_GATES,
                descriptions=load_descriptions(DESCRIPTIONS),
            )
            synthesize_tables(SHIPPED_DATA, path, options)
    return load_bundle(path)


def open_world(bundle: Bundle) -> closing[sqlite3.Connection]:
    """Open a bundle's world for reading."""
    path = bundle.path / bundle.environment.world.file
    return closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True))
