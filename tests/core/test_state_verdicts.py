import pytest

from astra_arena.core.calls import CallRecord, StateRecord
from astra_arena.core.canonical import JsonObject
from astra_arena.core.state_verdicts import changed_places, collateral_changes
from astra_arena.core.tasks import FinalState, StateAssertion, Task
from astra_arena.core.verdicts import Verdict, score, unsupported_parts
from tests.core.conversations import ACT, WANTED_PATH, state_of, talk_of
from tests.support.records import ENVIRONMENT, call_of, sub_question, task_of
from tests.support.requirement import requirement

ASSERTED = FinalState(
    assertions=(StateAssertion(environment=ENVIRONMENT, path=WANTED_PATH, equals="new"),)
)
DIGEST = FinalState(digests={ENVIRONMENT: "sha256:wanted"})


def wrote(*states: StateRecord, environment: str = ENVIRONMENT) -> tuple[CallRecord, ...]:
    return tuple(
        call_of(index, {"n": index}, tool="set_state").model_copy(
            update={"state": state, "environment": environment}
        )
        for index, state in enumerate(states)
    )


def state_task(wanted: FinalState | None) -> Task:
    return talk_of(ACT, sub_questions=() if wanted else talk_of(ACT).sub_questions).model_copy(
        update={"final_state": wanted}
    )


def judged(wanted: FinalState, *states: StateRecord) -> tuple[float, float]:
    verdict = score(state_task(wanted), wrote(*states))
    return value_of(verdict, "final_state"), value_of(verdict, "collateral")


def value_of(verdict: Verdict, name: str) -> float:
    part = verdict.component(name)
    assert part is not None
    return part.value


def test_a_world_is_right_by_digest_or_by_all_of_its_assertions() -> None:
    assert judged(DIGEST, state_of(("anything", 1), digest="sha256:wanted")) == (1.0, 1.0)
    assert judged(DIGEST, state_of(("state", "new"))) == (0.0, 1.0)
    assert judged(ASSERTED, state_of(("state", "new"))) == (1.0, 1.0)
    assert judged(ASSERTED, state_of(("state", "odd"))) == (0.0, 1.0)


def test_the_last_state_decides() -> None:
    right, wrong = state_of(("state", "new")), state_of(("state", "odd"))
    assert judged(ASSERTED, wrong, right) == (1.0, 1.0)
    assert judged(ASSERTED, right, wrong) == (0.0, 1.0)


@requirement("episodes:harmless")
def test_whatever_else_changed_takes_the_whole_reward() -> None:
    both = state_of(("state", "new"), ("title", "torn"))
    assert judged(ASSERTED, both) == (1.0, 0.0)
    assert score(state_task(ASSERTED), wrote(both)).reward == 0.0


def test_a_change_that_was_undone_is_none() -> None:
    verdict = score(state_task(None), wrote(state_of(("title", "torn")), state_of()))
    assert value_of(verdict, "collateral") == 1.0


def test_a_write_where_nothing_was_to_be_written_is_harm() -> None:
    verdict = score(state_task(None), wrote(state_of(("title", "torn"))))
    assert value_of(verdict, "collateral") == 0.0


def test_a_world_that_the_task_does_not_name_must_be_as_it_was() -> None:
    calls = (
        *wrote(state_of(("state", "new"))),
        *wrote(state_of(("title", "torn")), environment="elsewhere"),
    )
    verdict = score(state_task(ASSERTED), calls)
    assert (value_of(verdict, "final_state"), verdict.reward) == (1.0, 0.0)


def test_what_may_change_is_not_harm() -> None:
    for path in ("/tables/books/*/after/title", "/tables/books", '/tables/books/{"id":1}'):
        wanted = ASSERTED.model_copy(update={"ignored_paths": (path,)})
        assert judged(wanted, state_of(("state", "new"), ("title", "x"))) == (1.0, 1.0)
    elsewhere = ASSERTED.model_copy(update={"ignored_paths": ("/tables/readers",)})
    assert judged(elsewhere, state_of(("state", "new"), ("title", "x"))) == (1.0, 0.0)


def test_a_state_that_only_ignores_changes_asks_for_nothing() -> None:
    task = task_of(sub_question("q")).model_copy(
        update={"final_state": FinalState(ignored_paths=("/tables/books",))}
    )
    verdict = score(task, wrote(state_of(("title", "x"))))
    assert verdict.component("final_state") is None
    assert value_of(verdict, "collateral") == 1.0
    alone = task.model_copy(update={"sub_questions": ()})
    assert unsupported_parts(alone) == ("nothing that could be graded",)


@pytest.mark.parametrize("wanted", [ASSERTED, FinalState()])
def test_a_difference_that_was_cut_or_unknown_is_harm(wanted: FinalState) -> None:
    cut: tuple[JsonObject, ...] = ({"tables": {}, "truncated": True}, {"truncated": True})
    for difference in cut:
        state = StateRecord(digest="", difference=difference)
        assert collateral_changes(wanted, ENVIRONMENT, state) == [""]


def test_every_change_is_told_as_finely_as_the_difference_tells_it() -> None:
    difference: JsonObject = {
        "tables": {
            "a/b": {
                "k~": {"before": {"x": 1, "y": 1}, "after": {"x": 2, "y": 1.0}},
                "new": {"before": None, "after": {"x": 1, "y": None}},
                "old": {"before": {"x": 1}, "after": None},
            },
            "sqlite_sequence": {"k": {"before": {"seq": 1}, "after": {"seq": 2}}},
        },
        "values": {"/a/b": {"before": 1, "after": 2}, "/c": {"before": 1, "absent": True}},
    }
    assert changed_places(difference) == [
        "/tables/a~1b/k~0/after/x",
        "/tables/a~1b/new/after/x",
        "/tables/a~1b/old/after",
        "/values/~1a~1b/after",
        "/values/~1c/after",
    ]


def test_a_value_of_a_document_that_was_wanted_is_not_harm() -> None:
    wanted = FinalState(
        assertions=(StateAssertion(environment=ENVIRONMENT, path="/values/~1a~1b/after", equals=2),)
    )
    state = StateRecord(digest="x", difference={"values": {"/a/b": {"before": 1, "after": 2}}})
    assert judged(wanted, state) == (1.0, 1.0)


@pytest.mark.parametrize(
    "difference",
    [
        {},
        {"tables": None, "values": []},
        {"tables": {"books": None}},
        {"tables": {"books": {"k": None}}},
        {"tables": {"books": {"k": {"after": 7}}}},
    ],
)
def test_an_odd_difference_is_judged_and_not_choked_on(difference: JsonObject) -> None:
    state = StateRecord(digest="x", difference=difference)
    assert score(state_task(ASSERTED), wrote(state)).reward == 0.0
