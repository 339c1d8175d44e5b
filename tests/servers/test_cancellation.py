"""Calls that their client gives up: undone or finished, always logged, never a way out."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import Budget
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, open_episode
from astra_arena.servers.episodes.episode_log import CallReply
from astra_arena.servers.episodes.incoming import IncomingCall
from tests.servers.playing import until
from tests.servers.small_bundle import TASK
from tests.support.requirement import requirement

HANG: JsonObject = {"how": "hang"}


@asynccontextmanager
async def playing(bundle: Bundle, *, calls: int = 8) -> AsyncGenerator[Episode]:
    task = bundle.task(TASK).model_copy(update={"budget": Budget(calls=calls)})
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, task, sandbox)
        yield episode
        await episode.close()


async def started(episode: Episode, call: IncomingCall) -> asyncio.Task[CallReply]:
    """Make a call and return when its tool runs."""
    task = asyncio.create_task(episode.make(call))
    await until(lambda: call.started is not None)
    return task


async def left(task: asyncio.Task[CallReply]) -> None:
    """Give a call up and wait until nobody is at it any more."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@requirement("agent:cancel")
async def test_a_call_that_is_cancelled_while_it_runs_leaves_no_trace_and_is_charged(
    bundle: Bundle,
) -> None:
    async with playing(bundle) as episode:
        await episode.call("return_book", {"loan_id": 1})
        before = await episode.state()
        await left(await started(episode, IncomingCall("misbehave", HANG)))
        assert await episode.state() == before
        after = await episode.call("return_book", {"loan_id": 2})
    assert after.structured == {"loan_id": 2, "out": 0}
    assert [call.outcome for call in episode.calls] == ["ok", "cancelled", "ok"]
    cancelled = episode.calls[1]
    assert (cancelled.counts, cancelled.may_solve, cancelled.state) == (True, False, None)
    assert episode.void is None


@requirement("agent:cancel")
async def test_a_call_that_is_cancelled_while_it_waits_is_not_run(bundle: Bundle) -> None:
    async with playing(bundle) as episode:
        first = await started(episode, IncomingCall("misbehave", HANG))
        second = asyncio.create_task(episode.call("return_book", {"loan_id": 1}))
        await until(lambda: episode.waiting == 2)
        await left(second)
        await left(first)
        await until(lambda: episode.waiting == 0)
        found = await episode.call("find_loan", {"title": "Persuasion"})
    assert found.structured is not None
    assert found.structured["returned"] == 0
    assert [call.outcome for call in episode.calls] == ["cancelled", "cancelled", "ok"]
    assert episode.calls[1].arguments == {"loan_id": 1}


@requirement("agent:cancel")
async def test_a_call_with_a_key_runs_to_its_end_and_is_answered_from_the_log(
    bundle: Bundle,
) -> None:
    async with playing(bundle) as episode:
        call = IncomingCall("return_book", {"loan_id": 1}, key="k")
        await left(await started(episode, call))
        again = await episode.call("return_book", {"loan_id": 1}, key="k")
    assert again.structured == {"loan_id": 1, "out": 1}
    assert [call.outcome for call in episode.calls] == ["ok"]


@requirement("agent:cancel")
@pytest.mark.parametrize("seed", range(3))
async def test_no_sequence_of_cancels_voids_an_episode_or_hides_a_write(
    bundle: Bundle, seed: int
) -> None:
    chance = random.Random(seed)
    async with playing(bundle, calls=60) as episode:
        for _ in range(40):
            loan = chance.randint(1, 3)
            task = asyncio.create_task(episode.call("return_book", {"loan_id": loan}))
            for _ in range(chance.randint(0, 60)):
                await anyio.lowlevel.checkpoint()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await until(lambda: episode.waiting == 0)
        out = [await episode.call("find_loan", {"title": t}) for t in ("Persuasion", "Emma")]
    assert episode.void is None
    record = episode.calls
    assert len(record) == 42
    returned = [call.arguments for call in record if call.tool == "return_book" and call.may_solve]
    for reply, loan in zip(out, (1, 2), strict=True):
        assert reply.structured is not None
        assert reply.structured["returned"] == ({"loan_id": loan} in returned)


async def test_cancels_use_the_budget_up(bundle: Bundle) -> None:
    async with playing(bundle, calls=2) as episode:
        for _ in range(2):
            await left(await started(episode, IncomingCall("misbehave", HANG)))
        refused = await episode.call("find_loan", {"title": "Emma"})
    assert refused.text == "the budget of 2 calls is used up"
    assert not episode.verdict().solved
