from astra_arena.core.schema import RESERVED_TOOL_NAMES
from tests.synthesizer.analysed import Analysed


def test_each_entity_gets_its_tools(shop: Analysed) -> None:
    assert shop.design("orders").kinds == {
        "get_order": "get",
        "find_orders": "find",
        "count_orders": "count",
        "summarise_orders": "summarise",
        "list_orders_of_customer": "related",
        "group_orders": "group",
        "find_orders_around_date": "around_date",
        "compare_orders": "compare",
        "create_order": "create",
        "update_order": "update",
        "assign_order_to_customer": "reassign",
    }
    assert shop.design("customers").summarise is None


def test_no_tool_name_is_reserved_or_doubled(shop: Analysed, odd: Analysed) -> None:
    for source in (shop, odd):
        names = [name for design in source.designs for name in design.names]
        assert len(set(names)) == len(names)
        assert not RESERVED_TOOL_NAMES.intersection(names)


def test_filters_fit_their_columns(shop: Analysed) -> None:
    design = shop.design("orders")
    assert [rule.parameter for rule in design.filters] == [
        "id",
        "customer_id",
        "placed_on_min",
        "placed_on_max",
        "total_min",
        "total_max",
    ]
    assert [attribute.name for attribute in design.sorted_by] == ["placed_on", "total"]


def test_filters_never_take_the_names_of_paging(odd: Analysed) -> None:
    parameters = [rule.parameter for design in odd.designs for rule in design.filters]
    own = {"limit", "offset", "sort_by", "order", "world", "column"}
    assert not own.intersection(parameters)


def test_wide_tables_keep_the_filters_that_matter(flights: Analysed) -> None:
    design = flights.design("flights")
    assert len(design.filters) <= 24
    assert design.filter_on("dest") is not None
    assert design.filter_on("dep_delay", "at_least") is not None
    assert design.filter_on("minute", "at_least") is None
