"""No call, however odd, breaks the connection that carries it: void is no way out of losing."""

from pathlib import Path
from typing import cast

import anyio
import pytest

from astra_arena.client.agent import EpisodeView, ToolReply
from astra_arena.client.harness import play_episode
from astra_arena.client.mcp_session import open_http_pool, open_http_session
from astra_arena.client.stdio_venue import StdioVenue
from astra_arena.client.venue import Venue
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import ConnectionLostError
from tests.client.served import nowhere, served
from tests.servers.small_bundle import NAME, TASK
from tests.support.requirement import requirement


def nested(levels: int) -> Json:
    value: Json = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


NAMES = ["", "a\nb", "\0", "ü", " find_loan ", "x" * 100_000, "é" * 450_000, "=?base64?YQ==?="]
ODD_CALLS: list[tuple[str, object]] = [
    *((name, {}) for name in [*NAMES, "\ud800"]),
    ("find_loan", {"title": float("nan")}),
    ("find_loan", {"title": 10**400}),
    ("find_loan", {"title": nested(90)}),
    ("find_loan", {"title": nested(5_000)}),
    ("find_loan", {"title": "x" * 1_040_000}),
    ("find_loan", {"title": object()}),
    ("find_loan", {"title": b"x"}),
    ("find_loan", {"t\ud800": 1}),
    ("find_loan", {"_meta": {}}),
    ("find_loan", {1: 2}),
    ("find_loan", "text"),
    ("find_loan", None),
]


class Odd:
    """Makes one odd call and a good one after it."""

    name = "odd"

    def __init__(self, tool: str, arguments: object) -> None:
        self._call = tool, cast("JsonObject", arguments)
        self.replies: list[ToolReply] = []

    async def play(self, episode: EpisodeView) -> str | None:
        self.replies.append(await episode.call(*self._call))
        self.replies.append(await episode.call("find_loan", {"title": "Emma"}))


@requirement("client:void-never-scored")
@pytest.mark.anyio
async def test_odd_calls_are_answered_over_http(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, _, venue):
        for tool, arguments in ODD_CALLS:
            await check_odd_call(venue, tool, arguments)


@requirement("client:void-never-scored")
@pytest.mark.anyio
async def test_odd_calls_are_answered_over_stdio(tmp_path: Path) -> None:
    async with served(tmp_path) as (bundle, _, _):
        venue = StdioVenue(bundle)
        for tool, arguments in (ODD_CALLS[1], ODD_CALLS[6], ODD_CALLS[13]):
            await check_odd_call(venue, tool, arguments)


async def check_odd_call(venue: Venue, tool: str, arguments: object) -> None:
    agent = Odd(tool, arguments)
    with anyio.fail_after(20):
        rollout = await play_episode(venue, TASK, agent)
    assert rollout.ended == "agent", (tool[:20], rollout.failure)
    assert [reply.is_error for reply in agent.replies] == [True, False]
    assert len(rollout.messages) == 5


@pytest.mark.anyio
async def test_a_repeated_key_is_answered_from_the_log(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, server, _), open_http_pool() as pool:
        episode = await server.host.open(NAME, TASK)
        address = server.addresses.episode_mcp(NAME, episode.id)
        async with open_http_session(address, http=pool) as session:
            first = await session.call("find_loan", {"title": "Emma"}, key="one")
            again = await session.call("find_loan", {"title": "Emma"}, key="one")
            names = [tool.name for tool in await session.list_tools()]
        assert first == again
        assert episode.call_count == 1
        assert "find_loan" in names


@pytest.mark.anyio
async def test_a_reply_that_takes_too_long_is_a_lost_connection(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, server, _), open_http_pool() as pool:
        episode = await server.host.open(NAME, TASK)
        address = server.addresses.episode_mcp(NAME, episode.id)
        with anyio.fail_after(10), pytest.raises(ConnectionLostError, match="no answer to a call"):
            async with open_http_session(address, http=pool) as session:
                await session.call("misbehave", {"how": "hang"}, key="one", timeout_s=0.05)
        await episode.abort()


@pytest.mark.anyio
async def test_an_address_without_a_server_or_an_episode_is_a_lost_connection(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as (_, server, _), open_http_pool() as pool:
        gone = server.addresses.episode_mcp(NAME, "gone")
        for address in (nowhere() + "/mcp", gone):
            with anyio.fail_after(10), pytest.raises(ConnectionLostError):
                async with open_http_session(address, http=pool) as session:
                    await session.list_tools()
