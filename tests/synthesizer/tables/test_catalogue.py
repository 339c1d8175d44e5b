from tests.synthesizer.analysed import Analysed


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
