"""Questions for the days between two dates of one row."""

from pathlib import Path

from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from astra_arena.synthesizer.tasks.answer_uses import AnswerUses
from astra_arena.synthesizer.tasks.questions import Storyteller
from astra_arena.synthesizer.tasks.step_sampler import StepSampler
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Step
from astra_arena.synthesizer.tasks.task_sampler import SampledTask
from astra_arena.synthesizer.tasks.task_writer import TaskWriter
from tests.synthesizer.analysed import Analysed
from tests.synthesizer.inputs import make_store
from tests.synthesizer.live_tools import live_tools
from tests.synthesizer.second_oracle import Oracle, Shape

ORDERS = {"orders": Shape("order", "orders", ("id",))}


def periods(store: Analysed) -> list[Step]:
    uses = AnswerUses(store.catalogue, store.designs)
    entity = store.catalogue.by_name["orders"]
    found: list[Step] = []
    for order in range(1, 60):
        stream = random_stream(5, "periods", order)
        sampler = StepSampler(store.catalogue, store.designs, store.queries, uses, stream)
        step = sampler.getting("q1", entity, (Condition("id", "is", order),), final=True)
        if step is not None and step.kind == "period":
            found.append(step)
    assert found
    return found


def task_of(store: Analysed, step: Step) -> Task:
    plan = Plan("single", (step,))
    specs = {spec.name: spec for design in store.designs for spec in tool_specs(design)}
    writer = TaskWriter("store", store.catalogue, store.designs, specs, version="1", seed=5)
    stream = random_stream(5, "words", str(step.conditions[0].value))
    return writer.write(1, SampledTask(plan, Storyteller(store.catalogue, plan, stream).tell()))


def test_days_are_asked_for_in_several_ways(store: Analysed) -> None:
    asked = [task_of(store, step) for step in periods(store)]
    for task in asked:
        assert task.prompt.startswith("How many days ")
        assert "order" in task.prompt
        assert task.prompt.index("placed") < task.prompt.index("shipped")
    assert len({task.prompt.split(" ")[3] for task in asked}) > 1


def test_nobody_is_asked_for_days_that_passed_backwards_or_not_at_all(store: Analysed) -> None:
    assert all(isinstance(step.answer, int) and step.answer > 0 for step in periods(store))


async def test_the_tool_and_the_source_say_the_same(store: Analysed, tmp_path: Path) -> None:
    oracle = Oracle(make_store(tmp_path / "store.sqlite"), ORDERS)
    async with live_tools(store, tmp_path) as tools:
        for step in periods(store)[:6]:
            task = task_of(store, step)
            (question,) = task.sub_questions
            reply = await tools.reply(question.tool or "", **question.arguments)
            assert reply["days"] == question.answer.value
            assert oracle.disagreements(task.to_json()) == []
