"""One rollout: conversation, record, ending and verdict."""

import asyncio
from typing import cast

import anyio
import pytest

from astra_arena.client.agent import EpisodeView, ToolReply
from astra_arena.client.collect import collect
from astra_arena.client.harness import play_episode
from astra_arena.client.scripted_agents import OracleAgent
from astra_arena.core.errors import AgentError, ConnectionLostError, UnknownTaskError
from astra_arena.core.tasks import Budget
from tests.client.scripted_library import TASKS, birthplace_task, library
from tests.support.requirement import requirement


class Doing:
    """An agent that does what a test says."""

    name = "doing"

    def __init__(self, *titles: str, then: Exception | str | None = None) -> None:
        self._titles = titles
        self._then = then

    async def play(self, episode: EpisodeView) -> str | None:
        for title in self._titles:
            await episode.call("find_book", {"title": title})
        if isinstance(self._then, Exception):
            raise self._then
        return self._then


@pytest.mark.anyio
async def test_the_conversation_is_kept_as_chat_completions() -> None:
    rollout = await play_episode(library(), "dune", Doing("Dune", "Solaris", then="Herbert."))
    first, second = (message for message in rollout.messages if message.get("tool_calls"))
    assert rollout.messages == (
        {"role": "user", "content": "Where was the author of Dune born?"},
        first,
        {
            "role": "tool",
            "tool_call_id": "call_0",
            "content": '{"author":"Herbert","title":"Dune"}',
        },
        second,
        {"role": "tool", "tool_call_id": "call_1", "content": "no book 'Solaris'"},
        {"role": "assistant", "content": "Herbert."},
    )
    assert first["tool_calls"] == [
        {
            "id": "call_0",
            "type": "function",
            "function": {"name": "find_book", "arguments": '{"title": "Dune"}'},
        }
    ]
    assert rollout.ended == "agent"
    assert rollout.timing is not None
    assert len(rollout.timing.call_seconds) == 2
    assert [call.key for call in rollout.episode.calls] == ["call_0", "call_1"]


@requirement("client:deterministic")
@pytest.mark.anyio
async def test_equal_episodes_make_equal_rollouts_but_for_the_times() -> None:
    one = await play_episode(library(), "dune", OracleAgent(TASKS), seed=4)
    two = await play_episode(library(), "dune", OracleAgent(TASKS), seed=4)
    assert one.digest == two.digest
    assert one.timing != two.timing
    other = await play_episode(library(), "dune", OracleAgent(TASKS), seed=5)
    assert other.id != one.id


@pytest.mark.anyio
async def test_an_agent_that_raises_is_scored_as_it_stands() -> None:
    rollout = await play_episode(library(), "dune", Doing("Dune", then=RuntimeError("tired")))
    assert rollout.ended == "agent_error"
    assert rollout.failure is not None
    assert (rollout.failure.boundary, rollout.failure.message) == ("agent", "RuntimeError: tired")
    assert rollout.verdict is not None
    # One of two sub-questions, by one call.
    assert rollout.verdict.reward == pytest.approx(2 / 3)


@pytest.mark.anyio
async def test_an_agent_cannot_make_its_episode_void_by_raising_what_the_machinery_raises() -> None:
    rollout = await play_episode(library(), "dune", Doing(then=ConnectionLostError("not really")))
    assert rollout.ended == "agent_error"
    assert rollout.verdict is not None


@pytest.mark.anyio
async def test_the_call_beyond_the_budget_ends_the_episode_unsent() -> None:
    task = birthplace_task("Dune", budget=Budget(calls=2))
    agent = Doing("Dune", "Emma", "Momo", then="never said")
    rollout = await play_episode(library((task,)), "dune", agent)
    assert rollout.ended == "budget"
    assert len(rollout.episode.calls) == 2
    assert rollout.messages[-1]["role"] == "tool"
    assert rollout.verdict is not None
    assert rollout.verdict.reward == pytest.approx(0.5)


class Stubborn:
    """Catches all that it can and calls on."""

    name = "stubborn"

    async def play(self, episode: EpisodeView) -> str | None:
        while True:
            try:
                await episode.call("find_book", {"title": "Dune"})
            except Exception:
                continue


@pytest.mark.anyio
async def test_an_agent_that_catches_everything_still_ends_with_its_budget() -> None:
    with anyio.fail_after(5):
        rollout = await play_episode(library(), "dune", Stubborn())
    assert rollout.ended == "budget"
    assert len(rollout.episode.calls) == 8


class Thinking:
    """Thinks for ever."""

    name = "thinking"

    async def play(self, episode: EpisodeView) -> str | None:
        await episode.call("find_book", {"title": "Dune"})
        await anyio.sleep_forever()


@pytest.mark.anyio
async def test_an_agent_that_takes_too_long_is_stopped_and_scored() -> None:
    task = birthplace_task("Dune", budget=Budget(seconds=0.05))
    with anyio.fail_after(5):
        rollout = await play_episode(library((task,)), "dune", Thinking())
    assert rollout.ended == "budget"
    assert rollout.verdict is not None
    assert rollout.verdict.reward > 0


@requirement("client:void-never-scored")
@pytest.mark.parametrize("agent", [OracleAgent(TASKS), Stubborn()])
@pytest.mark.anyio
async def test_a_lost_connection_makes_the_rollout_void_without_a_verdict(
    agent: OracleAgent | Stubborn,
) -> None:
    venue = library(breaks=lambda _task_id, _opened: True)
    with anyio.fail_after(5):
        rollout = await play_episode(venue, "dune", agent)
    assert rollout.ended == "void"
    assert rollout.verdict is None
    assert rollout.failure is not None
    assert rollout.failure.boundary == "connection"


class Parallel:
    """Calls everything at once."""

    name = "parallel"

    async def play(self, episode: EpisodeView) -> str | None:
        async def find(title: str) -> None:
            await episode.call("find_book", {"title": title})

        async with anyio.create_task_group() as group:
            for title in ("Dune", "Emma", "Momo"):
                group.start_soon(find, title)


@pytest.mark.anyio
async def test_parallel_calls_are_logged_in_the_order_of_the_messages() -> None:
    rollout = await play_episode(library(), "dune", Parallel())
    roles = [message["role"] for message in rollout.messages]
    assert roles == ["user", *["assistant", "tool"] * 3]
    asked = [call.arguments for call in rollout.episode.calls]
    assert asked == [{"title": "Dune"}, {"title": "Emma"}, {"title": "Momo"}]


@pytest.mark.anyio
async def test_an_unknown_task_is_an_error_and_not_a_rollout() -> None:
    with pytest.raises(UnknownTaskError, match="no task 'nope'"):
        await play_episode(library(), "nope", OracleAgent(TASKS))


class Odd:
    """Breaks the types that an agent should keep."""

    name = "odd"

    def __init__(self, how: str) -> None:
        self._how = how

    async def play(self, episode: EpisodeView) -> str | None:
        match self._how:
            case "cancels":
                raise asyncio.CancelledError
            case "says an object":
                return cast("str", object())
            case _:
                await episode.call(cast("str", 7), {})


@pytest.mark.parametrize("how", ["cancels", "says an object", "calls a number"])
@pytest.mark.anyio
async def test_an_agent_that_breaks_the_rules_of_its_types_cannot_end_a_run(how: str) -> None:
    venue = library()
    done = await collect(venue, await venue.tasks(), (Odd(how),), concurrency=1)
    assert done.played == 4
    assert done.report.agents["odd"].void == 0
    rollout = await play_episode(venue, "dune", Odd(how))
    assert rollout.ended == "agent_error"


class Late:
    """Leaves a task behind that calls when its turn is over."""

    name = "late"

    def __init__(self) -> None:
        self.task: asyncio.Task[ToolReply] | None = None

    async def play(self, episode: EpisodeView) -> str | None:
        async def call() -> ToolReply:
            await asyncio.sleep(0)
            return await episode.call("find_book", {"title": "Dune"})

        self.task = asyncio.create_task(call())


@pytest.mark.anyio
async def test_a_call_after_the_end_of_the_turn_is_not_sent() -> None:
    agent = Late()
    rollout = await play_episode(library(), "dune", agent)
    assert agent.task is not None
    with pytest.raises(AgentError, match="ended its turn"):
        await agent.task
    assert rollout.episode.calls == ()
