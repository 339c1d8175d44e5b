from dataclasses import replace

from astra_arena.synthesizer.tasks.task_graphs import Condition, Step
from tests.synthesizer.analysed import Analysed


def test_a_superlative_with_a_tie_has_no_answer(shop: Analysed) -> None:
    by_line = Step(
        "q", "top", "order_items", (), "product_sku", sort_by="quantity", descending=True
    )
    assert shop.queries.solve(by_line) is None


def test_a_superlative_among_two_rows_has_no_answer(shop: Analysed) -> None:
    sku, query = shop.connection.execute(
        "SELECT colour, count(*) FROM products GROUP BY colour ORDER BY 2 LIMIT 1"
    ).fetchone()
    assert query >= 3
    few = (Condition("colour", "is", sku), Condition("sku", "is", "SKU-001"))
    assert shop.queries.solve(Step("q", "top", "products", few, "title", sort_by="price")) is None


def test_a_missing_value_is_no_answer(shop: Analysed) -> None:
    step = Step("q", "get", "products", (Condition("sku", "is", "SKU-009"),), "weight")
    assert shop.queries.solve(step) is None


def test_a_name_that_two_rows_bear_finds_neither(shop: Analysed) -> None:
    step = Step("q", "pick", "customers", (Condition("city", "is", "Oslo"),), "id")
    assert shop.queries.solve(step) is None


def test_answers_are_those_of_plain_sql(shop: Analysed) -> None:
    expected = shop.connection.execute(
        "SELECT customer_id FROM orders ORDER BY total DESC, id LIMIT 1"
    ).fetchone()[0]
    top = Step("q", "top", "orders", (), "customer_id", sort_by="total", descending=True)
    found = shop.queries.solve(top)
    assert found is not None
    assert found.answer == expected


def test_a_large_table_gives_every_nth_row_to_draw_from(flights: Analysed) -> None:
    rows = flights.queries.drawable_rows(flights.catalogue.by_name["flights"])
    assert 4_000 < len(rows) <= 5_000
    assert len(flights.queries.drawable_rows(flights.catalogue.by_name["airlines"])) == 16


def test_a_figure_that_no_float_holds_exactly_is_no_answer(large: Analysed) -> None:
    step = Step("q", "summary", "spans", (), "started_amount", metric="sum")
    assert large.queries.solve(step) is None
    figure = large.queries.solve(replace(step, column="bytes"))
    assert figure is not None
    assert figure.answer == large.connection.execute("SELECT sum(bytes) FROM spans").fetchone()[0]
