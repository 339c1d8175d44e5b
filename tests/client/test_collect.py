"""Many rollouts: complete, resumable, and the same in whatever order they arrive."""

from pathlib import Path

import anyio
import pytest

from astra_arena.client.agent import Agent, EpisodeView
from astra_arena.client.collect import Progress, collect
from astra_arena.client.report import summarise
from astra_arena.client.scripted_agents import NoopAgent, OracleAgent, RandomAgent
from astra_arena.client.store import RolloutStore
from astra_arena.core.errors import ConnectionLostError, SettingsError
from astra_arena.core.rollout_files import read_rollouts
from astra_arena.core.rollouts import Rollout
from tests.client.scripted_library import TASKS, library
from tests.support.requirement import requirement

AGENTS: tuple[Agent, ...] = (OracleAgent(TASKS), RandomAgent(), NoopAgent())


def digests(path: Path) -> set[str]:
    return {rollout.digest for rollout in read_rollouts(path)}


@requirement("client:deterministic")
@pytest.mark.parametrize("concurrency", [1, 3, 32])
@pytest.mark.anyio
async def test_what_is_collected_does_not_depend_on_the_concurrency(
    tmp_path: Path, concurrency: int
) -> None:
    paths = [tmp_path / "one.jsonl", tmp_path / "many.jsonl"]
    for path, count in zip(paths, (1, concurrency), strict=True):
        venue = library()
        with RolloutStore(path) as store:
            done = await collect(
                venue,
                await venue.tasks(),
                AGENTS,
                seeds=(0, 1),
                concurrency=count,
                store=store,
            )
        assert (done.played, done.skipped, done.findings) == (24, 0, ())
    assert digests(paths[0]) == digests(paths[1])
    assert len(digests(paths[0])) == 24


@requirement("client:resume")
@pytest.mark.anyio
async def test_a_run_that_was_cut_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    seen: list[Progress] = []
    venue = library()
    tasks = await venue.tasks()
    scope = anyio.CancelScope()

    def stop_after_five(progress: Progress) -> None:
        seen.append(progress)
        if progress.done == 5:
            scope.cancel()

    with scope, RolloutStore(path) as store:
        await collect(venue, tasks, AGENTS, concurrency=1, store=store, on_progress=stop_after_five)
    assert scope.cancelled_caught
    cut = len(list(read_rollouts(path)))
    assert 5 <= cut < 12
    with RolloutStore(path) as store:
        done = await collect(venue, tasks, AGENTS, store=store, on_progress=seen.append)
    assert (done.played, done.skipped) == (12 - cut, cut)
    assert (seen[-1].done, seen[-1].total) == (12, 12)
    assert len({rollout.id for rollout in read_rollouts(path)}) == 12
    assert done.report.agents["oracle"].mean_reward == 1.0
    assert done.report.agents["oracle"].rollouts == 4
    assert sum(venue.opened.values()) <= 13


@requirement("client:void-never-scored")
@pytest.mark.anyio
async def test_a_void_rollout_is_recorded_and_played_once_more(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    venue = library(breaks=lambda task_id, opened: task_id == "dune" and opened == 1)
    with RolloutStore(path) as store:
        done = await collect(venue, await venue.tasks(), (OracleAgent(TASKS),), store=store)
    attempts = [r for r in read_rollouts(path) if r.episode.task_id == "dune"]
    assert [(r.attempt, r.ended) for r in attempts] == [(0, "void"), (1, "agent")]
    figures = done.report.agents["oracle"]
    assert (figures.rollouts, figures.mean_reward) == (4, 1.0)
    assert (figures.void, figures.void_attempts) == (0, 1)
    assert done.findings == ()
    assert summarise(read_rollouts(path)) == done.report


@pytest.mark.anyio
async def test_what_stayed_void_is_played_again_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    venue = library(breaks=lambda task_id, opened: task_id == "dune" and opened <= 2)
    for expected, findings in ((4, 1), (1, 0), (0, 0)):
        with RolloutStore(path) as store:
            done = await collect(venue, await venue.tasks(), (OracleAgent(TASKS),), store=store)
        assert (done.played, len(done.findings)) == (expected, findings)
        # The file says the same as the run that wrote it.
        assert summarise(read_rollouts(path)).findings == done.findings
    attempts = [r for r in read_rollouts(path) if r.episode.task_id == "dune"]
    assert [(r.attempt, r.ended) for r in attempts] == [(0, "void"), (1, "void"), (2, "agent")]
    oracle = done.report.agents["oracle"]
    assert (oracle.rollouts, oracle.void, oracle.void_attempts) == (4, 0, 2)


@pytest.mark.anyio
async def test_a_run_whose_server_is_gone_stops_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    venue = library(breaks=lambda _task_id, _opened: True)
    tasks, agents = await venue.tasks(), (OracleAgent(TASKS),)
    path = tmp_path / "rollouts.jsonl"
    kept = r"10 attempts in a row .* is in .*rollouts\.jsonl; run again to go on"
    with caplog.at_level("WARNING"):
        with RolloutStore(path) as store, pytest.raises(ConnectionLostError, match=kept):
            await collect(venue, tasks, agents, concurrency=1, seeds=range(9), store=store)
        with pytest.raises(ConnectionLostError, match=r"10 attempts in a row .* Nothing is kept"):
            await collect(venue, tasks, agents, concurrency=1, seeds=range(9))
    assert caplog.messages == []


@pytest.mark.anyio
async def test_agents_of_one_name_and_no_concurrency_are_refused() -> None:
    venue = library()
    with pytest.raises(SettingsError, match=r"\['noop'\] came more than once"):
        await collect(venue, (), (NoopAgent(), NoopAgent()))
    with pytest.raises(SettingsError, match="at least 1, got 0"):
        await collect(venue, (), (NoopAgent(),), concurrency=0)


@pytest.mark.anyio
async def test_a_task_named_twice_is_played_once() -> None:
    venue = library()
    tasks = await venue.tasks()
    done = await collect(venue, (*tasks, *tasks), (NoopAgent(),))
    assert done.played == len(tasks)


class Counting:
    """Knows how many of its episodes are open at once."""

    name = "counting"

    def __init__(self) -> None:
        self.open = 0
        self.most = 0

    async def play(self, episode: EpisodeView) -> str | None:
        self.open += 1
        self.most = max(self.most, self.open)
        await anyio.sleep(0.001)
        self.open -= 1
        return None


@pytest.mark.anyio
async def test_concurrency_is_bounded() -> None:
    agent = Counting()
    venue = library()
    await collect(venue, await venue.tasks(), (agent,), seeds=range(5), concurrency=3)
    assert agent.most == 3


@pytest.mark.anyio
async def test_collecting_works_without_a_store() -> None:
    venue = library()
    seen: list[Rollout] = []
    done = await collect(
        venue,
        await venue.tasks(),
        (OracleAgent(TASKS),),
        on_progress=lambda progress: seen.append(progress.rollout),
    )
    assert len(seen) == done.report.tasks == 4
