"""Injected faults in episodes: what runs, what is charged, what the agent reads."""

from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.faults import FaultKind, FaultPlan
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle, Episode, open_episode
from tests.servers.joint_suite import write_guide
from tests.servers.small_bundle import ONE_STEP_TASK, TASK
from tests.support.requirement import requirement

LOAN: JsonObject = {
    "loan_id": 2,
    "title": "Emma",
    "reader_id": 2,
    "branch_id": 2,
    "returned": 0,
}


def faulty(bundle: Bundle, *kinds: FaultKind, task: str = TASK, **plan: float) -> Task:
    settings: JsonObject = {"rate": 1.0, "kinds": [*kinds], **plan}
    faults = FaultPlan.from_json(settings, what="a test's plan")
    return bundle.task(task).model_copy(update={"faults": faults})


async def play_gold(episode: Episode) -> None:
    loan = await episode.call("find_loan", {"title": "Emma"})
    if loan.is_error:
        loan = await episode.call("find_loan", {"title": "Emma"})
    assert loan.structured is not None
    reader: JsonObject = {"reader_id": loan.structured["reader_id"]}
    if (await episode.call("get_reader", reader)).is_error:
        assert not (await episode.call("get_reader", reader)).is_error


@requirement("episodes:faults")
@pytest.mark.parametrize("kind", ["timeout", "unavailable", "rate_limit", "truncated_page"])
async def test_a_retried_call_succeeds_and_the_fault_costs_nothing(
    bundle: Bundle, kind: FaultKind
) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, faulty(bundle, kind), sandbox, seed=5)
        await play_gold(episode)
        await episode.close()
    assert [call.fault is not None for call in episode.calls] == [True, False, True, False]
    assert not any(call.counts for call in episode.calls if call.fault)
    assert episode.verdict().reward == 1.0


async def test_a_call_that_a_fault_replaces_never_reaches_the_sandbox(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({"find_loan": LOAN})
    episode = await open_episode(bundle, faulty(bundle, "unavailable"), sandbox)
    lost = await episode.call("find_loan", {"title": "Emma"})
    assert (lost.is_error, lost.charged) == (True, False)
    assert lost.text.startswith("503")
    assert sandbox.calls == []
    assert not (await episode.call("find_loan", {"title": "Emma"})).is_error
    assert len(sandbox.calls) == 1


async def test_a_lost_reply_is_lost_after_a_reading_call_and_never_after_a_writing_one(
    bundle: Bundle,
) -> None:
    plan = faulty(bundle, "timeout", lost_replies=1.0)
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, plan, sandbox)
        await episode.call("return_book", {"loan_id": 1})
        returned = await episode.call("return_book", {"loan_id": 1})
        await episode.call("find_loan", {"title": "Persuasion"})
        found = await episode.call("find_loan", {"title": "Persuasion"})
        await episode.close()
    assert returned.structured == {"loan_id": 1, "out": 1}
    assert found.structured is not None
    assert found.structured["returned"] == 1
    assert [call.state is not None for call in episode.calls] == [False, True, False, False]


async def test_a_page_is_cut_short_says_so_and_does_not_solve(tmp_path: Path) -> None:
    guide = write_guide(tmp_path)
    task = Task(
        id="cities",
        environments=("sha256:unbound",),
        turns=(Turn(say="Which cities are there?", expect=Expectation(kind="act")),),
        sub_questions=(
            SubQuestion(
                id="names",
                question="Which cities are there?",
                environment=guide.name,
                tool="list_cities",
                arguments={},
                answer=Answer(path="/names", kind="list", value=["Rostock", "Wuppertal"]),
            ),
        ),
        faults=FaultPlan(rate=1.0, kinds=("truncated_page",)),
    )
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(guide, task, sandbox)
        first = await episode.call("list_cities", {})
        cut = episode.verdict().reward
        again = await episode.call("list_cities", {})
        written = await episode.call("set_note", {"name": "Rostock", "note": "x"})
        await episode.close()
    assert (first.structured, first.charged) == ({"names": ["Rostock"], "truncated": True}, False)
    assert again.structured == {"names": ["Rostock", "Wuppertal"], "truncated": False}
    assert cut == 0.0
    # A write is not run when its reply is to be lost.
    assert written.is_error
    assert episode.calls[2].state is None
    assert [call.fault for call in episode.calls] == ["truncated_page", None, "truncated_page"]


async def test_a_reply_without_pages_is_lost_as_a_whole(bundle: Bundle) -> None:
    task = faulty(bundle, "truncated_page", task=ONE_STEP_TASK)
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, task, sandbox)
        first = await episode.call("list_branches", {})
        missing = await episode.call("find_loan", {"title": "Dracula"})
        again = await episode.call("find_loan", {"title": "Dracula"})
        await episode.close()
    assert first.is_error
    assert first.text == missing.text
    assert again.text == "no loan of 'Dracula'"


async def test_equal_seeds_meet_equal_faults_in_whatever_order(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"faults": FaultPlan(rate=0.5)})
    titles = [f"Book {number}" for number in range(20)]
    met: list[dict[str, str | None]] = []
    for order in (titles, titles[::-1]):
        episode = await open_episode(bundle, task, ScriptedSandbox({"find_loan": LOAN}), seed=9)
        for title in order:
            await episode.call("find_loan", {"title": title})
        met.append({str(call.arguments): call.fault for call in episode.calls})
    assert met[0] == met[1]
    assert len({fault is None for fault in met[0].values()}) == 2


async def test_faults_alone_cannot_go_on_for_ever(bundle: Bundle) -> None:
    task = faulty(bundle, "unavailable").model_copy(update={"budget": Budget(calls=3)})
    episode = await open_episode(bundle, task, ScriptedSandbox({"find_loan": LOAN}))
    for number in range(1000):
        await episode.call("find_loan", {"title": f"Book {number}"})
    assert sum(call.fault is not None for call in episode.calls) == 3 * 4
    assert episode.calls[-1].outcome == "over_budget"
    assert episode.call_count < 300
