"""Addresses of the agent plane: members, phases, environments to look at; what clients keep."""

from pathlib import Path

import anyio
import httpx
import mcp.types as wire
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ToolsListChanged

from astra_arena.servers import Bundle, open_server
from tests.servers.joint_suite import GUIDE, JOINT_TASK, SUITE, write_town
from tests.servers.phased_bundle import PHASED, WORDS
from tests.servers.playing import (
    ERAS,
    Era,
    control_client,
    open_one,
    outcomes,
    record_of,
    serving,
    text_of,
)
from tests.servers.small_bundle import GOLD_PHONE, NAME
from tests.support.requirement import requirement

both_eras = pytest.mark.parametrize("era", ERAS)

FIRST = ["find_loan", "list_branches", "return_book", "draw_reader", "reply"]
LAST = ["find_loan", "get_reader", *FIRST[1:]]


async def names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


def told_of(client: Client) -> dict[str, dict[str, bool]]:
    """Return what the server says that it can do."""
    capabilities = client.server_capabilities
    assert capabilities is not None
    return capabilities.model_dump(by_alias=True, exclude_none=True)


def phase(address: str, number: int) -> str:
    return address.removesuffix("/mcp") + f"/p/{number}/mcp"


@requirement("agent:addresses")
@both_eras
async def test_a_member_of_a_suite_is_played_at_an_address_of_its_own(
    bundle: Bundle, tmp_path: Path, era: Era
) -> None:
    town = write_town(tmp_path, bundle)
    async with (
        open_server([town]) as running,
        control_client(running.addresses.control, running.token) as control,
    ):
        asked = {"environment": SUITE, "task": JOINT_TASK}
        episode = (await control.post("/episodes", json=asked)).json()
        whole = episode["mcp"]
        members = episode["members"]
        async with Client(whole, mode=era) as client:
            everything = await names(client)
        async with Client(members[NAME], mode=era) as client:
            assert await names(client) == [tool.name for tool in bundle.environment.tools]
            await client.call_tool("list_branches", {})
            with pytest.raises(MCPError) as foreign:
                await client.call_tool("get_city", {"name": "Wuppertal"})
        async with Client(members[GUIDE], mode=era) as client:
            assert client.instructions == town.members[1].description
            found = await client.call_tool("get_city", {"name": "Wuppertal"})
        closed = (await control.delete(f"/episodes/{episode['id']}")).json()
    assert len(everything) == 10
    assert {name.partition("__")[0] for name in everything} == {NAME, GUIDE}
    assert members == {name: whole.replace(SUITE, name) for name in (NAME, GUIDE)}
    assert foreign.value.error.message == (
        "there is no tool 'get_city'; the tools are: "
        + ", ".join(tool.name for tool in bundle.environment.tools)
    )
    assert found.structured_content is not None
    assert closed["verdict"]["reward"] == 0.8
    assert [call["environment"] for call in closed["record"]["calls"]] == [NAME, NAME, GUIDE]


@requirement("agent:addresses")
@both_eras
async def test_an_environment_can_be_looked_at_without_an_episode(bundle: Bundle, era: Era) -> None:
    async with (
        serving(bundle) as (running, _),
        Client(f"{running.addresses.mcp}/envs/{NAME}/mcp", mode=era) as client,
    ):
        listed = await client.list_tools()
        with pytest.raises(MCPError, match="no episode is bound"):
            await client.call_tool("find_loan", {"title": "Emma"})
        with pytest.raises(MCPError):
            await client.list_prompts()
        capabilities = client.server_capabilities
    assert [tool.name for tool in listed.tools] == [t.name for t in bundle.environment.tools]
    # Another environment of this name may take its place.
    assert not listed.ttl_ms
    assert capabilities is not None
    assert (capabilities.prompts, capabilities.resources) == (None, None)


@requirement("agent:phases")
@both_eras
async def test_each_phase_has_an_address_with_a_list_that_stays(phased: Bundle, era: Era) -> None:
    async with serving(phased) as (_, control):
        episode = await open_one(control, PHASED)
        first = episode["phase"]
        assert first == phase(episode["mcp"], 0)
        async with httpx.AsyncClient() as http:
            early = await http.post(phase(first, 1).replace("/p/0", ""), json={})
        async with Client(first, mode=era) as client:
            listed = await client.list_tools()
            # The next turn has the same tools, so it is of the same phase.
            same = await client.call_tool("reply", {"message": "No.", "kind": "cannot"})
            told = await client.call_tool("reply", {"message": "Nobody."})
            assert await names(client) == FIRST
            changes = told_of(client)["tools"]["listChanged"]
        assert told.structured_content is not None
        async with Client(told.structured_content["mcp"], mode=era) as client:
            last = await client.list_tools()
            await client.call_tool("get_reader", {"reader_id": 2})
            end = await client.call_tool("reply", {"message": f"It is {GOLD_PHONE}."})
        record = await record_of(control, episode)
    assert early.status_code == 404
    assert not changes
    assert [tool.name for tool in listed.tools] == FIRST
    assert [tool.name for tool in last.tools] == LAST
    assert same.structured_content == {"user": WORDS[1], "done": False}
    assert told.structured_content == {
        "user": WORDS[2],
        "done": False,
        "mcp": phase(episode["mcp"], 1),
    }
    assert end.structured_content == {"user": None, "done": True}
    if era == "auto":
        assert (listed.ttl_ms, last.ttl_ms) == (3_600_000, 3_600_000)
    # Addresses are no part of what was said, so equal episodes have equal records.
    assert record["calls"][1]["result"] == {"user": WORDS[2], "done": False}
    assert outcomes(record) == ["ok"] * 4


@requirement("agent:phases")
@both_eras
async def test_who_is_bound_to_one_address_never_sees_a_stale_list(
    phased: Bundle, era: Era
) -> None:
    async with serving(phased) as (_, control):
        episode = await open_one(control, PHASED)
        # The SDK's client keeps lists for as long as they are told to be fresh.
        async with Client(episode["mcp"], mode=era) as client:
            listed = await client.list_tools()
            assert told_of(client)["tools"]["listChanged"]
            await client.call_tool("reply", {"message": "No.", "kind": "cannot"})
            told = await client.call_tool("reply", {"message": "Nobody."})
            assert await names(client) == LAST
            found = await client.call_tool("get_reader", {"reader_id": 2})
    assert [tool.name for tool in listed.tools] == FIRST
    assert not listed.ttl_ms
    assert told.structured_content == {"user": WORDS[2], "done": False}
    assert not found.is_error


@requirement("agent:phases")
async def test_older_clients_are_told_of_new_tools_through_their_session(phased: Bundle) -> None:
    changed = anyio.Event()

    async def note(message: object) -> None:
        if isinstance(message, wire.ToolListChangedNotification):
            changed.set()

    async with serving(phased) as (_, control):
        episode = await open_one(control, PHASED)
        async with Client(episode["mcp"], mode="legacy", message_handler=note) as client:
            # The stream for notifications is opened in the background.
            with anyio.fail_after(30):
                while not changed.is_set():
                    await client.call_tool("reply", {"message": "No.", "kind": "cannot"})
                    with anyio.move_on_after(0.2):
                        await changed.wait()
                    if (await record_of(control, episode))["calls"][-1]["outcome"] != "ok":
                        break
    assert changed.is_set()


@requirement("agent:phases")
async def test_newer_clients_are_told_of_new_tools_when_they_listen(phased: Bundle) -> None:
    async with serving(phased) as (_, control):
        episode = await open_one(control, PHASED)
        async with (
            Client(episode["mcp"], mode="2026-07-28") as client,
            client.listen(tools_list_changed=True) as events,
        ):
            await client.call_tool("reply", {"message": "No.", "kind": "cannot"})
            await client.call_tool("reply", {"message": "Nobody."})
            with anyio.fail_after(30):
                event = await anext(aiter(events))
            # The end of the episode ends the stream in good order.
            await control.delete(f"/episodes/{episode['id']}")
            with anyio.fail_after(30):
                left = [event async for event in events]
    assert isinstance(event, ToolsListChanged)
    assert left == []


@requirement("agent:phases")
@both_eras
async def test_where_nothing_changes_nothing_is_promised(bundle: Bundle, era: Era) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        assert (episode["phase"], episode["members"]) == (None, {})
        async with Client(episode["mcp"], mode=era) as client:
            listed = await client.list_tools()
            capabilities = told_of(client)
            if era == "auto":
                with pytest.raises(MCPError):
                    async with client.listen(tools_list_changed=True):
                        pass
        async with httpx.AsyncClient() as http:
            missing = await http.post(phase(episode["mcp"], 0), json={})
    assert capabilities["tools"] == {"listChanged": False}
    assert capabilities["prompts"] == {"listChanged": False}
    assert not any(capabilities["resources"].values())
    assert missing.status_code == 404
    if era == "auto":
        assert listed.ttl_ms == 3_600_000


@requirement("agent:phases")
async def test_a_host_with_an_address_of_its_own_gives_it_out_with_the_reply(
    phased: Bundle,
) -> None:
    async with serving(phased, advertise_url="http://127.0.0.1/arena") as (running, control):
        episode = await open_one(control, PHASED)
        local = f"http://127.0.0.1:{running.addresses.mcp.split(':')[2].split('/')[0]}"
        path = episode["mcp"].partition("/arena")[2]
        async with Client(local + path, mode="auto") as client:
            await client.call_tool("reply", {"message": "No.", "kind": "cannot"})
            told = await client.call_tool("reply", {"message": "Nobody."})
    assert told.structured_content is not None
    assert told.structured_content["mcp"] == phase(episode["mcp"], 1)
    assert '"mcp": "http://127.0.0.1' in text_of(told)
