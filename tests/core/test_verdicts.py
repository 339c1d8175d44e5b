import pytest
from hypothesis import given

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import Alternative, RowSelector, Task
from astra_arena.core.trajectory_reward import tally_calls
from astra_arena.core.verdicts import score
from tests.core.strategies import logs, tasks
from tests.support.records import call_of, sub_question, task_of
from tests.support.requirement import requirement


def gold_log(task: Task) -> tuple[CallRecord, ...]:
    return tuple(
        call_of(index, question.arguments)
        for index, question in enumerate(q for q in task.in_order() if q.tool is not None)
    )


@requirement("core:reward:bounds")
@given(tasks(), logs())
def test_the_reward_is_between_nothing_and_one(task: Task, calls: tuple[CallRecord, ...]) -> None:
    for mode in ("strict", "astra"):
        verdict = score(task, calls, mode=mode)
        assert 0.0 <= verdict.reward <= 1.0


@requirement("core:reward:gold-is-one")
@given(tasks())
def test_the_gold_calls_earn_exactly_one(task: Task) -> None:
    assert score(task, gold_log(task)).reward == 1.0
    assert score(task, gold_log(task)).solved


@given(tasks())
def test_silence_earns_nothing(task: Task) -> None:
    verdict = score(task, ())
    assert verdict.reward == 0.0
    assert not verdict.solved


@requirement("core:reward:monotone")
@given(tasks(), logs())
def test_a_call_that_solves_nothing_never_raises_the_reward(
    task: Task, calls: tuple[CallRecord, ...]
) -> None:
    wasted = call_of(len(calls), {"id": "nothing"}, outcome="tool_failure")
    assert score(task, (*calls, wasted)).reward <= score(task, calls).reward


@requirement("core:reward:monotone")
@given(tasks(), logs())
def test_solving_one_more_never_lowers_the_reward(
    task: Task, calls: tuple[CallRecord, ...]
) -> None:
    before = tally_calls(task, calls)
    for gold in gold_log(task):
        longer = (*calls, gold.model_copy(update={"index": len(calls)}))
        if len(tally_calls(task, longer).solutions) > len(before.solutions):
            assert score(task, longer).reward >= score(task, calls).reward


@given(tasks(), logs())
def test_the_closed_form_of_the_paper_holds_when_calls_solve_one_each(
    task: Task, calls: tuple[CallRecord, ...]
) -> None:
    tally = tally_calls(task, calls)
    if tally.useful == len(tally.solutions) and tally.solutions:
        expected = 2 * len(tally.solutions) / (tally.needed + tally.calls)
        assert score(task, calls).reward == pytest.approx(expected)


def test_a_child_before_its_parent_is_not_solved() -> None:
    task = task_of(sub_question("a"), sub_question("b", parents=("a",)))
    calls = (call_of(0, {"id": "b"}), call_of(1, {"id": "a"}))
    evidence = score(task, calls).components[0].evidence
    assert evidence["solved_by"] == {"a": {"call": 1, "rule": "arguments"}}
    assert score(task, calls).reward == 0.5


def test_one_call_may_solve_two_and_the_reward_stays_at_one() -> None:
    task = task_of(sub_question("a", arguments={"id": 1}), sub_question("b", arguments={"id": 1}))
    assert score(task, (call_of(0, {"id": 1}),)).reward == 1.0


def test_a_fault_neither_solves_nor_costs() -> None:
    task = task_of(sub_question("a"))
    faulty = call_of(0, {"id": "a"}, fault="timeout")
    assert score(task, (faulty,)).reward == 0.0
    assert score(task, (faulty, call_of(1, {"id": "a"}))).reward == 1.0


def test_our_own_tools_cost_nothing() -> None:
    task = task_of(sub_question("a"))
    own = call_of(1, {"message": "done"}, tool="reply", own=True)
    assert score(task, (call_of(0, {"id": "a"}), own)).reward == 1.0


def test_refused_calls_cost() -> None:
    task = task_of(sub_question("a"))
    calls = (call_of(0, {"id": 5}, outcome="unknown_tool"), call_of(1, {"id": "a"}))
    assert score(task, calls).reward == pytest.approx(2 / 3)


def test_the_call_must_name_the_right_environment() -> None:
    task = task_of(sub_question("a"))
    elsewhere = call_of(0, {"id": "a"}).model_copy(update={"environment": "other"})
    assert score(task, (elsewhere,)).reward == 0.0


def test_references_are_resolved_by_the_gold_answer_of_the_parent() -> None:
    task = task_of(
        sub_question("a", value={"code": "JFK"}),
        sub_question("b", parents=("a",), arguments={"at": {"$from": "a", "path": "/code"}}),
    )
    right = (call_of(0, {"id": "a"}), call_of(1, {"at": "JFK"}))
    wrong = (call_of(0, {"id": "a"}), call_of(1, {"at": "LGA"}))
    assert score(task, right).reward == 1.0
    assert score(task, wrong).reward == 0.5


def row_task(gold_rows: int = 1) -> Task:
    where = RowSelector(rows="/rows", equals={"id": 7}, field="/title", gold_rows=gold_rows)
    return task_of(sub_question("a", arguments={"author": "Herbert"}, where=where))


def rows(*ids: int, title: str = "Dune") -> JsonObject:
    return {"rows": [{"id": i, "title": title if i == 7 else "?"} for i in ids]}


def test_another_query_solves_when_the_selected_row_holds_the_answer() -> None:
    verdict = score(row_task(), (call_of(0, {"year": 1965}, result=rows(3, 7)),))
    assert verdict.components[0].evidence["solved_by"] == {"a": {"call": 0, "rule": "row"}}


@pytest.mark.parametrize(
    "result",
    [
        rows(3, 4),
        rows(7, title="Emma"),
        rows(1, 2, 3, 4, 5, 7),
        rows(7, 7),
        {"rows": "none"},
        {"other": []},
        {"rows": [{"id": 7}]},
    ],
    ids=["other rows", "wrong answer", "too many", "ambiguous", "no list", "no rows", "no field"],
)
def test_a_row_that_does_not_hold_the_answer_solves_nothing(result: JsonObject) -> None:
    assert score(row_task(), (call_of(0, {"year": 1965}, result=result),)).reward == 0.0


def test_twice_the_rows_of_the_gold_reply_are_the_most_that_solve() -> None:
    call = call_of(0, {"year": 1965}, result=rows(*range(1, 9)))
    assert score(row_task(gold_rows=4), (call,)).reward == 1.0
    assert score(row_task(gold_rows=3), (call,)).reward == 0.0


def test_an_alternative_solves() -> None:
    question = sub_question("a").model_copy(
        update={"alternatives": (Alternative(tool="find", arguments={"id": 1}, path="/rows/0"),)}
    )
    verdict = score(task_of(question), (call_of(0, {"id": 1}, tool="find"),))
    assert verdict.components[0].evidence["solved_by"] == {"a": {"call": 0, "rule": "alternative"}}


@requirement("core:reward:astra-mode")
def test_mode_astra_looks_for_the_gold_text_in_the_named_tool() -> None:
    task = task_of(sub_question("a"), sub_question("b", parents=("a",), value="Frank"))
    calls = (call_of(0, {"id": "whatever"}, result={"text": "Dune by Frank Herbert"}),)
    verdict = score(task, calls, mode="astra")
    assert verdict.reward == pytest.approx(min(1.0, 4 / 3))
    assert score(task, calls).reward == 0.0


@pytest.mark.parametrize("gold", ["São Paulo", 'a"b', "c\\d", 5, ["x", "é"], {"k": 1.5}])
def test_mode_astra_finds_any_gold_text_in_a_perfect_reply(gold: Json) -> None:
    task = task_of(sub_question("a", value=gold))
    call = call_of(0, {"id": "a"}, result={"rows": [{"answer": gold}]})
    assert score(task, (call,), mode="astra").reward == 1.0


def test_a_forbidden_call_forfeits_the_reward() -> None:
    task = task_of(sub_question("a"), forbidden=("delete_book",))
    calls = (call_of(0, {"id": "a"}), call_of(1, {}, tool="delete_book"))
    verdict = score(task, calls)
    assert verdict.reward == 0.0
    assert not verdict.solved
    component = verdict.component("forbidden")
    assert component is not None
    assert component.evidence == {"calls": [1]}


def test_a_task_with_parts_that_cannot_be_scored_is_refused() -> None:
    with pytest.raises(SpecError, match="nothing that could be graded"):
        score(task_of(sub_question("a", tool=None)), ())


def test_an_alternative_with_a_choice_solves_by_the_values_listed_alone() -> None:
    parent = sub_question("a", arguments={"id": 1})
    choice: JsonObject = {"id": {"$from": "a", "path": ""}, "limit": {"$any": [1, 5]}}
    child = sub_question("b", arguments={"id": 2}, parents=("a",)).model_copy(
        update={"alternatives": (Alternative(tool="find", arguments=choice, path="/rows/0"),)}
    )
    task = task_of(parent, child)
    known = parent.answer.value
    first = call_of(0, {"id": 1})
    cases: tuple[tuple[Json, bool], ...] = ((1, True), (5, True), (2, False), (choice, False))
    for limit, solved in cases:
        call = call_of(1, {"id": known, "limit": limit}, tool="find")
        assert score(task, (first, call)).solved is solved
    assert not score(task, (first, call_of(1, {"id": known}, tool="find"))).solved
    assert not score(task, (first, call_of(1, {"id": "x", "limit": 1}, tool="find"))).solved
    assert not score(task, (call_of(0, {"id": known, "limit": 1}, tool="find"),)).solved
