import random
from dataclasses import replace

import pytest

from astra_arena.synthesizer.tasks.task_checks import PlanChecks, shown_values
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Step
from astra_arena.synthesizer.tasks.task_sampler import sample_tasks
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed


@pytest.fixture
def checks(shop: Analysed) -> PlanChecks:
    return PlanChecks(shop.catalogue, shop.designs, shop.queries, random.Random(0))


def solved(shop: Analysed, step: Step) -> Step:
    done = shop.queries.solve(step)
    assert done is not None
    return done


def order_then_customer(shop: Analysed, *, column: str = "name") -> Plan:
    order = solved(shop, Step("q1", "get", "orders", (Condition("id", "is", 1001),), "customer_id"))
    key = Condition("id", "is", order.answer, "q1")
    customer = solved(shop, Step("q2", "get", "customers", (key,), column))
    return Plan("chain", (order, customer))


def test_a_good_plan_has_no_finding(shop: Analysed, checks: PlanChecks) -> None:
    assert checks.finding(order_then_customer(shop)) is None


def test_an_answer_that_a_parent_shows_is_refused(shop: Analysed, checks: PlanChecks) -> None:
    top = Step("q1", "top", "orders", (), "customer_id", sort_by="total", descending=True)
    first = solved(shop, top)
    same = (Condition("customer_id", "is", first.answer, "q1"),)
    again = solved(
        shop, Step("q2", "top", "orders", same, "placed_on", sort_by="total", descending=True)
    )
    finding = checks.finding(Plan("chain", (first, again)))
    assert finding == "the reply to q1 holds the answer of q2"


def test_the_same_call_twice_is_refused(shop: Analysed, checks: PlanChecks) -> None:
    step = solved(shop, Step("q1", "get", "orders", (Condition("id", "is", 1001),), "total"))
    other = replace(step, id="q2", column="placed_on")
    finding = checks.finding(Plan("branches", (step, other)))
    assert finding == "q1 and q2 make the same call"


@requirement("synth:data-flow")
def test_a_parent_that_does_not_matter_is_refused(shop: Analysed, checks: PlanChecks) -> None:
    first = solved(shop, Step("q1", "get", "orders", (Condition("id", "is", 1002),), "total"))
    # Every order costs at least 0, whatever the first one costs.
    above = Condition("total", "at_most", 10**9, "q1")
    count = solved(shop, Step("q2", "count", "orders", (above,)))
    finding = checks.finding(Plan("chain", (first, count)))
    assert finding == "q2 answers the same without q1"


@requirement("synth:data-flow")
def test_a_child_that_hardly_changes_is_refused(shop: Analysed, checks: PlanChecks) -> None:
    shop.connection.execute("UPDATE customers SET born = '1970-01-15' WHERE id <> 5")
    try:
        finding = checks.finding(order_then_customer(shop, column="born"))
    finally:
        shop.connection.rollback()
    assert finding is not None
    assert finding.startswith("q2 hardly depends on q1")


def test_a_way_around_a_parent_is_refused(shop: Analysed, checks: PlanChecks) -> None:
    # The item shows its order; asking for that order again by way of the order's own row is vain.
    item = solved(
        shop,
        Step(
            "q1",
            "get",
            "order_items",
            (Condition("order_id", "is", 1003), Condition("line", "is", 1)),
            "order_id",
        ),
    )
    order = solved(
        shop,
        Step("q2", "get", "orders", (Condition("id", "is", item.answer, "q1"),), "total"),
    )
    # A bound that no other row of the table reaches: the count follows from the item alone.
    bound = (
        Condition("order_id", "is", item.answer, "q2"),
        Condition("quantity", "at_least", 1),
    )
    count = solved(shop, Step("q3", "count", "order_items", bound))
    finding = checks.finding(Plan("chain", (item, order, count)))
    assert finding is not None


@requirement("synth:data-flow")
def test_other_parents_change_the_answers_of_every_sampled_task(shop: Analysed) -> None:
    sample = sample_tasks(shop.connection, shop.catalogue, shop.designs, count=30, seed=9)
    queries = shop.queries
    checks = PlanChecks(shop.catalogue, shop.designs, queries, random.Random(1))
    for task in sample.tasks:
        plan = task.plan
        for step in plan.steps:
            assert queries.solve(replace(step, answer=None)) == step
            for source in step.sources:
                parent = plan.step(source)
                assert parent.answer in {c.value for c in step.conditions if c.source == source}
                share = checks.changed_share(step, parent)
                assert share is not None
                assert share > 0.5


def test_no_reply_shows_an_answer_before_its_call(shop: Analysed) -> None:
    sample = sample_tasks(shop.connection, shop.catalogue, shop.designs, count=30, seed=9)
    for task in sample.tasks:
        for step in task.plan.steps:
            for source in task.plan.ancestors(step):
                assert step.answer not in shown_values(task.plan.step(source))
