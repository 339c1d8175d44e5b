"""Figures by agent, in any order of rollouts."""

import random
from io import StringIO

import pytest
from rich.console import Console

from astra_arena.client.harness import play_episode
from astra_arena.client.report import summarise
from astra_arena.client.scripted_agents import NoopAgent, OracleAgent
from astra_arena.core.rollouts import Rollout
from tests.client.scripted_library import TASKS, birthplace_task, library
from tests.client.test_harness import Doing
from tests.support.requirement import requirement


async def rollouts() -> list[Rollout]:
    lost = library(breaks=lambda _task_id, _opened: True)
    played = [await play_episode(library(), task.id, OracleAgent(TASKS)) for task in TASKS]
    played += [await play_episode(library(), task.id, NoopAgent()) for task in TASKS[:2]]
    played.append(await play_episode(lost, "dune", OracleAgent(TASKS)))
    played.append(await play_episode(library(), "dune", Doing("Dune", "Solaris")))
    return played


@requirement("client:report")
@pytest.mark.anyio
async def test_figures_are_by_agent_and_void_is_kept_apart() -> None:
    report = summarise(await rollouts()).to_json()
    assert report["tasks"] == 4
    agents = report["agents"]
    assert isinstance(agents, dict)
    assert list(agents) == ["doing", "noop", "oracle"]
    for figures in agents.values():
        assert isinstance(figures, dict)
        assert figures.pop("seconds") is not None
    # One of two sub-questions by two calls: r = p = 1/2.
    half = {"mean_reward": 0.5, "f1": 0.5, "solved": 0.0, "calls": 2.0, "failures": 1.0, "void": 0}
    none = {"mean_reward": 0.0, "f1": 0.0, "solved": 0.0, "calls": 0.0, "failures": 0.0, "void": 0}
    full = {"mean_reward": 1.0, "f1": 1.0, "solved": 1.0, "calls": 2.0, "failures": 0.0, "void": 1}
    assert agents == {"doing": half, "noop": none, "oracle": full}


@pytest.mark.anyio
async def test_the_order_of_rollouts_does_not_matter() -> None:
    played = await rollouts()
    expected = summarise(played).to_json()
    for seed in range(5):
        random.Random(seed).shuffle(played)
        assert summarise(played).to_json() == expected


@pytest.mark.anyio
async def test_too_many_void_attempts_are_a_finding() -> None:
    played = await rollouts()
    assert [finding.split(":")[0] for finding in summarise(played).findings] == ["agent 'oracle'"]
    whole = [rollout for rollout in played if rollout.ended != "void"]
    assert summarise(whole).findings == ()
    # One in two hundred is still borne.
    assert summarise([*played[:4] * 50, played[6]]).findings == ()


@pytest.mark.anyio
async def test_the_table_shows_each_agent() -> None:
    console = Console(width=120, record=True, file=StringIO())
    console.print(summarise(await rollouts()).to_table())
    text = console.export_text()
    assert "4 tasks" in text
    assert all(name in text for name in ("oracle", "noop", "doing", "100.0%"))


def test_no_rollouts_make_an_empty_report() -> None:
    assert summarise([]).to_json() == {"tasks": 0, "agents": {}}


@pytest.mark.anyio
async def test_a_task_counts_once_for_all_its_rollouts() -> None:
    venue = library((birthplace_task("Dune"),))
    played = [await play_episode(venue, "dune", NoopAgent(), seed=seed) for seed in range(3)]
    assert summarise(played).tasks == 1
    assert summarise(played).agents["noop"].rollouts == 3
