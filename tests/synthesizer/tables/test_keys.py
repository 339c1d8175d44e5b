import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.sqlite_tables import describe_tables
from astra_arena.synthesizer.synthesize import synthesize_tables
from astra_arena.synthesizer.tables.keys import PrimaryKey, find_keys
from astra_arena.synthesizer.tables.profile import profile_tables
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed
from tests.synthesizer.inputs import make_keyless


def keys_of(*statements: str) -> tuple[dict[str, PrimaryKey], Sequence[str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            connection.execute(statement)
        profiles, _ = profile_tables(connection, describe_tables(connection))
        return find_keys(connection, profiles)


@requirement("synth:keys")
def test_declared_keys_are_taken(shop: Analysed) -> None:
    keys = shop.analysis.keys
    assert keys["order_items"] == PrimaryKey("order_items", ("order_id", "line"), "declared")
    assert keys["products"] == PrimaryKey("products", ("sku",), "declared")


def test_a_unique_column_that_is_named_like_a_key_is_preferred() -> None:
    keys, _ = keys_of(
        "CREATE TABLE t (name TEXT, part_no TEXT)",
        "INSERT INTO t VALUES ('a', 'P1'), ('b', 'P2'), ('c', 'P3')",
    )
    assert keys["t"].columns == ("part_no",)


def test_numbers_with_fractions_and_columns_with_gaps_are_no_keys() -> None:
    keys, _ = keys_of(
        "CREATE TABLE t (measured REAL, code TEXT, place TEXT)",
        "INSERT INTO t VALUES (1.5, NULL, 'x'), (2.5, 'b', 'y'), (3.5, 'c', 'z')",
    )
    assert keys["t"].columns == ("place",)


def test_the_smallest_unique_combination_is_found() -> None:
    keys, _ = keys_of(
        "CREATE TABLE t (region TEXT, month INTEGER, sold INTEGER)",
        "INSERT INTO t SELECT r, m, 7 FROM (SELECT 'n' AS r UNION SELECT 's'), "
        "(SELECT 1 AS m UNION SELECT 2 UNION SELECT 3)",
    )
    assert keys["t"] == PrimaryKey("t", ("region", "month"), "unique combination")


def test_a_declared_key_that_holds_null_is_not_trusted() -> None:
    keys, _ = keys_of(
        "CREATE TABLE t (code TEXT PRIMARY KEY, place TEXT)",
        "INSERT INTO t VALUES (NULL, 'x'), ('b', 'y')",
    )
    assert keys["t"].columns == ("place",)


def test_the_flights_data_gets_its_known_keys(flights: Analysed) -> None:
    keys = {name: set(key.columns) for name, key in flights.analysis.keys.items()}
    assert keys == {
        "airlines": {"carrier"},
        "airports": {"faa"},
        "flights": {"carrier", "flight", "time_hour"},
        "planes": {"tailnum"},
        "weather": {"origin", "time_hour"},
    }


def test_a_table_without_a_key_is_left_out_with_notice() -> None:
    keys, notices = keys_of(
        "CREATE TABLE good (id INTEGER PRIMARY KEY)",
        "INSERT INTO good VALUES (1)",
        "CREATE TABLE bad (colour TEXT)",
        "INSERT INTO bad VALUES ('red'), ('red')",
    )
    assert list(keys) == ["good"]
    assert "table 'bad' is left out" in notices[0]


@requirement("input:no-key")
def test_a_source_without_any_key_is_one_clear_message(tmp_path: Path) -> None:
    source = make_keyless(tmp_path / "sizes.csv")
    with pytest.raises(SourceError, match=r"found none in 'sizes'. Remove doubled rows"):
        synthesize_tables(source, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
