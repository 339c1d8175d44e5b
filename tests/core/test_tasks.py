import pytest
from hypothesis import given

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import (
    Alternative,
    Budget,
    Expectation,
    Task,
    resolve_arguments,
    spelt_out,
)
from astra_arena.core.verdicts import unsupported_parts
from tests.core.conversations import ACT, ask, slot_of, talk_of
from tests.core.strategies import tasks
from tests.support.records import sub_question, task_of


@given(tasks())
def test_a_task_survives_being_written_and_read(task: Task) -> None:
    assert Task.from_json(task.to_json(), what="task") == task


@given(tasks())
def test_the_order_puts_parents_first(task: Task) -> None:
    seen: set[str] = set()
    for question in task.in_order():
        assert seen.issuperset(question.depends_on)
        seen.add(question.id)
    assert len(seen) == len(task.sub_questions)


def test_a_circle_of_sub_questions_is_refused() -> None:
    data = task_of(sub_question("a"), sub_question("b", parents=("a",))).to_json()
    questions = data["sub_questions"]
    assert isinstance(questions, list)
    assert isinstance(questions[0], dict)
    questions[0]["depends_on"] = ["b"]
    with pytest.raises(SpecError, match="depend on each other"):
        Task.from_json(data, what="task")


def test_an_unknown_parent_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown"):
        task_of(sub_question("a", parents=("z",)))


def test_doubled_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        task_of(sub_question("a"), sub_question("a"))


def test_a_reference_must_name_a_parent() -> None:
    with pytest.raises(ValueError, match="not its parents"):
        task_of(sub_question("a"), sub_question("b", arguments={"id": {"$from": "a"}}))


def test_references_take_the_value_at_their_path() -> None:
    arguments: JsonObject = {"at": {"$from": "a", "path": "/codes/1"}, "limit": 5}
    resolved = resolve_arguments(arguments, {"a": {"codes": ["JFK", "LGA"]}})
    assert resolved == {"at": "LGA", "limit": 5}


def test_a_reference_to_nothing_says_which() -> None:
    with pytest.raises(SpecError, match="'b'"):
        resolve_arguments({"at": {"$from": "b"}}, {})
    with pytest.raises(SpecError, match="/x"):
        resolve_arguments({"at": {"$from": "a", "path": "/x"}}, {"a": {}})


def test_an_expectation_names_its_subject() -> None:
    with pytest.raises(ValueError, match="slot"):
        Expectation(kind="ask")
    with pytest.raises(ValueError, match="tool"):
        Expectation(kind="act", tool="get_book")


def test_the_message_for_bad_data_names_place_and_value() -> None:
    data = task_of(sub_question("a")).to_json()
    data["budget"] = {"calls": 0}
    with pytest.raises(SpecError, match=r"tasks.jsonl line 3: /budget/calls: .*got 0") as caught:
        Task.from_json(data, what="tasks.jsonl line 3")
    assert caught.value.path == "/budget/calls"


def test_unknown_fields_are_refused() -> None:
    data = {**task_of(sub_question("a")).to_json(), "goal": "x"}
    with pytest.raises(SpecError, match="/goal"):
        Task.from_json(data, what="task")


def test_a_task_with_nothing_to_grade_is_named_as_such() -> None:
    assert unsupported_parts(task_of(sub_question("a"))) == ()
    assert unsupported_parts(task_of(sub_question("a", tool=None))) != ()


def test_only_conversations_need_a_reply() -> None:
    task = task_of(sub_question("a"))
    assert not task.needs_reply
    assert task.model_copy(update={"turns": task.turns * 2}).needs_reply


@pytest.mark.parametrize("choice", [[], 5, None])
def test_a_choice_lists_values(choice: Json) -> None:
    with pytest.raises(ValueError, match="lists values"):
        Alternative(tool="find", arguments={"limit": {"$any": choice}}, path="")


def test_gold_arguments_leave_no_choice() -> None:
    with pytest.raises(ValueError, match="leave no choice"):
        task_of(sub_question("a", arguments={"id": {"$any": [1, 2]}}))


def test_choices_are_spelt_out_in_every_combination() -> None:
    arguments: JsonObject = {"id": 7, "limit": {"$any": [1, 5]}, "order": {"$any": ["up", "down"]}}
    assert [(a["limit"], a["order"]) for a in spelt_out(arguments)] == [
        (1, "up"),
        (1, "down"),
        (5, "up"),
        (5, "down"),
    ]


@pytest.mark.parametrize(
    ("slots", "turns", "problem"),
    [
        (("seat", "seat"), 8, "in one turn"),
        (("seat",), 1, "budget of 1 turns is below the 2 messages"),
        (("row",), 8, "expects the slot 'row'"),
    ],
)
def test_a_conversation_that_nobody_could_play_is_refused(
    slots: tuple[str, ...], turns: int, problem: str
) -> None:
    turn = talk_of(ACT).turns[0]
    asking = [turn.model_copy(update={"expect": ask(slot)}) for slot in slots]
    task = talk_of(ACT, slots=(slot_of("seat"),)).model_copy(
        update={"turns": tuple(asking), "budget": Budget(turns=turns)}
    )
    with pytest.raises(SpecError, match=problem):
        Task.from_json(task.to_json(), what="a task")
