"""Long lists of tools come in pages."""

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, build_mcp_server, open_episode
from tests.servers.phased_bundle import PHASED
from tests.servers.playing import ERAS, Era
from tests.servers.small_bundle import TASK
from tests.support.requirement import requirement

both_eras = pytest.mark.parametrize("era", ERAS)


async def pages(client: Client) -> list[list[str]]:
    found: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        found.append([tool.name for tool in page.tools])
        cursor = page.next_cursor
        if cursor is None:
            return found


@requirement("agent:pages")
@both_eras
@pytest.mark.parametrize(("size", "lengths"), [(1, [1] * 6), (4, [4, 2]), (6, [6]), (250, [6])])
async def test_the_pages_are_the_list(
    bundle: Bundle, era: Era, size: int, lengths: list[int]
) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task(TASK), sandbox)
        server = build_mcp_server(bundle, lambda _: episode, page_size=size)
        async with Client(server, mode=era) as client:
            found = await pages(client)
            called = await client.call_tool("find_loan", {"title": "Emma"})
        await episode.close()
    assert [len(page) for page in found] == lengths
    assert [name for page in found for name in page] == [
        tool.name for tool in bundle.environment.tools
    ]
    assert not called.is_error


@requirement("agent:pages")
@both_eras
async def test_a_cursor_is_good_for_its_own_list_alone(phased: Bundle, era: Era) -> None:
    async with ProcessSandbox() as sandbox:
        episode: Episode = await open_episode(phased, phased.task(PHASED), sandbox)
        server = build_mcp_server(phased, lambda _: episode, page_size=2)
        async with Client(server, mode=era) as client:
            cursor = (await client.list_tools()).next_cursor
            assert cursor is not None
            await client.list_tools(cursor=cursor)
            for bad in ("", "x", cursor[:-1], cursor[:-4] + "____", "é", cursor * 2):
                with pytest.raises(MCPError) as refused:
                    await client.list_tools(cursor=bad)
                assert refused.value.error.code == INVALID_PARAMS
            await episode.reply("No.", "cannot")
            await episode.reply("No.", "cannot")
            with pytest.raises(MCPError, match="list from the start"):
                await client.list_tools(cursor=cursor)
        await episode.close()
