import sqlite3
from contextlib import closing
from pathlib import Path

from tests.synthesizer.analysed import Analysed, analysed


def labels(path: Path, *columns: str) -> dict[str, str]:
    """Return what the columns of a table of numbers are called."""
    listed = ", ".join(f'"{column}" INTEGER' for column in columns)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE sales (id INTEGER PRIMARY KEY, {listed})")
        marks = ", ".join("?" for _ in columns)
        connection.executemany(
            f"INSERT INTO sales VALUES (?, {marks})", [(n, *columns_of(n, columns)) for n in (1, 2)]
        )
        connection.commit()
    with analysed(path) as source:
        return {a.name: a.label for a in source.catalogue.by_name["sales"].attributes}


def columns_of(number: int, columns: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(number + place for place, _ in enumerate(columns))


def test_entities_have_nouns_and_identifiers(shop: Analysed) -> None:
    items = shop.catalogue.by_name["order_items"]
    assert (items.singular, items.plural, items.one, items.many) == (
        "order item",
        "order items",
        "order_item",
        "order_items",
    )


def test_odd_names_get_safe_distinct_fields(odd: Analysed) -> None:
    fields = {a.name: a.field for a in odd.catalogue.by_name["Größe {n}"].attributes}
    assert fields == {
        "class": "class_",
        "from": "from_",
        'the "limit"': "the_limit",
        "limit": "limit",
    }
    order = {a.name: a.field for a in odd.catalogue.by_name["order"].attributes}
    assert order["名前"] == "column_3"
    assert order["2nd price"] == "n_2nd_price"


def test_dates_are_called_dates(shop: Analysed) -> None:
    orders = shop.catalogue.by_name["orders"]
    assert orders.by_name["placed_on"].label == "placed on date"
    assert orders.by_name["total"].label == "total"


def test_numbers_that_name_or_order_are_no_measures(flights: Analysed) -> None:
    entity = flights.catalogue.by_name["flights"]
    measures = {a.name for a in flights.design("flights").measures}
    assert measures == {"dep_delay", "arr_delay", "air_time", "distance"}
    assert entity.by_name["distance"].is_additive
    assert not entity.by_name["dep_delay"].is_additive


def test_columns_that_name_the_same_things_are_known(flights: Analysed) -> None:
    catalogue = flights.catalogue
    assert catalogue.same_things("flights", "dest", "weather", "origin")
    assert not catalogue.same_things("flights", "month", "weather", "month")
    assert catalogue.names_things("flights", "time_hour")
    assert not catalogue.names_things("flights", "month")


def test_no_described_label_could_be_meant_for_another_column(flights: Analysed) -> None:
    for entity in flights.catalogue.entities:
        assert [a.name for a in entity.attributes if a.ambiguous and a.words.in_questions] == []


def test_a_label_that_could_be_meant_for_another_column_is_the_quoted_name(tmp_path: Path) -> None:
    assert labels(tmp_path / "one.sqlite", "qty", "quantity", "price", "unit_price") == {
        "id": "ID",
        "qty": '"qty"',
        "quantity": '"quantity"',
        "price": '"price"',
        "unit_price": "unit price",
    }
    assert labels(
        tmp_path / "two.sqlite", "hour", "hour_of_departure", "day_of_month", "month"
    ) == {
        "id": "ID",
        "hour": '"hour"',
        "hour_of_departure": "hour of departure",
        "day_of_month": "day of month",
        "month": "month",
    }


def test_columns_named_without_words_are_called_by_their_quoted_names(tmp_path: Path) -> None:
    assert labels(tmp_path / "signs.sqlite", "🔑", "%") == {"id": "ID", "🔑": '"🔑"', "%": '"%"'}
