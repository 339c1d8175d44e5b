import sqlite3
from contextlib import closing

from astra_arena.synthesizer.sources.sqlite_tables import describe_tables
from astra_arena.synthesizer.tables.keys import find_keys
from astra_arena.synthesizer.tables.profile import profile_tables
from astra_arena.synthesizer.tables.references import Reference, find_references, linked_columns
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed


def references_of(*statements: str) -> tuple[Reference, ...]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            connection.execute(statement)
        profiles, _ = profile_tables(connection, describe_tables(connection))
        keys, _ = find_keys(connection, profiles)
        return find_references(connection, profiles, keys)


def pairs(references: tuple[Reference, ...]) -> set[tuple[str, str]]:
    return {
        (f"{r.table}.{'+'.join(r.columns)}", f"{r.target}.{'+'.join(r.target_columns)}")
        for r in references
    }


NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"


@requirement("synth:keys")
def test_the_flights_data_gets_its_known_references(flights: Analysed) -> None:
    assert pairs(flights.analysis.references) == {
        ("flights.carrier", "airlines.carrier"),
        ("flights.tailnum", "planes.tailnum"),
        ("flights.origin", "airports.faa"),
        ("flights.dest", "airports.faa"),
        ("flights.origin+time_hour", "weather.origin+time_hour"),
        ("weather.origin", "airports.faa"),
    }


def test_each_reference_carries_its_evidence(flights: Analysed) -> None:
    by_column = {r.columns: r for r in flights.analysis.references if r.table == "flights"}
    assert by_column["carrier",].evidence == "same name"
    assert by_column["dest",].evidence == "text values"
    assert 0.9 < by_column["dest",].share < 1
    assert by_column["tailnum",].to_json()["share_found"] == 0.817


def test_declared_references_are_taken(shop: Analysed) -> None:
    assert pairs(shop.analysis.references) == {
        ("orders.customer_id", "customers.id"),
        ("order_items.order_id", "orders.id"),
        ("order_items.product_sku", "products.sku"),
    }
    assert {r.evidence for r in shop.analysis.references} == {"declared"}


def test_small_numbers_that_happen_to_be_ids_are_no_reference() -> None:
    references = references_of(
        "CREATE TABLE shops (id INTEGER PRIMARY KEY, city TEXT)",
        f"INSERT INTO shops {NUMBERS} SELECT i, 'city ' || i FROM n",
        "CREATE TABLE sales (id INTEGER PRIMARY KEY, month INTEGER, pieces INTEGER)",
        f"INSERT INTO sales {NUMBERS} SELECT i, i % 12 + 1, i % 9 FROM n",
    )
    assert references == ()


def test_a_column_named_after_a_table_refers_to_it() -> None:
    references = references_of(
        "CREATE TABLE shops (id INTEGER PRIMARY KEY, city TEXT)",
        f"INSERT INTO shops {NUMBERS} SELECT i, 'city ' || i FROM n",
        "CREATE TABLE sales (id INTEGER PRIMARY KEY, shop_id INTEGER)",
        f"INSERT INTO sales {NUMBERS} SELECT i, i % 20 + 1 FROM n",
    )
    assert pairs(references) == {("sales.shop_id", "shops.id")}


def test_too_few_known_values_are_no_reference() -> None:
    references = references_of(
        "CREATE TABLE shops (id INTEGER PRIMARY KEY, city TEXT)",
        f"INSERT INTO shops {NUMBERS} SELECT i, 'city ' || i FROM n",
        "CREATE TABLE sales (id INTEGER PRIMARY KEY, shop_id INTEGER)",
        f"INSERT INTO sales {NUMBERS} SELECT i, i * 3 FROM n",
    )
    assert references == ()


def test_linked_columns_name_the_same_things() -> None:
    references = (
        Reference("a", ("x",), "c", ("k",), "declared", 1.0),
        Reference("b", ("y",), "c", ("k",), "declared", 1.0),
        Reference("b", ("z",), "d", ("m",), "declared", 1.0),
    )
    assert set(linked_columns(references)) == {
        (("a", "x"), ("b", "y"), ("c", "k")),
        (("b", "z"), ("d", "m")),
    }


def test_a_declared_reference_whose_case_differs_is_no_reference() -> None:
    tables = (
        "CREATE TABLE cities (code TEXT PRIMARY KEY COLLATE NOCASE, size INTEGER)",
        "CREATE TABLE people (pid INTEGER PRIMARY KEY, city TEXT REFERENCES cities (code))",
        f"{NUMBERS} INSERT INTO cities SELECT 'ct' || i, i FROM n",
    )
    same = f"{NUMBERS} INSERT INTO people SELECT i, 'ct' || i FROM n"
    mixed = f"{NUMBERS} INSERT INTO people SELECT i, iif(i % 2, 'ct', 'CT') || i FROM n"
    assert pairs(references_of(*tables, same)) == {("people.city", "cities.code")}
    assert pairs(references_of(*tables, mixed)) == set()
