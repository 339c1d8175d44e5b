from collections import defaultdict
from pathlib import Path

import pytest

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import Task
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.synthesize import Synthesis, TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.catalogue import Catalogue
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed
from tests.synthesizer.webshop import make_webshop

pytestmark = pytest.mark.timeout(300)

KEYS = {
    "CustomerId": "Customer",
    "SupplierId": "Supplier",
    "ProductId": "Product",
    "OrderId": "Orders",
    "ReviewId": "Review",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    folder = tmp_path_factory.mktemp("splits")
    options = TableOptions(
        gates=QUICK_GATES, tasks=40, seed=1, splits={"train": 0.75, "test": 0.25}
    )
    return synthesize_tables(make_webshop(folder / "shop.sqlite"), folder / "bundle", options)


def entities_named(task: Task) -> set[tuple[str, Json]]:
    """The things that arguments and answers name by a key, told from the names of fields alone."""
    named: set[tuple[str, Json]] = set()
    fields = {"".join(f"_{c.lower()}" if c.isupper() else c for c in key)[1:]: key for key in KEYS}
    for question in task.sub_questions:
        for name, value in question.arguments.items():
            if name in fields and isinstance(value, int):
                named.add((KEYS[fields[name]], value))
        last = question.answer.path.rpartition("/")[2]
        if last in fields:
            named.add((KEYS[fields[last]], question.answer.value))
        where = question.answer.where
        if where is not None and len(where.equals) == 1:
            ((name, key),) = where.equals.items()
            if name in fields:
                named.add((KEYS[fields[name]], key))
    return named


@requirement("synth:splits")
def test_splits_have_no_entity_in_common(made: Synthesis) -> None:
    by_split: dict[str, set[tuple[str, Json]]] = defaultdict(set)
    for task in made.bundle.tasks:
        by_split[task.split] |= entities_named(task)
    assert len(by_split["train"]) > 30
    assert len(by_split["test"]) > 8
    assert not by_split["train"] & by_split["test"]


@requirement("synth:splits")
def test_splits_have_no_pattern_in_common(made: Synthesis) -> None:
    by_split: dict[str, set[str]] = defaultdict(set)
    for task in made.bundle.tasks:
        names = {question.id: place for place, question in enumerate(task.sub_questions)}
        shape = str(
            [
                (q.tool, q.answer.path, sorted(map(str, [names[p] for p in q.depends_on])))
                for q in task.sub_questions
            ]
        )
        by_split[task.split].add(shape)
    assert not by_split["train"] & by_split["test"]


def test_the_report_proves_it(made: Synthesis) -> None:
    splits = made.report["splits"]
    assert isinstance(splits, dict)
    assert set(splits) == {"train", "test"}
    assert made.report["shared_entities"] == 0
    assert made.report["shared_patterns"] == 0
    assert sum(task.split == "test" for task in made.bundle.tasks) == pytest.approx(10, abs=2)


def test_small_tables_are_dealt_out(webshop: Analysed, made: Synthesis) -> None:
    catalogue: Catalogue = webshop.catalogue
    assert catalogue.by_name["Supplier"].rows == 10
    suppliers = {
        split: {name for t in made.bundle.tasks if t.split == split for name in entities_named(t)}
        for split in ("train", "test")
    }
    assert {table for table, _ in suppliers["test"]} >= {"Product", "Customer"}


def test_without_splits_all_tasks_are_for_training(shop_bundle_tasks: tuple[Task, ...]) -> None:
    assert {task.split for task in shop_bundle_tasks} == {"train"}


@pytest.fixture
def shop_bundle_tasks(made: Synthesis, tmp_path: Path) -> tuple[Task, ...]:
    del made
    source = make_webshop(tmp_path / "shop.sqlite")
    return synthesize_tables(
        source, tmp_path / "plain", TableOptions(gates=QUICK_GATES, tasks=4)
    ).bundle.tasks
