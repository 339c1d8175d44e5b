"""The agent seam."""

import doctest

import pytest

from astra_arena.client import agent
from astra_arena.client.agent import EpisodeView, ToolReply, ToolView
from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import Budget


def test_the_example_in_the_docstring_runs() -> None:
    outcome = doctest.testmod(agent)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.anyio
async def test_an_episode_relays_calls_and_finds_tools_by_name() -> None:
    async def host(tool: str, arguments: JsonObject) -> ToolReply:
        return ToolReply(is_error=False, text=f"{tool}{arguments}", structured=arguments)

    view = EpisodeView(
        task_id="t1",
        prompt="Do it.",
        tools=(ToolView("do", "Does it.", {"type": "object"}),),
        budget=Budget(),
        seed=1,
        caller=host,
    )
    assert (await view.call("do", {"x": 1})).structured == {"x": 1}
    assert view.tool("do") == view.tools[0]
    assert view.tool("undo") is None
