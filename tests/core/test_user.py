from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.tasks import Budget, Task
from astra_arena.core.user import (
    NOTHING_TO_ADD,
    ONE_AT_A_TIME,
    UserState,
    hear,
    named_slots,
    telling,
)
from tests.core.conversations import ACT, ANSWER, ask, names, replayed, slot_of, talk_of, talks
from tests.support.requirement import requirement

DATE, DEPARTURE, SEAT = slot_of("date"), slot_of("departure_date"), slot_of("seat", value=7)
TASK = talk_of(ask("date"), slots=(DATE, DEPARTURE, SEAT))
messages = st.lists(
    st.tuples(st.text(max_size=20) | names, st.sampled_from(["answer", "question", "cannot"])),
    max_size=12,
)


def named(message: str, task: Task = TASK) -> list[str]:
    return [slot.name for slot in named_slots(task, message)]


def test_a_slot_is_named_by_whole_words_whatever_their_case_and_marks() -> None:
    assert named("Which SEAT, please?") == ["seat"]
    assert named("the departure-date?") == ["departure_date"]
    assert named("seats or seated, outdated, up to date's end") == ["date"]
    assert named("seats and updates") == []


def test_a_longer_name_uses_its_words_up() -> None:
    assert named("What is the departure date?") == ["departure_date"]
    assert named("The departure date, and the date of birth?") == ["date", "departure_date"]


def test_an_alias_names_its_slot_and_one_without_letters_names_nothing() -> None:
    task = talk_of(ask("day"), slots=(slot_of("day", aliases=("when", "?", "")),))
    assert named("When?", task) == ["day"]
    assert named("???", task) == []
    assert named("", task) == []


def test_a_question_that_names_a_slot_gets_its_value_and_asking_again_nothing_new() -> None:
    first = hear(TASK, UserState(), "Which seat?", "question")
    again = hear(TASK, first.state, "Which seat?", "question")
    assert (first.text, first.needless) == ("The seat is 7.", False)
    assert (again.text, again.needless) == (first.text, True)
    assert first.state.revealed == {"seat"}


def test_a_question_that_names_nothing_or_too_much_gets_no_information() -> None:
    nothing = hear(TASK, UserState(), "What else?", "question")
    fishing = hear(TASK, UserState(), "date? departure date? seat?", "question")
    assert (nothing.text, nothing.needless, nothing.state.revealed) == (
        NOTHING_TO_ADD,
        True,
        frozenset(),
    )
    assert (fishing.text, fishing.needless, fishing.state.revealed) == (
        ONE_AT_A_TIME,
        True,
        frozenset(),
    )


def test_an_answer_brings_the_next_turn_and_then_the_end() -> None:
    task = talk_of(ACT, ANSWER)
    first = hear(task, UserState(), "Done.", "answer")
    end = hear(task, first.state, "No.", "cannot")
    assert (first.text, first.state.turn, first.state.done) == ("Please do part 1.", 1, False)
    assert (end.text, end.state.done) == (None, True)


def test_the_budget_of_turns_ends_the_conversation() -> None:
    task = talk_of(ask("seat"), slots=(SEAT,), budget=Budget(turns=2))
    first = hear(task, UserState(), "Hm?", "question")
    last = hear(task, first.state, "Which seat?", "question")
    assert (last.text, last.state.done) == (None, True)


def test_a_slot_is_told_as_its_task_says_or_in_a_plain_sentence() -> None:
    assert telling(SEAT.model_copy(update={"tell": "Seat seven."})) == "Seat seven."
    assert telling(slot_of("order_id", value=["a", 1])) == 'The order id is ["a",1].'


@requirement("episodes:same-replies")
@given(talks(), messages)
def test_the_same_messages_get_the_same_replies_and_end_within_the_budget(
    task: Task, said: list[tuple[str, str]]
) -> None:
    texts = replayed(task, said)
    assert replayed(task, said) == texts
    assert len(texts) <= task.budget.turns
    assert all(text is None or text for text in texts)


@given(talks(), messages)
def test_no_value_is_told_unless_its_slot_was_named(
    task: Task, said: list[tuple[str, str]]
) -> None:
    asked = [message for message, kind in said if kind == "question"]
    texts = replayed(task, said)
    if not any(named_slots(task, message) for message in asked):
        assert not any("slot-value" in (text or "") for text in texts)
