"""How columns with ordinary names are spoken of."""

import sqlite3
from collections.abc import Generator
from contextlib import closing

import pytest

from astra_arena.synthesizer.tables.grammar import ColumnGrammar, grammar_of
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed, analysed

_TABLES = """
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, joined TEXT NOT NULL);
CREATE TABLE orders (
  order_id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers,
  ordered_at TEXT NOT NULL
);
CREATE TABLE lakes (lake_id INTEGER PRIMARY KEY, depth_m REAL NOT NULL, area_km2 REAL NOT NULL);
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Generator[Analysed]:
    path = tmp_path_factory.mktemp("lakes") / "lakes.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_TABLES)
        for n in range(1, 41):
            day = f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}"
            db.execute("INSERT INTO customers VALUES (?, ?, ?)", (n, f"Customer {n}", day))
            db.execute("INSERT INTO orders VALUES (?, ?, ?)", (n, n % 7 + 1, f"{day}T10:00:00"))
            db.execute("INSERT INTO lakes VALUES (?, ?, ?)", (n, n * 7.5, n * 3.25))
        db.commit()
    with analysed(path) as read:
        yield read


def spoken(source: Analysed, table: str, column: str) -> ColumnGrammar:
    entity = source.catalogue.by_name[table]
    return grammar_of(entity, entity.by_name[column])


@requirement("synth:natural-words")
def test_what_rows_do_by_themselves_is_active(source: Analysed) -> None:
    said = spoken(source, "customers", "joined")
    assert said.asks[0] == "When did {} join?"
    assert said.most == ("the {} that joined last",)
    assert said.holds == ("that joined on {}",)


@requirement("synth:natural-words")
def test_an_order_is_placed_and_not_ordered(source: Analysed) -> None:
    assert spoken(source, "orders", "ordered_at").asks[0] == "When was {} placed?"


@requirement("synth:natural-words")
@pytest.mark.parametrize(
    ("column", "label", "unit"),
    [("depth_m", "depth", "metres"), ("area_km2", "area", "square kilometres")],
)
def test_units_at_the_end_of_names_are_units(
    source: Analysed, column: str, label: str, unit: str
) -> None:
    said = spoken(source, "lakes", column)
    assert (said.label, said.unit) == (label, unit)
