from collections import Counter

import pytest

from astra_arena.synthesizer.tasks.plan_shapes import MOST_STEPS
from astra_arena.synthesizer.tasks.task_graphs import TOPOLOGY_OF
from astra_arena.synthesizer.tasks.task_sampler import Sample, sample_tasks
from astra_arena.synthesizer.tasks.task_variety import MOST_COMMON_SHARE, MOST_ROOT_SHARE
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed


@pytest.fixture(scope="module")
def shop_sample(shop: Analysed) -> Sample:
    return sample_tasks(shop.connection, shop.catalogue, shop.designs, count=60, seed=3)


def test_as_many_tasks_come_as_were_asked_for(shop_sample: Sample) -> None:
    assert len(shop_sample.tasks) == 60
    assert shop_sample.drawn >= 60


@requirement("synth:topologies")
def test_tasks_have_one_to_eight_steps_and_all_topologies(flights: Analysed) -> None:
    sample = sample_tasks(flights.connection, flights.catalogue, flights.designs, count=60, seed=3)
    plans = [task.plan for task in sample.tasks]
    assert {len(plan.steps) for plan in plans} >= set(range(1, 8))
    assert max(len(plan.steps) for plan in plans) <= MOST_STEPS
    assert Counter(plan.topology for plan in plans) == {
        "single_hop": 3,
        "parallel_single_hop": 6,
        "multi_hop": 30,
        "parallel_multi_hop": 21,
    }


def test_the_mix_of_topologies_can_be_chosen(shop: Analysed) -> None:
    sample = sample_tasks(
        shop.connection,
        shop.catalogue,
        shop.designs,
        count=20,
        seed=3,
        topologies={"single_hop": 1, "parallel_single_hop": 3},
    )
    assert Counter(task.plan.topology for task in sample.tasks) == {
        "single_hop": 5,
        "parallel_single_hop": 15,
    }


def test_plans_have_the_shape_that_they_name(shop_sample: Sample, films: Analysed) -> None:
    more = sample_tasks(films.connection, films.catalogue, films.designs, count=40, seed=1)
    for task in (*shop_sample.tasks, *more.tasks):
        plan = task.plan
        children = Counter(source for step in plan.steps for source in step.sources)
        roots = [step for step in plan.steps if not step.sources]
        match plan.shape:
            case "single":
                assert len(plan.steps) == 1
            case "singles":
                assert len(roots) == len(plan.leaves) == len(plan.steps) > 1
            case "chain":
                assert plan.hops == len(plan.steps)
            case "fork":
                assert len(plan.leaves) >= 2
                assert len(roots) == 1
                assert max(children.values()) >= 2
            case "join":
                assert len(roots) == 2
                assert any(len(step.sources) == 2 for step in plan.steps)
            case "branches":
                assert len(roots) == len(plan.leaves) >= 2
                assert not any(step in plan.leaves for step in roots)


def test_no_question_comes_twice(shop_sample: Sample) -> None:
    questions = [task.wording.question for task in shop_sample.tasks]
    assert len(set(questions)) == len(questions)


def test_no_final_answer_is_common(shop_sample: Sample) -> None:
    leaves = [leaf for task in shop_sample.tasks for leaf in task.plan.leaves]
    columns: dict[tuple[str, str], Counter[str]] = {}
    for leaf in leaves:
        column = "count" if leaf.kind == "count" else leaf.column or ""
        columns.setdefault((leaf.table, column), Counter())[str(leaf.answer)] += 1
    everything = Counter(str(leaf.answer) for leaf in leaves)
    for answers in (everything, *columns.values()):
        most = answers.most_common(1)[0][1]
        assert most <= max(1, MOST_COMMON_SHARE * answers.total())


def test_the_seed_decides(shop: Analysed, shop_sample: Sample) -> None:
    again = sample_tasks(shop.connection, shop.catalogue, shop.designs, count=60, seed=3)
    other = sample_tasks(shop.connection, shop.catalogue, shop.designs, count=60, seed=4)
    assert again.tasks == shop_sample.tasks
    assert other.tasks != shop_sample.tasks


def test_one_table_is_enough(films: Analysed) -> None:
    sample = sample_tasks(films.connection, films.catalogue, films.designs, count=40, seed=0)
    assert len(sample.tasks) == 40
    assert {task.plan.topology for task in sample.tasks} == set(TOPOLOGY_OF.values())


def test_no_task_asks_again_for_a_part_of_an_earlier_one(shop_sample: Sample) -> None:
    calls = [frozenset(step.call for step in task.plan.steps) for task in shop_sample.tasks]
    for place, later in enumerate(calls):
        assert not any(later <= earlier for earlier in calls[:place])


def test_few_tasks_begin_with_the_same_call(shop_sample: Sample) -> None:
    roots = Counter(
        root
        for task in shop_sample.tasks
        for root in {step.call for step in task.plan.steps if not step.sources}
    )
    assert max(roots.values()) <= max(2, MOST_ROOT_SHARE * 60)
