import sqlite3
from contextlib import closing

from astra_arena.synthesizer.sources.sqlite_tables import describe_tables
from astra_arena.synthesizer.tables.profile import profile_tables
from tests.synthesizer.analysed import Analysed


def test_a_profile_counts_values_and_finds_extremes(shop: Analysed) -> None:
    products = next(p for p in shop.analysis.profiles if p.name == "products")
    weight = products.column("weight")
    assert (weight.rows, weight.nulls) == (80, 8)
    query = "SELECT count(DISTINCT weight), min(weight), max(weight) FROM products"
    expected = shop.connection.execute(query).fetchone()
    assert (weight.distinct, weight.minimum, weight.maximum) == expected
    assert not weight.is_unique
    assert products.column("sku").is_unique


def test_frequent_values_come_most_frequent_first(shop: Analysed) -> None:
    customers = next(p for p in shop.analysis.profiles if p.name == "customers")
    city = customers.column("city")
    counts = [held for _, held in city.frequent]
    assert counts == sorted(counts, reverse=True)
    assert city.top_share == counts[0] / 60


def test_columns_that_json_cannot_say_are_left_out_with_notice() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, picture BLOB, size REAL)")
        connection.execute("INSERT INTO t VALUES (1, x'00', 9e999), (2, x'01', 1.5)")
        (profile,), notices = profile_tables(connection, describe_tables(connection))
    assert [column.name for column in profile.columns] == ["id"]
    assert any("'picture'" in notice and "blob" in notice for notice in notices)
    assert any("'size'" in notice and "infinite" in notice for notice in notices)


def test_a_table_without_rows_has_no_profile() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        assert profile_tables(connection, describe_tables(connection)) == ((), ())
