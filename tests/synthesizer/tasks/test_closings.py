import random

import pytest

from astra_arena.core.gold_program import closing_message
from astra_arena.core.stated_answers import states_answer
from astra_arena.core.tasks import Task
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from astra_arena.synthesizer.tasks.closings import Closing, draw_closing
from astra_arena.synthesizer.tasks.questions import Storyteller
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Step
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed
from tests.synthesizer.webshop import make_webshop

pytestmark = pytest.mark.timeout(300)


def heights(*feet: int) -> Plan:
    """Two airports, whose altitudes are asked for."""
    steps = tuple(
        Step(f"q{n}", "get", "airports", (Condition("faa", "is", code),), "alt", answer=height)
        for n, (code, height) in enumerate(zip(("DEN", "BOS"), feet, strict=True), start=1)
    )
    return Plan("singles", steps)


@pytest.mark.parametrize(
    ("operation", "value"),
    [("difference", 5412), ("larger", 5431), ("smaller", 19), ("ratio", 285.84)],
)
def test_two_numbers_are_computed_with(operation: str, value: float) -> None:
    drawn = [draw_closing(heights(5431, 19), random.Random(seed)) for seed in range(60)]
    values = {closing.operation: closing.value for closing in drawn if closing is not None}
    assert values[operation] == value


def test_two_days_are_put_in_order() -> None:
    steps = tuple(
        Step(f"q{n}", "get", "orders", (Condition("id", "is", n),), "placed_on", answer=day)
        for n, day in enumerate(("2024-03-01", "2024-02-09"), start=1)
    )
    drawn = [draw_closing(Plan("singles", steps), random.Random(seed)) for seed in range(20)]
    assert {(one.operation, one.value) for one in drawn if one is not None} == {
        ("later", "2024-03-01"),
        ("earlier", "2024-02-09"),
    }


def test_equal_numbers_are_not_compared() -> None:
    assert draw_closing(heights(19, 19), random.Random(0)) is None


def test_what_is_computed_is_asked_in_one_question(flights: Analysed) -> None:
    closing = Closing("difference", ("q1", "q2"), 5412)
    ways = {
        Storyteller(flights.catalogue, heights(5431, 19), random.Random(seed), closing)
        .tell()
        .question
        for seed in range(20)
    }
    assert ways == {
        "What is the difference between the altitude of DEN airport and the altitude of BOS "
        "airport, in feet?",
        "By how much do the altitude of DEN airport and the altitude of BOS airport differ, in "
        "feet?",
    }


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, ...]:
    folder = tmp_path_factory.mktemp("final")
    options = TableOptions(gates=QUICK_GATES, tasks=24, seed=2, final_answers=True, changes=0.0)
    return synthesize_tables(make_webshop(folder / "s.sqlite"), folder / "b", options).bundle.tasks


@requirement("synth:final-answers")
def test_the_last_message_must_state_the_answer(tasks: tuple[Task, ...]) -> None:
    finals = [(task, task.final_answer) for task in tasks if task.final_answer is not None]
    assert len(finals) >= 20
    for task, final in finals:
        assert task.needs_reply
        assert states_answer(final, closing_message(task), prompt=task.prompt), task.id
        assert not states_answer(final, "I do not know.", prompt=task.prompt)
        if final.kind != "number":
            listed = ", ".join(map(str, [final.value, *final.rivals]))
            assert len(final.rivals) < 4 or not states_answer(final, listed, prompt=task.prompt)


def test_some_answers_are_computed_without_a_tool(tasks: tuple[Task, ...]) -> None:
    computed = [
        question for task in tasks for question in task.sub_questions if question.tool is None
    ]
    assert len(computed) >= 3
    assert all(len(question.depends_on) == 2 for question in computed)
