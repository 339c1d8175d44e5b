import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.canonical import Json
from astra_arena.core.stated_answers import dates_in, numbers_in, states_answer
from astra_arena.core.tasks import AnswerKind, FinalAnswer
from tests.core.conversations import answers


def stated(
    value: Json,
    message: str,
    *,
    kind: AnswerKind = "text",
    prompt: str = "",
    rivals: tuple[Json, ...] = (),
) -> bool:
    final = FinalAnswer(kind=kind, value=value, rivals=rivals)
    return states_answer(final, message, prompt=prompt)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1234, "There were 1,234 of them."),
        (1234, "1 234 in all"),
        (100, "On March 12 100 left."),
        (-5, "It was \u22125 degrees."),
        (17, "the 17th"),
        (2.5, "2.50 on average"),
        (3.14159, "about 3.14"),
        (9007199254740993, "9007199254740993"),
    ],
)
def test_a_number_is_found_as_people_write_it(value: Json, message: str) -> None:
    assert stated(value, message, kind="number")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "55, 0.5, x5 and 5.5"),
        (3.14159, "about 3.1"),
        (0.00412, "0.00"),
        (9007199254740993, "9007199254740992"),
        (7, "2013-07-07"),
        (1, "1 one two 2 3 4 5 6 7 8"),
        (True, "1"),
    ],
)
def test_another_number_or_a_list_of_them_is_not_it(value: Json, message: str) -> None:
    assert not stated(value, message, kind="number")


def test_numbers_of_the_question_and_a_short_calculation_may_be_shown() -> None:
    prompt = "How many of the 10, 20, 30, 40, 50, 60 and 70?"
    assert stated(3, "Of 10, 20, 30, 40, 50, 60, 70 it is 3.", kind="number", prompt=prompt)
    assert stated(6, "1 + 2 + 3 = 6", kind="number")


@pytest.mark.parametrize(
    "message", ["2013-03-05", "March 5, 2013", "5 March 2013", "the 5th of Mar. 2013 it was"]
)
def test_a_date_is_found_as_people_write_it(message: str) -> None:
    assert stated("2013-03-05", message, kind="date")
    assert not stated("2013-03-06", message, kind="date")


def test_a_list_of_dates_is_a_list_of_guesses() -> None:
    month = " ".join(f"2013-03-{day:02}" for day in range(1, 29))
    assert not stated("2013-03-05", month, kind="date")


def test_words_are_found_whole_and_whatever_their_case() -> None:
    assert stated("Emma", "it is EMMA.")
    assert not stated("Emma", "Emmanuel")
    assert stated("C++ (new)", "written in c++ (new)!")


def test_a_longer_name_is_not_a_shorter_one() -> None:
    rivals = ("New York City", "York", "City", "New", "New Yorker")
    assert not stated("New York", "It is New York City.", rivals=rivals)
    assert stated("New York City", "It is New York City.", rivals=("New York", *rivals[1:]))


def test_a_list_of_rivals_states_nothing() -> None:
    rivals = tuple(f"Name{number}" for number in range(8))
    assert stated("Emma", "Emma, not Name1, Name2 or Name3.", rivals=rivals)
    assert not stated("Emma", "Emma, Name1, Name2, Name3, Name4", rivals=rivals)


def test_whoever_repeats_a_choice_has_not_chosen() -> None:
    prompt = "Which had more, Ada or Ben?"
    assert not stated("Ben", prompt, prompt=prompt, rivals=("Ada",))
    assert stated("Ben", "Ben had more than Ada.", prompt=prompt, rivals=("Ada",))


def test_a_copy_of_what_was_read_is_no_answer() -> None:
    assert not stated("Emma", "Emma " + "word " * 400)
    assert stated("Emma", "Emma " + "word " * 200)


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("不会。镍的沸点是 3003 开尔文。", False),
        ("是的，3003 在 3000 与 4500 之间。", True),
        ("否", False),
        ("答案：会沸腾", True),
        ("答案是不会", False),
        ("镍的沸点是 3003 开尔文，外核是 3000 至 4500 开尔文，所以会沸腾。", True),
        ("《麦克白》首演于 1606 年，因此不能。", False),
        ("对，没有问题", True),
        ("结论为否", False),
    ],
)
def test_yes_and_no_are_read_in_chinese_at_the_start_of_a_clause(
    message: str, *, verdict: bool
) -> None:
    assert stated(verdict, message, kind="exact")
    assert not stated(not verdict, message, kind="exact")


@pytest.mark.parametrize(
    "message", ["沸点是 3003 开尔文", "是否会沸腾要看压力", "不过要看压力", ""]
)
def test_what_only_links_words_is_no_verdict(message: str) -> None:
    assert not stated(True, message, kind="exact")
    assert not stated(False, message, kind="exact")


def test_the_first_yes_or_no_decides() -> None:
    assert stated(True, "Yes, there is no doubt.", kind="exact")
    assert not stated(False, "Yes, there is no doubt.", kind="exact")
    assert not stated(False, "yes no", kind="exact")
    assert not stated(True, "no yes", kind="exact")
    assert not stated(True, "maybe", kind="exact")


def test_nothing_is_said_in_words() -> None:
    assert stated(None, "There is none.", kind="exact")
    assert stated([], "None of them.", kind="set")
    assert not stated([], "Ada and Ben.", kind="set")


def test_all_items_of_a_set_must_be_stated_and_few_others() -> None:
    rivals: tuple[Json, ...] = (["Cleo", "Dora"], ["Emil", "Finn"])
    assert stated(["Ada", "Ben"], "Ben and Ada", kind="set", rivals=rivals)
    assert not stated(["Ada", "Ben"], "Ada", kind="set", rivals=rivals)
    assert not stated(["Ada", "Ben"], "Ada Ben Cleo Dora Emil Finn", kind="set", rivals=rivals)
    assert not stated([1, 2], " ".join(str(n) for n in range(12)), kind="set")


@given(answers, st.text(max_size=60), st.text(max_size=20))
def test_any_message_can_be_judged(final: FinalAnswer, message: str, prompt: str) -> None:
    states_answer(final, message, prompt=prompt)


@given(st.text(alphabet="0123456789.,-+ e\u00a0\u2212", max_size=700))
def test_any_digits_can_be_read(text: str) -> None:
    numbers_in(text)
    states_answer(FinalAnswer(kind="number", value=0.5), text, prompt=text)
    assert not [one for one in dates_in(text) if not one]


@given(st.integers(-(10**15), 10**15))
def test_a_number_that_was_written_is_read_back(value: int) -> None:
    assert (value, 0) in numbers_in(f"It is {value:,}.")
