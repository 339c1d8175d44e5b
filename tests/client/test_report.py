"""Figures by agent, in any order of rollouts."""

import random
from io import StringIO

import pytest
from rich.console import Console

from astra_arena.client.harness import play_episode
from astra_arena.client.report import Report, summarise
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


def shown(report: Report, *, width: int = 120) -> str:
    console = Console(width=width, record=True, file=StringIO())
    console.print(report.to_table())
    return console.export_text()


@requirement("client:report")
@pytest.mark.anyio
async def test_figures_are_by_agent_and_void_is_kept_apart() -> None:
    report = summarise(await rollouts()).to_json()
    assert report["tasks"] == 4
    agents = report["agents"]
    assert isinstance(agents, dict)
    assert list(agents) == ["oracle", "doing", "noop"]
    for figures in agents.values():
        assert isinstance(figures, dict)
        assert figures.pop("seconds") is not None
    # One of two sub-questions by two calls: r = p = 1/2.
    half = {"mean_reward": 0.5, "f1": 0.5, "solved": 0.0, "calls": 2.0, "failures": 1.0, "void": 0}
    none = {"mean_reward": 0.0, "f1": 0.0, "solved": 0.0, "calls": 0.0, "failures": 0.0, "void": 0}
    full = {"mean_reward": 1.0, "f1": 1.0, "solved": 1.0, "calls": 2.0, "failures": 0.0, "void": 0}
    assert agents == {
        "doing": {**half, "void_attempts": 0},
        "noop": {**none, "void_attempts": 0},
        "oracle": {**full, "void_attempts": 1},
    }


@pytest.mark.anyio
async def test_the_order_of_rollouts_does_not_matter() -> None:
    played = await rollouts()
    expected = summarise(played).to_json()
    for seed in range(5):
        random.Random(seed).shuffle(played)
        assert summarise(played).to_json() == expected


@pytest.mark.anyio
async def test_too_many_rollouts_that_stay_void_are_a_finding() -> None:
    lost = library(breaks=lambda _task_id, _opened: True)
    void = await play_episode(lost, "dune", OracleAgent(TASKS), seed=1)
    played = await rollouts()
    (finding,) = summarise([*played, void, void]).findings
    assert "agent 'oracle': 1 of 5 rollouts stayed void" in finding
    assert "the scripted connection broke" in finding
    # One in two hundred is still borne.
    assert summarise([*played[:4] * 50, void]).findings == ()


@pytest.mark.anyio
async def test_a_void_attempt_whose_rollout_was_scored_is_shown_and_no_finding() -> None:
    played = await rollouts()
    for order in (played, played[::-1]):
        report = summarise(order)
        assert report.findings == ()
        oracle = report.agents["oracle"]
        assert (oracle.void, oracle.void_attempts, oracle.repeated) == (0, 1, 1)
    assert "void attempts that were repeated and scored: 1" in shown(summarise(played))
    assert "repeated" not in shown(summarise(played[:4]))


@pytest.mark.anyio
async def test_different_environments_have_rows_of_their_own() -> None:
    here = await rollouts()
    episode = here[0].episode
    elsewhere = episode.model_copy(update={"environment": "archive", "environment_digest": "a:1"})
    newer = episode.model_copy(update={"environment_digest": "sha256:0123456789abcdef"})
    moved = [here[4].model_copy(update={"episode": one}) for one in (elsewhere, newer)]
    report = summarise([*here, moved[0]])
    data = report.to_json()
    assert data["tasks"] == 5
    assert "agents" not in data
    environments = data["environments"]
    assert isinstance(environments, dict)
    assert list(environments) == ["archive", "library"]
    assert environments["library"] == summarise(here).to_json()
    assert environments["archive"] == summarise(moved[:1]).to_json()
    rows = shown(report, width=80).splitlines()
    assert rows[1].split()[:3] == ["environment", "agent", "rollouts"]
    assert [row.split()[:2] for row in rows[2:4]] == [["archive", "noop"], ["library", "oracle"]]
    with pytest.raises(ValueError, match=r"several environments \(archive, library\)"):
        _ = report.agents
    versions = summarise([*here, moved[1]]).environments
    assert "library@0123456789ab" in versions
    assert len(versions) == 2


@pytest.mark.anyio
async def test_the_table_shows_each_agent() -> None:
    text = shown(summarise(await rollouts()))
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
