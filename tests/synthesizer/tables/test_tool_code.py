import ast
import inspect
import sqlite3
import sys
from types import FunctionType, ModuleType
from typing import Any, Literal

import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.schema import Checker, with_defaults
from astra_arena.synthesizer.tables.code_text import text
from astra_arena.synthesizer.tables.tool_code import write_tools
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed


class Tools:
    """The written tools of a source, called as an agent would call them."""

    def __init__(self, source: Analysed) -> None:
        self.specs = {s.name: s for design in source.designs for s in tool_specs(design)}
        self.code = write_tools(source.designs, self.specs)
        self.module = ModuleType("tools")
        exec(compile(self.code, "tools.py", "exec"), self.module.__dict__)
        self._world = source.connection

    def function(self, name: str) -> FunctionType:
        return getattr(self.module, name)

    def call(self, name: str, /, **arguments: Json) -> JsonObject:
        spec = self.specs[name]
        given = with_defaults(spec.input_schema, arguments)
        assert Checker(spec.input_schema).finding(given) is None
        reply: JsonObject = self.function(name)(self._world, **given)
        assert Checker(spec.output_schema).finding(reply) is None
        return reply


@pytest.fixture(scope="module")
def shop_tools(shop: Analysed) -> Tools:
    return Tools(shop)


@pytest.fixture(scope="module")
def odd_tools(odd: Analysed) -> Tools:
    return Tools(odd)


@pytest.fixture(scope="module")
def flight_tools(flights: Analysed) -> Tools:
    return Tools(flights)


PYTHON_TYPES: dict[str, object] = {"string": str, "integer": int, "number": float}


def annotation_of(rule: JsonObject) -> Any:  # noqa: ANN401 - annotations are of no one type
    """Return the annotation that a property of an input schema calls for."""
    branches = rule.get("anyOf", [rule])
    assert isinstance(branches, list)
    first = branches[0]
    assert isinstance(first, dict)
    options, items = first.get("enum"), first.get("items")
    if isinstance(options, list):
        chosen: Any = Literal[tuple(options)]
    elif isinstance(items, dict):
        chosen = list[annotation_of(items)]
    else:
        chosen = PYTHON_TYPES[str(first["type"])]
    return chosen | None if {"type": "null"} in branches else chosen


def assert_signature_fits(function: FunctionType, spec: ToolSpec) -> None:
    world, *parameters = inspect.signature(function).parameters.values()
    assert (world.name, world.annotation) == ("world", sqlite3.Connection)
    properties = spec.input_schema["properties"]
    assert isinstance(properties, dict)
    assert {parameter.name for parameter in parameters} == set(properties)
    required = {p.name for p in parameters if p.default is inspect.Parameter.empty}
    assert required == set(spec.input_schema.get("required", ()))  # pyright: ignore[reportArgumentType]
    for parameter in parameters:
        rule = properties[parameter.name]
        assert isinstance(rule, dict)
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.annotation == annotation_of(rule)
        if parameter.name not in required:
            assert parameter.default == rule["default"]


@requirement("synth:tools-readable")
@pytest.mark.parametrize("tools", ["shop_tools", "odd_tools", "flight_tools"])
def test_signatures_and_schemas_agree(tools: str, request: pytest.FixtureRequest) -> None:
    made: Tools = request.getfixturevalue(tools)
    for name, spec in made.specs.items():
        assert_signature_fits(made.function(name), spec)


@requirement("synth:tools-readable")
def test_the_code_is_plain_python_with_docstrings(flight_tools: Tools) -> None:
    tree = ast.parse(flight_tools.code)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names
    tools = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    public = [node for node in tools if not node.name.startswith("_")]
    assert {node.name for node in public} == set(flight_tools.specs)
    assert all(ast.get_docstring(node) for node in public)
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not called & {"getattr", "setattr", "eval", "exec", "type", "globals", "open"}
    raised = {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    }
    assert raised == {"LookupError", "ValueError"}


def test_the_same_design_gives_the_same_code(shop: Analysed, shop_tools: Tools) -> None:
    assert Tools(shop).code == shop_tools.code


def test_get_returns_the_row_with_the_key(shop_tools: Tools) -> None:
    reply = shop_tools.call("get_order_item", order_id=1001, line=1)
    row = reply["row"]
    assert isinstance(row, dict)
    assert list(row) == ["order_id", "line", "product_sku", "quantity"]
    assert (row["order_id"], row["line"]) == (1001, 1)


def test_get_fails_with_a_helpful_message(shop_tools: Tools) -> None:
    with pytest.raises(LookupError, match=r"no product with sku 'X'; find_products searches"):
        shop_tools.call("get_product", sku="X")


def test_find_filters_sorts_and_pages(shop_tools: Tools, shop: Analysed) -> None:
    first = shop_tools.call(
        "find_orders", total_min=500, sort_by="total", order="descending", limit=2
    )
    second = shop_tools.call(
        "find_orders", total_min=500, sort_by="total", order="descending", limit=2, offset=2
    )
    query = "SELECT id FROM orders WHERE total >= 500 ORDER BY total DESC, id"
    expected = [row[0] for row in shop.connection.execute(query)]
    rows = [*as_rows(first), *as_rows(second)]
    assert [row["id"] for row in rows] == expected[:4]
    assert first["total"] == len(expected)
    assert first["truncated"] is True


def as_rows(reply: JsonObject) -> list[dict[str, Json]]:
    rows = reply["rows"]
    assert isinstance(rows, list)
    return [row for row in rows if isinstance(row, dict)]


def test_rows_without_a_value_sort_last_in_both_directions(shop_tools: Tools) -> None:
    for order in ("ascending", "descending"):
        reply = shop_tools.call("find_products", sort_by="weight", order=order, limit=50, offset=40)
        assert [row["weight"] for row in as_rows(reply)][-8:] == [None] * 8


def test_the_last_page_is_not_truncated(shop_tools: Tools) -> None:
    reply = shop_tools.call("find_products", limit=50, offset=50)
    assert len(as_rows(reply)) == 30
    assert reply["truncated"] is False


def test_limits_hold_without_a_schema_too(shop_tools: Tools, shop: Analysed) -> None:
    find = shop_tools.function("find_products")
    for arguments in ({"limit": 51}, {"limit": 0}, {"offset": -1}):
        with pytest.raises(ValueError, match="is"):
            find(shop.connection, **arguments)


def test_count_and_summary_agree_with_sql(shop_tools: Tools, shop: Analysed) -> None:
    query = """
        SELECT count(*), min(quantity), max(quantity), avg(quantity), sum(quantity)
        FROM order_items WHERE product_sku = 'SKU-007'
    """
    count, least, most, mean, total = shop.connection.execute(query).fetchone()
    assert shop_tools.call("count_order_items", product_sku="SKU-007") == {"total": count}
    assert shop_tools.call("summarise_order_items", column="quantity", product_sku="SKU-007") == {
        "column": "quantity",
        "minimum": least,
        "maximum": most,
        "mean": round(mean, 4),
        "sum": total,
    }


def test_a_sum_that_no_integer_holds_is_a_float(large: Analysed) -> None:
    reply = Tools(large).call("summarise_spans", column="started_amount")
    assert isinstance(reply["sum"], float)
    assert reply["sum"] > 2**63
    assert (
        reply["maximum"]
        == large.catalogue.by_name["spans"].by_name["started_amount"].profile.maximum
    )


def test_a_summary_of_nothing_is_null(shop_tools: Tools) -> None:
    reply = shop_tools.call("summarise_order_items", column="quantity", product_sku="none")
    assert (reply["minimum"], reply["mean"], reply["sum"]) == (None, None, None)


def test_odd_names_work_from_end_to_end(odd_tools: Tools) -> None:
    row = odd_tools.call("get_order", select=7)["row"]
    assert isinstance(row, dict)
    assert set(row) == {"select", "class_", "column_3", "n_2nd_price", "sort_by", "listed"}
    assert odd_tools.call("count_order", class_=row["class_"])["total"] != 0


def test_values_are_never_part_of_the_sql(shop_tools: Tools) -> None:
    assert shop_tools.call("count_customers", city="x' OR '1'='1") == {"total": 0}


def test_each_argument_can_change_the_reply(shop_tools: Tools) -> None:
    """No tool answers the same whatever it is asked."""
    everything = shop_tools.call("find_orders", limit=50)
    changed = [
        shop_tools.call("find_orders", limit=50, **{name: value})
        for name, value in {
            "id": 1001,
            "customer_id": 3,
            "placed_on_min": "2024-06-01",
            "placed_on_max": "2024-06-01",
            "total_min": 400,
            "total_max": 400,
            "sort_by": "total",
            "offset": 1,
        }.items()
    ]
    assert everything not in changed


def test_literals_survive_quotes() -> None:
    for value in ("plain", 'with "double"', "with 'single'", "with 'both\" kinds", "back\\slash"):
        assert ast.literal_eval(text(value)) == value
