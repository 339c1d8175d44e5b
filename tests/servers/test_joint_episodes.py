"""Episodes over several bundles: names, sessions, one log, states, one verdict."""

import pytest
from mcp import Client

from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.errors import SpecError
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import FinalAnswer
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle, Suite, build_mcp_server, open_episode, open_server
from tests.servers.joint_suite import (
    GUIDE,
    GUIDE_TASK,
    JOINT_TASK,
    STATE_TASK,
    SUITE,
    write_town,
)
from tests.servers.playing import ERAS, Era
from tests.servers.small_bundle import GOLD_PHONE, TASK
from tests.servers.small_bundle import NAME as LIBRARY
from tests.support.requirement import requirement


@pytest.fixture(scope="module")
def town(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return write_town(tmp_path_factory.mktemp("suites"), bundle)


@requirement("episodes:joint")
async def test_a_task_over_two_bundles_has_one_log_and_one_verdict(town: Suite) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(town, town.task(JOINT_TASK), sandbox, seed=4)
        branches = await episode.call(f"{LIBRARY}__list_branches", {})
        assert branches.structured is not None
        city = await episode.call(f"{GUIDE}__get_city", {"name": "Wuppertal"})
        await episode.close()
    assert city.structured == {"name": "Wuppertal", "founded": 1929, "note": ""}
    assert episode.verdict().reward == 1.0
    record = episode.record()
    assert (record.environment, record.environment_digest) == (SUITE, town.digests.environment)
    assert [(c.index, c.environment, c.tool) for c in record.calls] == [
        (0, LIBRARY, "list_branches"),
        (1, GUIDE, "get_city"),
    ]
    assert EpisodeRecord.from_json(record.to_json(), what="record") == record


async def test_the_tools_of_all_members_in_use_are_on_offer_by_their_full_names(
    town: Suite,
) -> None:
    sandbox = ScriptedSandbox({})
    joint = await open_episode(town, town.task(JOINT_TASK), sandbox)
    alone = await open_episode(town, town.task(GUIDE_TASK), sandbox)
    assert [tool.name for tool in alone.tools()] == [
        "get_city",
        "list_cities",
        "set_note",
        "remove_city",
    ]
    names = [tool.name for tool in joint.tools()]
    assert names[0] == f"{LIBRARY}__find_loan"
    assert names[-1] == f"{GUIDE}__remove_city"
    refused = await joint.call("get_city", {"name": "Rostock"})
    strange = await joint.call(f"{GUIDE}__get_town", {"name": "Rostock"})
    assert refused.text.endswith(f"the tools are: {', '.join(names)}")
    assert strange.is_error
    assert [(call.environment, call.tool) for call in joint.calls] == [
        (SUITE, "get_city"),
        (GUIDE, "get_town"),
    ]


async def test_a_member_that_the_gold_does_not_need_is_opened_with_its_first_call(
    town: Suite,
) -> None:
    sandbox = ScriptedSandbox({"list_branches": {"rows": []}})
    episode = await open_episode(town, town.task(STATE_TASK), sandbox)
    assert sandbox.opened == 0
    await episode.call(f"{LIBRARY}__list_branches", {})
    assert sandbox.opened == 1


async def test_a_member_whose_session_cannot_be_opened_twice_makes_the_episode_void(
    town: Suite,
) -> None:
    sandbox = ScriptedSandbox({})
    episode = await open_episode(town, town.task(STATE_TASK), sandbox)
    sandbox.fail_next(2)
    await episode.call(f"{LIBRARY}__list_branches", {})
    assert episode.void is not None


@requirement("episodes:states")
async def test_a_call_that_wrote_is_logged_with_the_state_that_it_left(town: Suite) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(town, town.task(STATE_TASK), sandbox)
        await episode.call(f"{GUIDE}__get_city", {"name": "Rostock"})
        await episode.call(f"{GUIDE}__set_note", {"name": "Rostock", "note": "by the sea"})
        right = episode.verdict()
        await episode.call(f"{LIBRARY}__return_book", {"loan_id": 1})
        harmed = episode.verdict()
        await episode.close()
    read, wrote, harm = episode.calls
    assert read.state is None
    assert wrote.state is not None
    row = {"name": "Rostock", "founded": 1218, "note": ""}
    assert wrote.state.difference == {
        "tables": {
            "cities": {
                '{"name":"Rostock"}': {"before": row, "after": {**row, "note": "by the sea"}}
            }
        }
    }
    assert harm.state is not None
    assert (right.reward, right.solved) == (1.0, True)
    assert harmed.reward == 0.0
    collateral = harmed.component("collateral")
    assert collateral is not None
    assert collateral.evidence["changes"] == {
        LIBRARY: ['/tables/loans/{"loan_id":1}/after/returned']
    }


@requirement("episodes:states")
async def test_equal_states_have_equal_records_whatever_their_history(town: Suite) -> None:
    async with ProcessSandbox() as sandbox:
        ends: list[object] = []
        for notes in (("b",), ("a", "b"), ("b", "a", "b")):
            episode = await open_episode(town, town.task(STATE_TASK), sandbox)
            for note in notes:
                await episode.call(f"{GUIDE}__set_note", {"name": "Rostock", "note": note})
            ends.append(episode.calls[-1].state)
            await episode.close()
    assert ends[0] is not None
    assert ends[0] == ends[1] == ends[2]


async def test_a_task_of_several_environments_needs_the_suite(town: Suite, bundle: Bundle) -> None:
    with pytest.raises(SpecError, match="2 environments; play it on the suite"):
        await open_episode(bundle, town.task(JOINT_TASK), ScriptedSandbox({}))
    task = bundle.task(TASK).model_copy(update={"environments": ("sha256:else",)})
    with pytest.raises(SpecError, match="sha256:else, which is none of"):
        await open_episode(town, task, ScriptedSandbox({}))


async def test_equal_seeds_and_calls_make_equal_joint_records(town: Suite) -> None:
    records: list[EpisodeRecord] = []
    async with ProcessSandbox() as sandbox:
        for _ in range(2):
            episode = await open_episode(town, town.task(JOINT_TASK), sandbox, seed=2)
            await episode.call(f"{LIBRARY}__draw_reader", {})
            await episode.call(f"{GUIDE}__remove_city", {"name": "Rostock"})
            await episode.close()
            records.append(episode.record())
    assert records[0] == records[1]


@requirement("episodes:joint")
@pytest.mark.parametrize("era", ERAS)
async def test_any_client_plays_a_suite_at_the_address_of_the_whole_episode(
    town: Suite, era: Era
) -> None:
    async with open_server([town]) as server:
        episode = await server.host.open(SUITE, JOINT_TASK)
        async with Client(f"{server.addresses.mcp}/r/{episode.id}/mcp", mode=era) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            await client.call_tool(f"{LIBRARY}__list_branches", {})
            await client.call_tool(f"{GUIDE}__get_city", {"name": "Wuppertal"})
        assert listed == [tool.name for tool in episode.tools()]
        assert episode.verdict().reward == 1.0


@requirement("episodes:reply")
@pytest.mark.parametrize("era", ERAS)
async def test_any_client_finds_reply_among_the_tools_and_speaks_by_it(
    bundle: Bundle, era: Era
) -> None:
    task = bundle.task(TASK).model_copy(
        update={"final_answer": FinalAnswer(kind="text", value=GOLD_PHONE)}
    )
    episode = await open_episode(bundle, task, ScriptedSandbox({}))
    async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
        reply = {tool.name: tool for tool in (await client.list_tools()).tools}[REPLY_TOOL]
        refused = await client.call_tool(REPLY_TOOL, {"message": "x", "kind": "verdict"})
        ended = await client.call_tool(REPLY_TOOL, {"message": f"It is {GOLD_PHONE}."})
        late = await client.call_tool("find_loan", {"title": "Emma"})
    assert reply.input_schema["required"] == ["message"]
    assert (refused.is_error, late.is_error) == (True, True)
    assert ended.structured_content == {"user": None, "done": True}
    assert [call.outcome for call in episode.calls] == ["invalid_arguments", "ok"]
