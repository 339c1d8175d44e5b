"""An environment as an MCP server, seen by real clients of both generations in memory."""

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from astra_arena.core.calls import CALL_KEY_META
from astra_arena.core.errors import ArenaError
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle, Episode, build_mcp_server, open_episode
from astra_arena.servers.episodes.episode import EPISODE_VOID_TEXT
from tests.servers.playing import ERAS, Era, solve, text_of
from tests.servers.small_bundle import SECRET, TASK
from tests.support.requirement import requirement

both_eras = pytest.mark.parametrize("era", ERAS)


async def opened(bundle: Bundle, sandbox: ScriptedSandbox | ProcessSandbox) -> Episode:
    return await open_episode(bundle, bundle.task(TASK), sandbox)


@both_eras
async def test_tools_are_listed_in_the_order_of_the_manifest(bundle: Bundle, era: Era) -> None:
    episode = await opened(bundle, ScriptedSandbox({}))
    server = build_mcp_server(bundle, lambda _: episode, instructions="Find the phone number.")
    async with Client(server, mode=era) as client:
        listed = (await client.list_tools()).tools
        instructions = client.instructions
    specs = bundle.environment.tools
    assert [tool.name for tool in listed] == [spec.name for spec in specs]
    for tool, spec in zip(listed, specs, strict=True):
        assert tool.input_schema == spec.input_schema
        assert tool.output_schema == spec.output_schema
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is spec.read_only
        assert tool.annotations.open_world_hint is False
    assert instructions == "Find the phone number."


@both_eras
async def test_a_task_is_played_to_the_full_reward(bundle: Bundle, era: Era) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox)
        async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
            await solve(client)
            loan = await client.call_tool("find_loan", {"title": "Persuasion"})
        await episode.close()
    assert episode.calls[0].outcome == "ok"
    assert text_of(loan) == (
        '{"branch_id": 1, "loan_id": 1, "reader_id": 1, "returned": 0, "title": "Persuasion"}'
    )
    assert loan.structured_content == episode.calls[2].result
    assert episode.verdict().solved


@both_eras
async def test_an_unknown_tool_is_a_protocol_error_and_a_logged_call(
    bundle: Bundle, era: Era
) -> None:
    episode = await opened(bundle, ScriptedSandbox({}))
    async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("find_lone", {})
    assert caught.value.error.code == INVALID_PARAMS
    assert "find_loan" in caught.value.error.message
    assert [call.outcome for call in episode.calls] == ["unknown_tool"]


@requirement("servers:arguments")
@both_eras
async def test_invalid_arguments_are_an_error_that_a_model_can_read(
    bundle: Bundle, era: Era
) -> None:
    episode = await opened(bundle, ScriptedSandbox({}))
    async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
        result = await client.call_tool("get_reader", {"reader_id": "two"})
        missing = await client.call_tool("get_reader")
    assert result.is_error
    assert text_of(result) == (
        "invalid arguments for 'get_reader': reader_id: \"two\" is not of type integer"
    )
    assert missing.is_error
    assert [call.outcome for call in episode.calls] == ["invalid_arguments"] * 2


@requirement("servers:no-leak", "servers:tool-breaks")
@both_eras
async def test_what_tool_code_raises_never_reaches_the_client(bundle: Bundle, era: Era) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox)
        async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
            result = await client.call_tool("misbehave", {"how": "raise"})
        await episode.close()
    assert result.is_error
    assert text_of(result) == "the tool failed"
    assert SECRET not in result.model_dump_json()


@both_eras
@pytest.mark.parametrize("error", [RuntimeError, ArenaError])
async def test_what_the_machinery_raises_never_reaches_the_client(
    bundle: Bundle, era: Era, error: type[Exception]
) -> None:
    def find(_: object) -> Episode:
        raise error(SECRET)

    async with Client(build_mcp_server(bundle, find), mode=era) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("find_loan", {"title": "Emma"})
    assert SECRET not in str(caught.value)
    assert SECRET not in str(caught.value.error)


@both_eras
async def test_a_void_episode_answers_with_a_fixed_text(bundle: Bundle, era: Era) -> None:
    sandbox = ScriptedSandbox({})
    episode = await opened(bundle, sandbox)
    sandbox.fail_next(2)
    async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
        results = [await client.call_tool("find_loan", {"title": "Emma"}) for _ in range(2)]
    assert [result.is_error for result in results] == [True, True]
    assert {text_of(result) for result in results} == {EPISODE_VOID_TEXT}


@both_eras
async def test_a_repeated_call_key_runs_the_tool_once(bundle: Bundle, era: Era) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await opened(bundle, sandbox)
        async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
            replies = [
                await client.call_tool("return_book", {"loan_id": 1}, meta={CALL_KEY_META: "k"})
                for _ in range(2)
            ]
        await episode.close()
    assert replies[0].structured_content == replies[1].structured_content
    assert [call.key for call in episode.calls] == ["k"]
