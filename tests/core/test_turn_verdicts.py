import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.calls import ELICIT_TOOL, CallRecord
from astra_arena.core.canonical import Json
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import Expectation, FinalAnswer, Task
from astra_arena.core.turn_verdicts import conversation_of
from astra_arena.core.verdicts import Verdict, score, unsupported_parts
from tests.core.conversations import (
    ACT,
    ANSWER,
    DECLINE,
    ask,
    gold_log,
    playings,
    said,
    slot_of,
    state_of,
    talk_of,
    talks,
)
from tests.support.records import ENVIRONMENT, call_of
from tests.support.requirement import requirement

DATE, SEAT = slot_of("date"), slot_of("seat")


def value_of(verdict: Verdict, name: str) -> float | None:
    part = verdict.component(name)
    return None if part is None else part.value


def gradable(task: Task) -> bool:
    return not unsupported_parts(task)


@requirement("episodes:silence")
@given(talks())
def test_silence_earns_nothing_on_every_variant(task: Task) -> None:
    if gradable(task):
        assert score(task, ()).reward == 0.0
        assert not score(task, ()).solved


@requirement("episodes:gold")
@given(talks())
def test_the_gold_program_earns_exactly_one_on_every_variant(task: Task) -> None:
    if gradable(task):
        verdict = score(task, gold_log(task))
        assert verdict.reward == 1.0, verdict
        assert verdict.solved


@given(talks(), playings())
def test_the_reward_is_between_nothing_and_one_for_every_log(
    task: Task, calls: tuple[CallRecord, ...]
) -> None:
    if gradable(task):
        for mode in ("strict", "astra"):
            verdict = score(task, calls, mode=mode)
            assert 0.0 <= verdict.reward <= 1.0
            assert all(0.0 <= part.value <= 1.0 for part in verdict.components)


def without_harm(task: Task, calls: tuple[CallRecord, ...]) -> float:
    return score(task, calls).reward


@requirement("episodes:harmless")
@given(talks(), playings(), st.integers(0, 10))
def test_a_forbidden_call_a_needless_question_or_harm_never_raises_the_reward(
    task: Task, calls: tuple[CallRecord, ...], place: int
) -> None:
    if not gradable(task) or any(call.state is not None for call in calls):
        return
    before = score(task, calls).reward
    burn = call_of(0, {"id": "zz"}, tool="burn_book")
    harm = call_of(0, {"id": "zz"}, tool="set_state").model_copy(
        update={"state": state_of(("title", "torn"))}
    )
    needless = said(0, "zzz?", "question")
    for extra in (burn, harm, needless):
        longer = [*calls[:place], extra, *calls[place:]]
        again = tuple(call.model_copy(update={"index": index}) for index, call in enumerate(longer))
        turns = [one.turn for one in conversation_of(task, again) if one.message != "zzz?"]
        cut_short = len(turns) < len(conversation_of(task, calls))
        # A question may use the last of the turns up, and then what came after it was not heard.
        if not cut_short:
            assert score(task, again).reward <= before


def test_asking_is_earned_by_naming_the_slot_before_any_call_fills_it() -> None:
    task = talk_of(ask("date"), slots=(DATE, SEAT))
    question, guess = said(0, "Which date?", "question"), call_of(1, {"date": "any"})
    assert value_of(score(task, (question, guess)), "asking") == 1.0
    before = (call_of(0, {"date": "any"}), said(1, "Which date?", "question"))
    assert value_of(score(task, before), "asking") == 0.0
    refused = call_of(0, {"date": "any"}, outcome="invalid_arguments")
    assert value_of(score(task, (refused, before[1])), "asking") == 0.0
    other = (said(0, "Which seat?", "question"),)
    assert value_of(score(task, other), "asking") == 0.0
    stated = (said(0, "Which date?", "answer"),)
    assert value_of(score(task, stated), "asking") == 0.0


def test_fishing_for_all_slots_at_once_is_not_asking() -> None:
    slots = (DATE, SEAT, slot_of("meal"))
    task = talk_of(ask("date"), slots=slots)
    verdict = score(task, (said(0, "date, seat, meal?", "question"),))
    assert value_of(verdict, "asking") == 0.0
    assert value_of(verdict, "needless_questions") == 0.75


def test_what_earlier_turns_filled_in_is_no_guess_and_what_this_turn_did_is() -> None:
    task = talk_of(ACT, ask("date"), slots=(DATE,))
    earlier = (
        call_of(0, {"date": "of another thing"}),
        said(1, "Done."),
        said(2, "Which date?", "question"),
    )
    assert value_of(score(task, earlier), "asking") == 1.0
    guessed = (said(0, "Done."), call_of(1, {"date": "x"}), said(2, "Which date?", "question"))
    assert value_of(score(task, guessed), "asking") == 0.0
    too_soon = (said(0, "Which date?", "question"), said(1, "Done."))
    assert value_of(score(task, too_soon), "asking") == 0.0


def test_declining_is_earned_by_saying_so_in_that_turn() -> None:
    task = talk_of(DECLINE, ACT)
    assert value_of(score(task, (said(0, "No.", "cannot"),)), "declining") == 1.0
    assert value_of(score(task, (said(0, "Done."), said(1, "No.", "cannot"))), "declining") == 0.0
    assert value_of(score(task, (said(0, "Which?", "question"),)), "declining") == 0.0


def test_saying_something_earns_nothing_by_itself() -> None:
    task = talk_of(ANSWER, final_answer=FinalAnswer(kind="number", value=7))
    assert score(task, (said(0, "Done."),)).reward == 0.0
    answered = score(task, (said(0, "It is 7."),))
    assert (answered.reward, value_of(answered, "answering")) == (0.0, 1.0)
    assert score(task, (said(0, "It is 7.", "cannot"),)).reward == 0.0


def test_who_always_declines_earns_nothing_where_an_answer_was_to_be_had() -> None:
    task = talk_of(DECLINE, ANSWER)
    refusals = (said(0, "I cannot.", "cannot"), said(1, "I cannot.", "cannot"))
    assert score(task, refusals).reward == 0.0


def test_the_last_answer_is_the_one_that_counts() -> None:
    task = talk_of(ANSWER, ANSWER, final_answer=FinalAnswer(kind="number", value=7))
    assert value_of(score(task, (said(0, "7"), said(1, "8"))), "final_answer") == 0.0
    assert value_of(score(task, (said(0, "8"), said(1, "7"))), "final_answer") == 1.0


def test_needless_questions_cost_a_quarter_each_and_never_more_than_all() -> None:
    task = talk_of(ANSWER, slots=(DATE,))
    for count, value in ((1, 0.75), (2, 0.5), (5, 0.0)):
        log = tuple(said(index, "Which date?", "question") for index in range(count))
        assert value_of(score(task, log), "needless_questions") == value


def test_asking_by_oneself_is_no_needless_question_where_the_host_may_ask() -> None:
    task = talk_of(ACT, slots=(DATE,), variant="elicitation")
    assert (
        value_of(score(task, (said(0, "Which date?", "question"),)), "needless_questions") is None
    )
    told = CallRecord(
        index=0,
        environment=ENVIRONMENT,
        tool=ELICIT_TOOL,
        arguments={},
        outcome="ok",
        result={"told": {"date": "The date is x."}},
        own=True,
    )
    again = score(task, (told, said(1, "Which date?", "question")))
    assert value_of(again, "needless_questions") == 0.75


@pytest.mark.parametrize(
    "arguments",
    [None, [], "x", {}, {"message": 7}, {"message": "x", "kind": "verdict"}, {"kind": "answer"}],
)
def test_a_reply_that_is_none_is_not_heard(arguments: Json) -> None:
    odd = said(0, "x").model_copy(update={"arguments": arguments})
    assert conversation_of(talk_of(ANSWER), (odd,)) == ()


def test_a_tool_of_the_environment_or_a_refused_reply_says_nothing() -> None:
    spoken = said(0, "It is 7.")
    for change in ({"own": False}, {"outcome": "invalid_arguments"}, {"tool": "other"}):
        assert conversation_of(talk_of(ANSWER), (spoken.model_copy(update=change),)) == ()


def test_a_task_of_words_alone_is_refused_unless_they_can_be_graded() -> None:
    def words(expect: Expectation) -> Task:
        return talk_of(expect, slots=(DATE,), sub_questions=())

    for expect in (ANSWER, ACT):
        with pytest.raises(SpecError, match="nothing that could be graded"):
            score(words(expect), ())
    for expect in (ask("date"), DECLINE):
        assert score(words(expect), ()).reward == 0.0
