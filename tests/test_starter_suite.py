"""What ships under `servers/suite`: sound, licensed, released, and played as promised."""

import json
import sqlite3
from collections.abc import Generator
from pathlib import Path

import pytest

from astra_arena.client import HttpVenue, build_agent, collect
from astra_arena.servers.bundles.collection import load_sources
from astra_arena.servers.bundles.inspection import licences_of
from astra_arena.servers.bundles.suite import Source, Suite, load_source, members_of
from astra_arena.servers.server_process import ServerProcess, start_server_process
from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.registry import QUICK_GATES, chosen_gates
from scripts.make_suite import BESIDE, INDEX, PLACE, changed_files, files_in, index_text
from scripts.suite_recipes import RECIPES
from tests.support.requirement import requirement

NAMES = [recipe.name for recipe in RECIPES]
MOST_BYTES = 7_000_000
SAMPLE = 4
QUICKLY_MADE = "petstore"


def source_of(name: str) -> Source:
    return load_source(PLACE / name)


def written_by_this_sqlite(folder: Path) -> bool:
    """Whether the worlds are from the library at hand: its version stands in each file's head."""
    number = sqlite3.sqlite_version_info
    version = number[0] * 1_000_000 + number[1] * 1_000 + number[2]
    heads = [world.read_bytes()[96:100] for world in folder.rglob("*.sqlite")]
    return {int.from_bytes(head, "big") for head in heads} == {version}


@requirement("suite:starter")
def test_there_are_environments_of_every_kind_and_all_are_small() -> None:
    sources = load_sources([PLACE])
    assert [source.name for source in sources] == NAMES
    assert len(sources) >= 6
    assert sum(len(data) for data in files_in(PLACE).values()) <= MOST_BYTES
    tools = {
        source.name: {
            tool.read_only for member in members_of(source) for tool in member.environment.tools
        }
        for source in sources
    }
    assert tools["elements"] == {True}
    assert tools["music-shop"] == tools["petstore"] == {True, False}
    assert [source.name for source in sources if isinstance(source, Suite)] == ["music-business"]
    variants = {task.variant for source in sources for task in source.tasks}
    assert variants >= {"base", "missing_function", "missing_parameter", "elicitation", "faults"}


@requirement("suite:starter")
def test_joint_tasks_need_both_servers() -> None:
    suite = source_of("music-business")
    joint = [task for task in suite.tasks if task.variant == "base"]
    assert len(joint) >= 10
    assert all(len(task.environments) == 2 for task in joint)


@requirement("suite:starter")
@pytest.mark.parametrize("name", NAMES)
def test_the_report_card_says_passed_with_figures(name: str) -> None:
    source = source_of(name)
    report = json.loads((source.path / "report.json").read_bytes())
    assert report["digests"] == source.digests.to_json()
    gates = {gate["gate"]: gate for gate in report["gates"]}
    assert len(gates) >= 12
    assert {gate["status"] for gate in gates.values()} <= {"passed", "not_applicable"}
    played = gates["joint_verdict" if isinstance(source, Suite) else "replay"]
    assert played["status"] == "passed"
    assert played["figures"]


@requirement("suite:starter")
@pytest.mark.parametrize("name", NAMES)
def test_the_licence_is_named_and_lies_beside_with_where_the_data_is_from(name: str) -> None:
    source = source_of(name)
    assert "NOASSERTION" not in licences_of(source)
    for beside in BESIDE:
        assert (source.path / beside).stat().st_size > 300
    if (source.path / "world.sqlite").exists():
        assert "SHA-256" in (source.path / "PROVENANCE.md").read_text(encoding="utf-8")


@requirement("suite:starter")
def test_the_index_is_that_of_what_is_there() -> None:
    assert (PLACE / INDEX).read_text(encoding="utf-8") == index_text(PLACE)


@pytest.fixture(scope="module")
def server() -> Generator[ServerProcess]:
    with start_server_process([PLACE]) as running:
        yield running


@requirement("suite:played")
@pytest.mark.parametrize("name", NAMES)
async def test_gold_earns_everything_and_silence_nothing(name: str, server: ServerProcess) -> None:
    tasks = source_of(name).tasks
    agents = [build_agent(agent, tasks=tasks) for agent in ("oracle", "noop")]
    # The last are variants, where there are any.
    sample = {task.id for task in (*tasks[:SAMPLE], *tasks[-SAMPLE:])}
    async with HttpVenue(server.addresses.control, server.token, environment=name) as venue:
        chosen = [card for card in await venue.tasks() if card.id in sample]
        done = await collect(venue, chosen, agents, concurrency=4)
    oracle, noop = (done.report.agents[agent] for agent in ("oracle", "noop"))
    assert (oracle.rollouts, oracle.void, oracle.mean_reward) == (len(sample), 0, 1.0)
    assert (noop.rollouts, noop.void, noop.mean_reward) == (len(sample), 0, 0.0)


@requirement("suite:starter")
def test_the_quick_gates_pass_again() -> None:
    card = examine(PLACE / QUICKLY_MADE, gates=chosen_gates(QUICK_GATES))
    assert card.clean
    assert card.environment_digest == source_of(QUICKLY_MADE).digests.environment


@requirement("suite:deterministic")
def test_what_is_released_is_what_its_recipe_makes() -> None:
    if not written_by_this_sqlite(PLACE / QUICKLY_MADE):
        pytest.skip("the released worlds are from another version of SQLite")
    assert changed_files(RECIPES[NAMES.index(QUICKLY_MADE)], PLACE) == []
