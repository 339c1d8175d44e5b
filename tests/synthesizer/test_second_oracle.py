from collections.abc import Callable
from pathlib import Path

import pytest

from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.demo import SHIPPED_DATA
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from tests.support.requirement import requirement
from tests.synthesizer.inputs import make_shop, make_single_table, make_store
from tests.synthesizer.second_oracle import Oracle, Shape, Shapes
from tests.synthesizer.second_oracle_changes import ChangeOracle
from tests.synthesizer.webshop import make_webshop

FLIGHTS = {
    "airlines": Shape("airline", "airlines", ("carrier",)),
    "airports": Shape("airport", "airports", ("faa",)),
    "flights": Shape("flight", "flights", ("carrier", "flight", "time_hour")),
    "planes": Shape("plane", "planes", ("tailnum",)),
    "weather": Shape("weather_report", "weather_reports", ("origin", "time_hour")),
}
SHOP = {
    "customers": Shape("customer", "customers", ("id",)),
    "products": Shape("product", "products", ("sku",)),
    "orders": Shape("order", "orders", ("id",)),
    "order_items": Shape("order_item", "order_items", ("order_id", "line")),
}
WEBSHOP = {
    "Customer": Shape("customer", "customers", ("CustomerId",)),
    "Supplier": Shape("supplier", "suppliers", ("SupplierId",)),
    "Product": Shape("product", "products", ("ProductId",)),
    "Orders": Shape("order", "orders", ("OrderId",)),
    "OrderLine": Shape("order_line", "order_lines", ("OrderId", "LineNo")),
    "Review": Shape("review", "reviews", ("ReviewId",)),
}
FILMS = {"films": Shape("film", "films", ("film_id",))}


def disagreements(source: Path, shapes: Shapes, tasks: tuple[Task, ...]) -> list[str]:
    oracle = Oracle(source, shapes)
    return [text for task in tasks for text in oracle.disagreements(task.to_json())]


@requirement("synth:second-oracle")
def test_all_gold_of_the_flights_agrees_with_the_csv_files(flights_made: Bundle) -> None:
    assert disagreements(SHIPPED_DATA, FLIGHTS, flights_made.tasks) == []


@requirement("synth:second-oracle")
@pytest.mark.parametrize(
    ("make", "file", "shapes"),
    [
        (make_shop, "shop.sqlite", SHOP),
        (make_webshop, "shop.sqlite", WEBSHOP),
        (make_single_table, "films.csv", FILMS),
    ],
)
@pytest.mark.timeout(300)
def test_all_gold_of_other_sources_agrees(
    make: Callable[[Path], Path], file: str, shapes: Shapes, tmp_path: Path
) -> None:
    source = make(tmp_path / file)
    options = TableOptions(gates=QUICK_GATES, tasks=40, seed=11, final_answers=True)
    tasks = synthesize_tables(source, tmp_path / "bundle", options).bundle.tasks
    assert len(tasks) == 40
    assert disagreements(source, shapes, tasks) == []


STORE = {
    "customers": Shape("customer", "customers", ("id",)),
    "employees": Shape("employee", "employees", ("id",)),
    "products": Shape("product", "products", ("sku",)),
    "orders": Shape("order", "orders", ("id",)),
    "order_lines": Shape("order_line", "order_lines", ("order_id", "line")),
}


@requirement("synth:second-oracle")
@pytest.mark.parametrize(
    ("make", "shapes", "verbs"),
    [
        (make_webshop, WEBSHOP, {"assign", "cancel", "create", "move", "remove", "set", "update"}),
        (make_store, STORE, {"assign", "cancel", "create", "remove", "transfer", "update"}),
    ],
)
def test_all_final_states_are_what_the_requests_lead_to(
    make: Callable[[Path], Path], shapes: Shapes, verbs: set[str], tmp_path: Path
) -> None:
    source = make(tmp_path / "shop.sqlite")
    options = TableOptions(gates=("replay",), tasks=40, seed=11, changes=0.9)
    tasks = synthesize_tables(source, tmp_path / "bundle", options).bundle.tasks
    changing = [task for task in tasks if task.final_state is not None]
    called = {str(one.tool).partition("_")[0] for task in changing for one in task.sub_questions}
    assert called >= verbs
    oracle = ChangeOracle(Oracle(source, shapes))
    assert [one for task in changing for one in oracle.disagreements(task.to_json())] == []
    state = changing[0].final_state
    assert state is not None
    less = state.model_copy(update={"assertions": state.assertions[1:]})
    wrong = changing[0].model_copy(update={"final_state": less})
    assert len(oracle.disagreements(wrong.to_json())) == 1


def test_wrong_gold_is_found(shop_bundle: Bundle, tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite")
    task = next(one for one in shop_bundle.tasks if one.difficulty["topology"] == "multi_hop")
    last = task.sub_questions[-1]
    wrong = last.model_copy(update={"answer": last.answer.model_copy(update={"value": -1})})
    questions = (*task.sub_questions[:-1], wrong)
    changed = task.model_copy(update={"sub_questions": questions})
    (finding,) = disagreements(source, SHOP, (changed,))
    assert f"{task.id} {last.id}: gold -1" in finding
