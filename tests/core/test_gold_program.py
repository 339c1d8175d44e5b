from hypothesis import given

from astra_arena.core.gold_program import CallAct, ReplyAct, closing_message, gold_acts
from astra_arena.core.stated_answers import states_answer
from astra_arena.core.tasks import FinalAnswer
from astra_arena.core.user import named_slots
from tests.core.conversations import ACT, ANSWER, DECLINE, answers, ask, slot_of, talk_of
from tests.support.records import sub_question, task_of


def test_a_task_without_words_is_its_calls_with_parents_first() -> None:
    task = task_of(
        sub_question("child", parents=("parent",)), sub_question("parent"), sub_question("x")
    )
    acts = gold_acts(task)
    assert all(isinstance(act, CallAct) for act in acts)
    order = [act.question for act in acts if isinstance(act, CallAct)]
    assert sorted(str(one) for one in order) == ["child", "parent", "x"]
    assert order.index("parent") < order.index("child")


def test_what_follows_by_thought_alone_is_no_call() -> None:
    task = task_of(sub_question("a"), sub_question("b", tool=None, parents=("a",)))
    assert [act.question for act in gold_acts(task) if isinstance(act, CallAct)] == ["a"]


def test_each_turn_asks_acts_and_ends_in_the_way_expected() -> None:
    task = talk_of(
        DECLINE,
        ask("departure_date"),
        slots=(slot_of("departure_date"),),
        final_answer=FinalAnswer(kind="number", value=7),
    )
    shown = [act.kind if isinstance(act, ReplyAct) else act.tool for act in gold_acts(task)]
    assert shown == ["cannot", "question", "get_book", "answer"]
    question = gold_acts(task)[1]
    assert isinstance(question, ReplyAct)
    assert [slot.name for slot in named_slots(task, question.message)] == ["departure_date"]
    assert gold_acts(task)[-1] == ReplyAct("The answer is 7.", "answer")


def test_the_answer_is_stated_in_the_last_turn_that_ends_in_one() -> None:
    task = talk_of(ACT, ANSWER, DECLINE, final_answer=FinalAnswer(kind="number", value=7))
    messages = [act.message for act in gold_acts(task) if isinstance(act, ReplyAct)]
    assert messages[:2] == ["Done.", "The answer is 7."]


@given(answers)
def test_the_closing_message_states_every_answer(final: FinalAnswer) -> None:
    message = closing_message(talk_of(ANSWER, final_answer=final))
    assert states_answer(final, message, prompt="Please do part 0.")
