from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from astra_arena.core.canonical import JsonObject
from astra_arena.core.faults import Fault, FaultKind, FaultPlan, fault_of, truncated_page
from tests.core.strategies import json_values


def struck(
    plan: FaultPlan, *, attempt: int = 0, read_only: bool = True, n: int = 400
) -> list[Fault | None]:
    return [
        fault_of(
            plan,
            seed=1,
            environment="library",
            tool="get_book",
            arguments={"id": number},
            attempt=attempt,
            read_only=read_only,
        )
        for number in range(n)
    ]


def test_the_share_of_calls_that_fail_is_the_plan_s() -> None:
    met = sum(fault is not None for fault in struck(FaultPlan(rate=0.2), n=2000))
    assert 330 < met < 470
    assert not any(struck(FaultPlan(rate=0.0)))
    assert all(struck(FaultPlan(rate=1.0)))


def test_a_repeated_call_succeeds_after_the_streak_at_the_latest() -> None:
    plan = FaultPlan(rate=1.0, streak=3)
    by_attempt = [sum(f is not None for f in struck(plan, attempt=a)) for a in range(4)]
    assert by_attempt[0] == 400
    assert by_attempt[0] > by_attempt[1] > by_attempt[2] > by_attempt[3] == 0


def test_a_fault_is_of_the_call_alone_and_of_every_kind_in_the_plan() -> None:
    plan = FaultPlan(rate=1.0)
    assert struck(plan) == struck(plan)
    assert {fault.kind for fault in struck(plan) if fault} == set(get_args(FaultKind))
    only = FaultPlan(rate=1.0, kinds=("rate_limit",))
    assert {fault.kind for fault in struck(only) if fault} == {"rate_limit"}


def test_no_call_that_writes_runs_before_its_reply_is_lost() -> None:
    plan = FaultPlan(rate=1.0, lost_replies=1.0)
    assert not any(fault.after for fault in struck(plan, read_only=False) if fault)
    assert any(fault.after for fault in struck(plan) if fault)


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_fault_says_that_another_try_may_help(kind: FaultKind) -> None:
    assert "tried again" in Fault(kind, after=False).message


@given(st.integers(), st.text(), json_values)
def test_any_call_can_be_asked_about(seed: int, tool: str, arguments: object) -> None:
    fault_of(
        FaultPlan(rate=0.5),
        seed=seed,
        environment="e",
        tool=tool,
        arguments=arguments,  # pyright: ignore[reportArgumentType]
        attempt=0,
        read_only=True,
    )


def test_a_page_is_halved_and_says_so() -> None:
    page: JsonObject = {"rows": [1, 2, 3], "truncated": False, "of": "x"}
    assert truncated_page(page) == {"rows": [1], "truncated": True, "of": "x"}
    assert page["rows"] == [1, 2, 3]


@pytest.mark.parametrize(
    "result",
    [
        {"rows": [1, 2]},
        {"rows": [1, 2], "truncated": "no"},
        {"rows": [1], "truncated": False},
        {"rows": [1, 2], "more": [3, 4], "truncated": False},
        {"truncated": False},
        {},
    ],
)
def test_what_is_no_page_is_not_cut(result: JsonObject) -> None:
    assert truncated_page(result) is None


@pytest.mark.parametrize("change", [{"rate": 1.5}, {"streak": 0}, {"streak": 5}, {"kinds": []}])
def test_a_plan_that_cannot_be_kept_is_refused(change: JsonObject) -> None:
    with pytest.raises(ValidationError):
        FaultPlan.model_validate(change)
