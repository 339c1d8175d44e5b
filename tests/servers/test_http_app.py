"""The agent plane over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PARSE_ERROR, RequestParamsMeta

from astra_arena.core.calls import CALL_KEY_META
from astra_arena.core.canonical import JsonObject
from astra_arena.servers import Bundle
from tests.servers.playing import (
    BRIEF,
    ERAS,
    Era,
    open_one,
    outcomes,
    record_of,
    serving,
    solve,
    text_of,
)
from tests.servers.small_bundle import GOLD_CITY, NAME, SECRET
from tests.support.requirement import requirement

INITIALIZE: JsonObject = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}

both_eras = pytest.mark.parametrize("era", ERAS)


@requirement("servers:both-generations")
@both_eras
async def test_a_task_is_played_to_the_full_reward(bundle: Bundle, era: Era) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        async with Client(episode["mcp"], mode=era) as client:
            assert len((await client.list_tools()).tools) == 6
            await solve(client)
        closed = (await control.delete(f"/episodes/{episode['id']}")).json()
    assert closed["verdict"]["reward"] == 1.0
    assert outcomes(closed["record"]) == ["ok", "ok"]


@requirement("servers:episodes-by-address")
@both_eras
async def test_each_call_may_come_over_a_connection_of_its_own(bundle: Bundle, era: Era) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        left: list[object] = []
        for loan_id in (1, 2):
            async with Client(episode["mcp"], mode=era) as client:
                result = await client.call_tool("return_book", {"loan_id": loan_id})
                assert result.structured_content is not None
                left.append(result.structured_content["out"])
    assert left == [1, 0]


@requirement("servers:episodes-by-address")
@both_eras
async def test_parallel_episodes_do_not_see_each_other(bundle: Bundle, era: Era) -> None:
    async def return_and_count(address: str, seen: list[object]) -> None:
        async with Client(address, mode=era) as client:
            result = await client.call_tool("return_book", {"loan_id": 1})
            assert result.structured_content is not None
            seen.append(result.structured_content["out"])

    async with serving(bundle) as (_, control):
        episodes = [await open_one(control) for _ in range(5)]
        seen: list[object] = []
        async with anyio.create_task_group() as group:
            for episode in episodes:
                group.start_soon(return_and_count, episode["mcp"], seen)
        records = [await record_of(control, episode) for episode in episodes]
    assert seen == [1] * 5
    assert [len(record["calls"]) for record in records] == [1] * 5


@both_eras
async def test_parallel_calls_of_one_episode_are_serialised(bundle: Bundle, era: Era) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        async with Client(episode["mcp"], mode=era) as client, anyio.create_task_group() as group:
            for loan_id in (1, 2, 1, 2):
                group.start_soon(client.call_tool, "return_book", {"loan_id": loan_id})
        record = await record_of(control, episode)
    assert sorted(outcomes(record)) == ["ok", "ok", "tool_failure", "tool_failure"]
    assert [call["index"] for call in record["calls"]] == [0, 1, 2, 3]


@requirement("servers:tool-breaks")
@both_eras
async def test_nothing_that_raises_or_hangs_tells_the_agent_why(bundle: Bundle, era: Era) -> None:
    async with serving(bundle, limits=BRIEF) as (_, control):
        episode = await open_one(control)
        texts: set[str] = set()
        async with Client(episode["mcp"], mode=era) as client:
            for how in ("raise", "hang", "list", "large", "break-schema"):
                result = await client.call_tool("misbehave", {"how": how})
                assert result.is_error
                assert SECRET not in result.model_dump_json()
                texts.add(text_of(result))
        record = await record_of(control, episode)
    assert texts == {"the tool failed"}
    assert outcomes(record) == ["environment_error"] * 5
    assert record["defects"] == 5


@both_eras
async def test_a_repeated_call_key_is_answered_from_the_log(bundle: Bundle, era: Era) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        for _ in range(2):
            async with Client(episode["mcp"], mode=era) as client:
                meta: RequestParamsMeta = {CALL_KEY_META: "call-1"}
                result = await client.call_tool("return_book", {"loan_id": 1}, meta=meta)
                assert result.structured_content == {"loan_id": 1, "out": 1}
        record = await record_of(control, episode)
    assert [call["key"] for call in record["calls"]] == ["call-1"]


async def post(address: str, headers: dict[str, str] | None = None) -> httpx.Response:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    usual = {"accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient() as client:
        return await client.post(address, json=message, headers={**usual, **(headers or {})})


def error_of(answer: httpx.Response) -> str:
    body = answer.json()
    assert body["jsonrpc"] == "2.0"
    return body["error"]["message"]


async def test_addresses_without_an_episode_are_not_found_and_say_what_to_do(
    bundle: Bundle,
) -> None:
    async with serving(bundle) as (running, control):
        episode = await open_one(control)
        base = running.addresses.mcp
        nowhere = await post(f"{base}/")
        environment = await post(f"{base}/envs/nothing/r/{episode['id']}/mcp")
        unknown = await post(f"{base}/envs/{NAME}/r/{'x' * 32}/mcp")
        await control.delete(f"/episodes/{episode['id']}")
        closed = await post(episode["mcp"])
    answers = (nowhere, environment, unknown, closed)
    assert [answer.status_code for answer in answers] == [404] * 4
    assert "/envs/{name}/r/{id}/mcp" in error_of(nowhere)
    assert "another environment" in error_of(environment)
    assert "open one on the control plane" in error_of(unknown)
    assert error_of(closed) == "this episode has ended; open a new one on the control plane"


async def test_a_request_addressed_to_a_foreign_name_is_refused(bundle: Bundle) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        rebound = await post(episode["mcp"], {"host": "evil.example:80"})
        foreign = await post(episode["mcp"], {"origin": "http://evil.example"})
    assert rebound.status_code == 421
    assert "--advertise-url" in error_of(rebound)
    assert foreign.status_code == 403


async def test_the_advertised_name_is_served(bundle: Bundle) -> None:
    async with serving(bundle, advertise_url="http://arena.example") as (running, control):
        episode = await open_one(control)
        port = running.addresses.mcp.rpartition(":")[2]
        assert episode["mcp"].startswith(f"http://arena.example:{port}/envs/{NAME}/r/")
        local = episode["mcp"].replace("arena.example", "127.0.0.1")
        answer = await post(local, {"host": f"arena.example:{port}"})
    assert answer.status_code != 421


async def test_ending_an_episode_ends_the_sessions_of_older_clients(bundle: Bundle) -> None:
    async with serving(bundle) as (running, control):
        episode = await open_one(control)
        tasks_before = len(asyncio.all_tasks())
        async with httpx.AsyncClient() as client:
            accept = {"accept": "application/json, text/event-stream"}
            for _ in range(5):
                answer = await client.post(episode["mcp"], json=INITIALIZE, headers=accept)
                assert answer.headers["mcp-session-id"]
        assert len(asyncio.all_tasks()) > tasks_before
        await control.delete(f"/episodes/{episode['id']}")
        with anyio.fail_after(5):
            while len(asyncio.all_tasks()) > tasks_before + 2:
                await anyio.lowlevel.checkpoint()
        assert running.host.open_count == 0


async def test_a_message_that_no_client_sends_is_refused_and_the_episode_lives(
    bundle: Bundle,
) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        deep = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + "[" * 100_000
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
        }
        async with httpx.AsyncClient() as client:
            for body in (deep, "NaN", "[]", "{}", '"text"', "", "x" * (2 << 20)):
                answer = await client.post(episode["mcp"], content=body, headers=headers)
                assert answer.status_code >= 400
                assert GOLD_CITY not in answer.text
                assert "Traceback" not in answer.text
        status = (await control.get(f"/episodes/{episode['id']}")).json()
    assert status["open"]
    assert status["void"] is None


@both_eras
@pytest.mark.parametrize("size", [1 << 20, 9 << 20])
async def test_a_call_too_large_to_be_read_is_an_error_and_charged(
    bundle: Bundle, era: Era, size: int
) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        async with Client(episode["mcp"], mode=era) as client:
            with pytest.raises(MCPError, match="at most 1048576 bytes, got"):
                await client.call_tool("find_loan", {"title": "x" * size})
            await solve(client)
        record = await record_of(control, episode)
    assert record["void"] is None
    assert outcomes(record) == ["invalid_arguments", "ok", "ok"]
    assert record["calls"][0]["arguments"] == "(a request too large)"


@both_eras
async def test_a_streamed_call_too_large_is_charged_as_well(bundle: Bundle, era: Era) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 16)

    version = "2026-07-28" if era == "auto" else "2025-06-18"
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
    }
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        async with httpx.AsyncClient() as client:
            answer = await client.post(episode["mcp"], content=chunks(), headers=headers)
        record = await record_of(control, episode)
    assert answer.status_code == 413
    assert "at most 1048576 bytes" in error_of(answer)
    assert outcomes(record) == ["invalid_arguments"]


@both_eras
async def test_a_call_that_is_not_json_is_an_error_and_charged_once(
    bundle: Bundle, era: Era
) -> None:
    version = "2026-07-28" if era == "auto" else "2025-06-18"
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
    }
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find_loan"'
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        async with httpx.AsyncClient() as client:
            if era == "legacy":
                begun = await client.post(episode["mcp"], json=INITIALIZE, headers=headers)
                headers["mcp-session-id"] = begun.headers["mcp-session-id"]
            answer = await client.post(episode["mcp"], content=body, headers=headers)
        record = await record_of(control, episode)
    assert answer.json()["error"]["code"] == PARSE_ERROR
    assert outcomes(record) == ["invalid_arguments"]


@both_eras
async def test_an_unknown_tool_is_charged_once(bundle: Bundle, era: Era) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        async with Client(episode["mcp"], mode=era) as client:
            with pytest.raises(MCPError):
                await client.call_tool("nothing", {})
        record = await record_of(control, episode)
    assert outcomes(record) == ["unknown_tool"]


async def test_the_sessions_of_one_episode_are_limited_and_the_idle_ones_end(
    bundle: Bundle,
) -> None:
    accept = {"accept": "application/json, text/event-stream"}
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        sessions: list[str] = []
        async with httpx.AsyncClient() as client:

            async def status(session: str) -> int:
                headers = {**accept, "mcp-session-id": session}
                return (await client.post(episode["mcp"], json=ping, headers=headers)).status_code

            for _ in range(40):
                answer = await client.post(episode["mcp"], json=INITIALIZE, headers=accept)
                sessions.append(answer.headers["mcp-session-id"])
                # The first one stays in use.
                assert await status(sessions[0]) == 200
            found = [await status(session) for session in sessions]
    assert found == [200, *[404] * 8, *[200] * 31]


async def test_a_client_that_goes_within_its_request_costs_no_traceback(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(bundle) as (running, control):
        episode = await open_one(control)
        host, _, port = running.addresses.mcp.removeprefix("http://").partition(":")
        for header in ("", "mcp-protocol-version: 2026-07-28\r\n"):
            _, writer = await asyncio.open_connection(host, int(port))
            path = episode["mcp"].removeprefix(running.addresses.mcp)
            writer.write(
                f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
                f"{header}content-length: 1000\r\n\r\n{{".encode()
            )
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.close()
        await asyncio.sleep(0.1)
        assert outcomes(await record_of(control, episode)) == []
    assert "Traceback" not in caplog.text


async def test_numbers_that_json_lacks_are_refused_as_arguments(bundle: Bundle) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        call: JsonObject = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": "get_reader",
                "arguments": {"reader_id": float("nan")},
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        }
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": "get_reader",
        }
        async with httpx.AsyncClient() as client:
            answer = await client.post(episode["mcp"], content=json.dumps(call), headers=headers)
        record = await record_of(control, episode)
    assert "no such number" in answer.json()["result"]["content"][0]["text"]
    assert outcomes(record) == ["invalid_arguments"]


@requirement("interop:conformance")
async def test_blanks_around_the_value_of_a_header_belong_to_no_value(bundle: Bundle) -> None:
    meta: JsonObject = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    call: JsonObject = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "list_branches", "arguments": {}, "_meta": meta},
    }
    body = json.dumps(call).encode("utf-8")
    async with serving(bundle) as (running, control):
        episode = await open_one(control)
        address = httpx.URL(episode["mcp"])
        lines = [
            f"POST {address.path} HTTP/1.1",
            f"Host: {address.netloc.decode('ascii')}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            "MCP-Protocol-Version: \t2026-07-28 ",
            "Mcp-Method: tools/call  ",
            "Mcp-Name:  list_branches \t",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        # Clients refuse to write such values; intermediaries do.
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        answered = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
        await writer.wait_closed()
        assert running.host.open_count == 1
    assert json.loads(answered)["result"]["structuredContent"]["rows"]
