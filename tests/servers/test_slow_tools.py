"""Tools that take their time: progress where it is asked for, and calls that their client ends."""

import asyncio

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from astra_arena.core.calls import CALL_KEY_META
from astra_arena.core.canonical import JsonObject
from astra_arena.sandbox.contract import Limits
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, build_mcp_server, open_episode
from tests.servers.playing import ERAS, Era, open_one, outcomes, record_of, serving, text_of, until
from tests.servers.raw_http import call, request
from tests.servers.small_bundle import TASK
from tests.support.requirement import requirement

both_eras = pytest.mark.parametrize("era", ERAS)
HANG: JsonObject = {"how": "hang"}
SHORT = Limits(call_seconds=2.5, cpu_seconds=5)


@requirement("agent:progress")
@both_eras
async def test_progress_is_told_each_second_while_a_tool_runs(bundle: Bundle, era: Era) -> None:
    told: list[tuple[float, float | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))

    async with serving(bundle, limits=SHORT) as (_, control):
        episode = await open_one(control)
        async with Client(episode["mcp"], mode=era) as client:
            result = await client.call_tool("misbehave", HANG, progress_callback=note)
            quick = await client.call_tool("find_loan", {"title": "Emma"}, progress_callback=note)
    assert text_of(result) == "the tool failed"
    assert quick.structured_content is not None
    # The tool is tried twice: at least two seconds pass in each try.
    assert len(told) >= 4
    assert [total for _, total in told] == [2.5] * len(told)
    assert all(0 < progress <= 2.5 for progress, _ in told)
    assert sorted(told) == told


@requirement("agent:progress")
async def test_no_progress_is_told_of_a_call_that_only_waits(bundle: Bundle) -> None:
    told: list[str] = []

    def noting(what: str):
        async def note(progress: float, total: float | None, message: str | None) -> None:
            told.append(what)

        return note

    async with ProcessSandbox() as sandbox:
        limits = Limits(call_seconds=0.5, cpu_seconds=2)
        episode = await open_episode(
            bundle, bundle.task(TASK), sandbox, program=bundle.program(limits)
        )
        server = build_mcp_server(bundle, lambda _: episode, progress_seconds=0.05)
        async with Client(server, mode="legacy") as client, anyio.create_task_group() as group:

            async def hang() -> None:
                await client.call_tool("misbehave", HANG, progress_callback=noting("first"))

            async def wait() -> None:
                arguments = {"title": "Emma"}
                await client.call_tool("find_loan", arguments, progress_callback=noting("second"))

            group.start_soon(hang)
            await until(lambda: episode.waiting == 1)
            group.start_soon(wait)
        await episode.close()
    # Nothing is told of the second one before it is its turn.
    assert told[0] == "first"
    assert told == sorted(told)


@requirement("agent:cancel")
@both_eras
async def test_a_client_that_gives_a_call_up_has_it_undone(bundle: Bundle, era: Era) -> None:
    async with serving(bundle) as (running, control):
        episode = await open_one(control)
        live = running.host.get(episode["id"])
        async with Client(episode["mcp"], mode=era) as client:
            with pytest.raises(MCPError):
                await client.call_tool("misbehave", HANG, read_timeout_seconds=0.3)
            await until(lambda: live.waiting == 0)
            left = await client.call_tool("return_book", {"loan_id": 1})
        record = await record_of(control, episode)
    assert left.structured_content == {"loan_id": 1, "out": 1}
    assert outcomes(record) == ["cancelled", "ok"]
    assert record["void"] is None


@requirement("agent:cancel")
@both_eras
async def test_a_call_with_a_key_is_finished_although_its_client_gave_it_up(
    bundle: Bundle, era: Era
) -> None:
    async with serving(bundle, limits=Limits(call_seconds=1.0, cpu_seconds=2)) as (_, control):
        episode = await open_one(control)
        async with Client(episode["mcp"], mode=era) as client:
            with pytest.raises(MCPError):
                await client.call_tool(
                    "misbehave", HANG, read_timeout_seconds=0.3, meta={CALL_KEY_META: "k"}
                )
            again = await client.call_tool("misbehave", HANG, meta={CALL_KEY_META: "k"})
        record = await record_of(control, episode)
    assert text_of(again) == "the tool failed"
    assert outcomes(record) == ["environment_error"]


@requirement("agent:cancel")
async def test_a_closed_request_is_noticed_in_the_newer_generation(bundle: Bundle) -> None:
    body, headers = call("misbehave", HANG)
    async with serving(bundle) as (running, control):
        episode = await open_one(control)
        live = running.host.get(episode["id"])
        async with httpx.AsyncClient(timeout=60) as client:
            task = asyncio.create_task(client.post(episode["mcp"], json=body, headers=headers))
            await until(lambda: live.waiting == 1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await until(lambda: live.waiting == 0)
        found, its_headers = call("find_loan", {"title": "Emma"})
        answer = await request(episode["mcp"], found, its_headers)
        record = await record_of(control, episode)
    assert answer.status == 200
    assert outcomes(record) == ["cancelled", "ok"]
