"""Tool mixings in episodes: what is offered, what is charged, what is recorded, what is earned."""

import asyncio
import json
import sys
from pathlib import Path
from subprocess import run as run_process

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astra_arena.client.agent import EpisodeView, ToolReply, ToolView, UserReply
from astra_arena.client.scripted_agents import OracleAgent
from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.faults import FaultPlan
from astra_arena.core.tasks import Alternative, BudgetChange, Task
from astra_arena.core.tool_mixing import Distractors, Latency, ToolMixing
from astra_arena.core.user import ReplyKind
from astra_arena.core.verdicts import score
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, open_branch, open_episode, take_snapshot
from astra_arena.servers.bundles.suite import Suite
from astra_arena.servers.episodes.clock import ScriptedClock
from astra_arena.servers.episodes.mixing import DistractorPool
from tests.servers.joint_suite import GUIDE, JOINT_TASK, write_guide, write_town
from tests.servers.small_bundle import GOLD_PHONE, NAME, ONE_STEP_TASK, TASK, write_small_bundle
from tests.support.requirement import requirement

EVERYTHING = ToolMixing(
    distractors=Distractors(count=3),
    withheld_share=0.5,
    renamed_share=1.0,
    reordered=True,
    faults=FaultPlan(rate=0.4),
    latency=Latency(low=0.5, high=2.0),
)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_guide(tmp_path_factory.mktemp("guide"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Suite:
    return write_town(tmp_path_factory.mktemp("town"), bundle)


async def opened(
    bundle: Bundle | Suite,
    sandbox: ProcessSandbox,
    mixing: ToolMixing,
    *,
    task: str | Task = TASK,
    guide: Bundle | None = None,
    seed: int = 7,
    clock: ScriptedClock | None = None,
) -> Episode:
    pool = None if guide is None else DistractorPool.of([guide])
    played = bundle.task(task) if isinstance(task, str) else task
    timed = (clock or ScriptedClock()).clock
    return await open_episode(
        bundle, played, sandbox, seed=seed, mixing=mixing, pool=pool, clock=timed
    )


async def play_oracle(episode: Episode, task: Task) -> None:
    """Play the gold by the names that the control plane tells the harness."""

    async def call(tool: str, arguments: JsonObject) -> ToolReply:
        reply = await episode.call(tool, arguments)
        return ToolReply(reply.is_error, reply.text, reply.structured, reply.charged)

    async def say(message: str, kind: ReplyKind) -> UserReply:
        return UserReply(None, done=False, problem=f"nobody listens to {kind}: {message}")

    tools = tuple(ToolView(t.name, t.description, t.input_schema) for t in episode.tools())
    view = EpisodeView(
        task_id=task.id,
        prompt=task.prompt,
        tools=tools,
        budget=episode.task.budget,
        seed=episode.seed,
        caller=call,
        speaker=say,
        tool_names=episode.tool_names,
    )
    await OracleAgent([task]).play(view)


@requirement("mixing:distractors")
async def test_distractors_are_live_tools_of_other_environments_under_names_like_the_others(
    bundle: Bundle, guide: Bundle
) -> None:
    async with ProcessSandbox() as sandbox:
        mixing = ToolMixing(distractors=Distractors(tools=(f"{GUIDE}__get_city",)))
        episode = await opened(bundle, sandbox, mixing, guide=guide)
        city = await episode.call("get_city", {"name": "Rostock"})
        record = episode.record()
        await episode.close()
    assert city.structured == {"name": "Rostock", "founded": 1218, "note": ""}
    assert [(call.environment, call.foreign, call.counts) for call in record.calls] == [
        (GUIDE, True, True)
    ]
    assert record.mixed is not None
    assert record.mixed.names["get_city"] == f"{GUIDE}__get_city"
    assert record.mixed.environments == {GUIDE: guide.digests.environment}


@requirement("mixing:distractors")
@pytest.mark.parametrize("mode", ["strict", "astra"])
async def test_a_distractor_whose_reply_holds_the_answer_solves_nothing(
    bundle: Bundle, tmp_path: Path, mode: str
) -> None:
    task = bundle.task(ONE_STEP_TASK)
    question = task.sub_questions[0]
    other = Alternative(tool="get_reader", arguments={"reader_id": 2}, path="")
    loose = task.model_copy(
        update={"sub_questions": (question.model_copy(update={"alternatives": (other,)}),)}
    )
    twin = bundle.environment.model_copy(update={"name": "twin-library", "digests": None})
    copy = write_small_bundle(tmp_path, twin)
    names = tuple(f"twin-library__{tool}" for tool in ("list_branches", "get_reader"))
    mixing = ToolMixing(distractors=Distractors(tools=names))
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox, mixing, task=loose, guide=copy)
        given: tuple[JsonObject, ...] = ({"limit": 10}, {"reader_id": 2})
        for name, arguments in zip(names, given, strict=True):
            assert not (await episode.call(name, arguments)).is_error
        calls = episode.calls
        await episode.close()
    assert score(loose, calls, mode="strict" if mode == "strict" else "astra").reward == 0.0


@requirement("mixing:withheld")
async def test_a_tool_that_is_withheld_cannot_be_called(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox, ToolMixing(withheld=("draw_reader",)))
        reply = await episode.call("draw_reader", {})
        await episode.close()
    assert reply.text.startswith("there is no tool 'draw_reader'")
    assert "draw_reader" not in reply.text.partition(";")[2]


@requirement("mixing:withheld")
@pytest.mark.parametrize("name", ["find_loan", "get_reader"])
async def test_a_tool_that_the_gold_needs_is_never_withheld(bundle: Bundle, name: str) -> None:
    async with ProcessSandbox() as sandbox:
        with pytest.raises(SpecError, match=f"may need '{NAME}__{name}'"):
            await opened(bundle, sandbox, ToolMixing(withheld=(name,)))


@requirement("mixing:renamed")
async def test_the_log_has_the_true_names_and_the_agent_reads_the_new_ones(bundle: Bundle) -> None:
    mixing = ToolMixing(renamed={"find_loan": "locate_loan", "get_reader": "fetch_reader"})
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox, mixing)
        wrong = await episode.call("locate_loan", {"title": 3})
        unknown = await episode.call("find_loan", {"title": "Emma"})
        await play_oracle(episode, bundle.task(TASK))
        calls = episode.calls
        await episode.close()
    assert wrong.text.startswith("invalid arguments for 'locate_loan'")
    assert "locate_loan" in unknown.text
    assert [call.tool for call in calls if call.outcome == "ok"] == ["find_loan", "get_reader"]
    assert calls[0].tool == "find_loan"


@requirement("mixing:replay")
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    distractors=st.integers(0, 4),
    withheld=st.floats(0, 1),
    renamed=st.floats(0, 1),
    reordered=st.booleans(),
    rate=st.floats(0, 1),
    task=st.sampled_from([TASK, ONE_STEP_TASK, JOINT_TASK]),
)
def test_gold_earns_everything_and_silence_nothing_whatever_the_mixing(
    bundle: Bundle,
    guide: Bundle,
    town: Suite,
    seed: int,
    distractors: int,
    withheld: float,
    renamed: float,
    reordered: bool,
    rate: float,
    task: str,
) -> None:
    # The joint task uses both environments of the suite, so there is no other one.
    source = town if task == JOINT_TASK else bundle
    count = 0 if task == JOINT_TASK else distractors
    mixing = ToolMixing(
        distractors=Distractors(count=count) if count else None,
        withheld_share=withheld,
        renamed_share=renamed,
        reordered=reordered,
        faults=FaultPlan(rate=rate, streak=4),
        latency=Latency(high=3.0),
    )

    async def played() -> None:
        async with ProcessSandbox() as sandbox:
            episode = await opened(source, sandbox, mixing, task=task, guide=guide, seed=seed)
            assert episode.verdict().reward == 0.0
            await play_oracle(episode, source.task(task))
            assert episode.verdict().reward == 1.0
            await episode.close()

    asyncio.run(played())


_REPLAY = """
import asyncio, json, sys
from pathlib import Path
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import load_bundle, open_episode
from astra_arena.servers.episodes.clock import ScriptedClock
from astra_arena.servers.episodes.mixing import DistractorPool

async def main(bundle, guide, record):
    record = EpisodeRecord.from_json(json.loads(record), what="a record")
    bundle = load_bundle(Path(bundle))
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(
            bundle, bundle.task(record.task_id), sandbox, seed=record.seed, mixing=record.mixing,
            pool=DistractorPool.of([load_bundle(Path(guide))]), clock=ScriptedClock().clock,
        )
        names = episode.tool_names
        for call in record.calls:
            await episode.call(names[f"{call.environment}__{call.tool}"], call.arguments)
        again = episode.record()
        await episode.close()
    print(json.dumps(again.to_json(), sort_keys=True))

asyncio.run(main(*sys.argv[1:]))
"""


@requirement("mixing:replay")
async def test_the_same_calls_get_the_same_replies_in_a_fresh_process(
    bundle: Bundle, guide: Bundle
) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox, EVERYTHING, guide=guide)
        await play_oracle(episode, bundle.task(TASK))
        for name in [one for one in episode.tool_names if one.startswith(GUIDE)]:
            reply = await episode.call(episode.tool_names[name], {"name": "Rostock"})
            assert reply.text
        record = episode.record()
        await episode.close()
    command = [sys.executable, "-c", _REPLAY, str(bundle.path), str(guide.path)]
    text = canonical_bytes(record.to_json()).decode("ascii")
    again = run_process([*command, text], capture_output=True, text=True, check=True)
    assert json.loads(again.stdout) == record.to_json()
    assert record.mixing == EVERYTHING


@requirement("mixing:latency")
async def test_latency_is_drawn_per_call_counts_as_time_and_spares_repeated_keys(
    bundle: Bundle,
) -> None:
    clock = ScriptedClock()
    mixing = ToolMixing(latency=Latency(low=10.0, high=15.0))
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox, mixing, clock=clock)
        for _ in range(2):
            assert not (await episode.call("find_loan", {"title": "Emma"}, key="k1")).is_error
        once = list(clock.pauses)
        for title in ("Emma", "Persuasion", "Middlemarch", "Emma", "Emma"):
            await episode.call("find_loan", {"title": title})
        late = await episode.call("find_loan", {"title": "Emma"})
        await episode.close()
        with pytest.raises(SpecError, match="ask for less latency"):
            await opened(bundle, sandbox, ToolMixing(latency=Latency(high=16.0)))
    assert len(once) == 1
    assert len({*clock.pauses}) == len(clock.pauses)
    assert all(10.0 <= pause <= 15.0 for pause in clock.pauses)
    assert late.text == "the budget of 60 seconds is used up"


@requirement("mixing:budget")
async def test_a_budget_given_at_opening_is_kept_recorded_and_bounded(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(
            bundle, bundle.task(TASK), sandbox, budget=BudgetChange(calls=1)
        )
        await episode.call("list_branches", {})
        over = await episode.call("list_branches", {})
        record = episode.record()
        await episode.close()
        with pytest.raises(SpecError, match="at most 1000 are given"):
            await open_episode(bundle, bundle.task(TASK), sandbox, budget=BudgetChange(calls=1001))
    assert over.text == "the budget of 1 calls is used up"
    assert record.budget is not None
    assert (record.budget.calls, record.budget.seconds) == (1, 60.0)
    assert record.mixing is None


@requirement("mixing:replay")
async def test_a_branch_goes_on_with_the_mixing_of_its_origin(
    bundle: Bundle, guide: Bundle
) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox, EVERYTHING, guide=guide)
        await episode.call(episode.tool_names[f"{NAME}__find_loan"], {"title": "Emma"})
        branch = await open_branch(await take_snapshot(episode), sandbox)
        await play_oracle(branch, bundle.task(TASK))
        assert branch.tools() == episode.tools()
        record = branch.record()
        assert record.mixed == episode.record().mixed
        assert GOLD_PHONE in json.dumps([call.result for call in record.calls])
        await branch.close()
        await episode.close()


async def test_what_does_not_fit_is_refused_with_what_is_there(
    bundle: Bundle, guide: Bundle
) -> None:
    async with ProcessSandbox() as sandbox:
        with pytest.raises(SpecError, match="only 4 tools of other environments fit"):
            await opened(bundle, sandbox, ToolMixing(distractors=Distractors(count=5)), guide=guide)
        with pytest.raises(SpecError, match="'no_tool' as renamed, which is none of the tools"):
            await opened(bundle, sandbox, ToolMixing(renamed={"no_tool": "some_tool"}))
        with pytest.raises(SpecError, match="several get 'find_loan'"):
            await opened(bundle, sandbox, ToolMixing(renamed={"get_reader": "find_loan"}))
