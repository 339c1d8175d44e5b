from pathlib import Path

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import Answer, SubQuestion, Task
from astra_arena.core.verdicts import score
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.variants.missing_function import NoVariant, missing_function
from astra_arena.synthesizer.variants.reach_search import Executor, search_reach
from astra_arena.synthesizer.variants.task_knowledge import TaskKnowledge
from tests.support.requirement import requirement
from tests.synthesizer.variants.club_bundle import NAME, club_bundle, club_task


def executor_of(sandbox: ProcessSandbox, bundle: Bundle) -> Executor:
    return Executor(sandbox, bundle.program(), {t.name: t for t in bundle.environment.tools})


async def variant_of(bundle: Bundle, task: Task, *, seed: int) -> Task | NoVariant:
    async with ProcessSandbox() as sandbox:
        executor = executor_of(sandbox, bundle)
        try:
            return await missing_function(task, executor, seed=seed)
        finally:
            await executor.close()


def said(index: int, kind: str) -> CallRecord:
    return CallRecord(
        index=index,
        environment=NAME,
        tool="reply",
        arguments={"message": "I cannot do that.", "kind": kind},
        outcome="ok",
        result={},
        own=True,
    )


def called(index: int, tool: str, arguments: JsonObject, result: JsonObject) -> CallRecord:
    return CallRecord(
        index=index,
        environment=NAME,
        tool=tool,
        arguments=arguments,
        outcome="ok",
        result=result,
    )


@requirement("variants:missing-function")
async def test_every_tool_that_reaches_the_answer_is_withheld(tmp_path: Path) -> None:
    bundle = club_bundle(tmp_path)
    withheld: set[tuple[str, ...]] = set()
    for seed in range(8):
        variant = await variant_of(bundle, bundle.tasks[0], seed=seed)
        assert isinstance(variant, Task)
        withheld.add(variant.turns[0].tools_removed)
        assert variant.turns[1].tools_added == variant.turns[0].tools_removed
    # The coach's e-mail address stands on the card as well. Members are found by their number, but
    # also by renaming one; no search by name gets there, since nothing told the name.
    assert withheld == {("coach_card", "get_coach"), ("get_member", "rename_member")}


@requirement("variants:missing-function")
async def test_the_bound_of_the_search_is_stored(tmp_path: Path) -> None:
    bundle = club_bundle(tmp_path)
    variant = await variant_of(bundle, bundle.tasks[0], seed=0)
    assert isinstance(variant, Task)
    proof = variant.provenance["proof"]
    assert isinstance(proof, dict)
    search = proof["search"]
    assert isinstance(search, dict)
    assert isinstance(search["calls"], int)
    assert 0 < search["calls"] <= 2000
    assert search["depth"] in (1, 2, 3)


@requirement("variants:missing-function")
async def test_saying_so_and_going_on_later_earns_everything(tmp_path: Path) -> None:
    bundle = club_bundle(tmp_path)
    variant = await variant_of(bundle, bundle.tasks[0], seed=0)
    assert isinstance(variant, Task)
    gold = (
        said(0, "cannot"),
        called(1, "get_member", {"member_id": "M-006"}, {"coach": "C-002"}),
        called(2, "get_coach", {"coach_id": "C-002"}, {"email": "coach.74@club.example"}),
        said(3, "answer"),
    )
    assert score(variant, gold).reward == 1.0
    assert score(variant, (said(0, "answer"), *gold[1:])).reward < 0.9
    assert score(variant, ()).reward == 0.0


async def test_a_search_finds_the_way_that_there_is(tmp_path: Path) -> None:
    bundle = club_bundle(tmp_path)
    task = bundle.tasks[0]
    knowledge = TaskKnowledge(task, task.sub_questions[1])
    async with ProcessSandbox() as sandbox:
        executor = executor_of(sandbox, bundle)
        found = await search_reach(executor, knowledge, ["coach_card", "list_courts"], depth=2)
        nothing = await search_reach(executor, knowledge, ["list_courts"], depth=2)
        bounded = await search_reach(
            executor, knowledge, ["coach_card", "list_courts"], depth=2, most_calls=0
        )
        await executor.close()
    assert (found.tool, found.arguments) == ("coach_card", {"coach": "C-002"})
    assert nothing.tool is None
    assert (bounded.tool, bounded.calls, bounded.exhausted) == (None, 0, False)


async def test_a_small_answer_counts_where_the_call_is_about_the_right_thing(
    tmp_path: Path,
) -> None:
    question = SubQuestion(
        id="q1",
        question="When was the clay court 2 opened?",
        environment=NAME,
        tool="list_courts",
        arguments={"surface": "clay"},
        answer=Answer(path="/rows/1/opened", kind="number", value=1964),
    )
    task = club_task().model_copy(update={"sub_questions": (question,)})
    bundle = club_bundle(tmp_path, tasks=(task,))
    variant = await variant_of(bundle, bundle.tasks[0], seed=0)
    assert isinstance(variant, Task)
    assert variant.turns[0].tools_removed == ("list_courts",)


async def test_a_task_whose_answer_is_everywhere_has_no_such_variant(tmp_path: Path) -> None:
    bundle = club_bundle(tmp_path)
    everything = (
        bundle.tasks[0]
        .sub_questions[0]
        .model_copy(
            update={"answer": Answer(path="/id", kind="exact", value="M-006"), "depends_on": ()}
        )
    )
    task = bundle.tasks[0].model_copy(update={"sub_questions": (everything,)})
    few = bundle.environment.tools[:1] + bundle.environment.tools[6:]
    async with ProcessSandbox() as sandbox:
        executor = Executor(sandbox, bundle.program(), {t.name: t for t in few})
        outcome = await missing_function(task, executor, seed=0)
        await executor.close()
    assert isinstance(outcome, NoVariant)
    assert "too few tools" in outcome.reason
