"""The demonstration: a database becomes an environment, is served, played, scored, in one minute.

Real flights data that ships with the package; nothing is downloaded and no model is asked.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio

from astra_arena.client import (
    HttpVenue,
    Progress,
    Report,
    RolloutStore,
    StdioVenue,
    Venue,
    build_agent,
    collect,
    read_rollouts,
)
from astra_arena.client.progress_bar import ProgressBar
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.rollouts import Rollout
from astra_arena.servers.bundles.bundle import MANIFEST, Bundle
from astra_arena.servers.server_process import start_server_process
from astra_arena.synthesizer.demo_folder import DemoPlaces
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.shipped_data import shipped_data, shipped_descriptions
from astra_arena.synthesizer.sources.table_source import build_world
from astra_arena.synthesizer.synthesize import (
    DEFAULT_TASKS,
    Synthesis,
    TableOptions,
    Watcher,
    synthesize_tables,
)
from astra_arena.synthesizer.tables.descriptions import load_descriptions

SHIPPED_DATA = shipped_data("nycflights13")
DESCRIPTIONS = shipped_descriptions("nycflights13")

AGENTS = ("oracle", "random", "noop")
STDIO_TASKS = 5
MOST_FOR_LUCK = 0.2
EVENT_LOOP = {"use_uvloop": True}

Watched: TypeAlias = Callable[[], AbstractContextManager[Watcher]]
"""Opens a watcher."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What a demonstration showed."""

    places: DemoPlaces
    bundle: Bundle
    replay: JsonObject
    """What the replay of the gold showed; from the report card."""
    report: Report
    """Figures over HTTP, by agent."""
    stdio_tasks: int
    """Tasks that the oracle also played over stdio."""
    findings: tuple[str, ...]
    """What is not as it must be; empty when all is well."""
    notices: tuple[str, ...]
    """What was moved aside, left out, or is less than was asked for."""
    seconds: dict[str, float]
    """How long each part took."""

    def to_json(self) -> JsonObject:
        """Return the figures, and where everything lies."""
        return {
            **self.report.to_json(),
            "bundle": str(self.places.bundle),
            "rollouts": str(self.places.rollouts),
            "stdio_tasks": self.stdio_tasks,
            "findings": list[Json](self.findings),
            "notices": list[Json](self.notices),
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
        }


def run_demo(
    folder: Path,
    *,
    tasks: int = DEFAULT_TASKS,
    concurrency: int = 16,
    seed: int = 0,
    watched: Watched | None = None,
) -> DemoResult:
    """Run the demonstration in `folder`; what an earlier one left there is replaced.

    Args:
        folder: Where everything is put.
        tasks: How many tasks to make.
        concurrency: How many episodes may be open at once.
        seed: Decides tasks and episodes.
        watched: Gives a watcher for as long as the synthesis takes; rollouts have a bar of their
            own, so it must have left the terminal when its block has ended.

    Raises:
        SettingsError: if `folder` cannot be written, or holds what no demonstration wrote.
        SynthesisError: if the environment cannot be made or does not bear out its gold.
    """
    places = DemoPlaces(folder)
    places.require()
    started = time.monotonic()
    with (watched or _unwatched)() as watch:
        synthesis = _make(places, tasks, seed, watch)
        watch("let agents play every task", 0, 0)
    bundle = synthesis.bundle
    made = time.monotonic()
    moved = places.clear_rollouts()
    with places.writing(places.rollouts, places.stdio_rollouts):
        report = anyio.run(_play, places, bundle, concurrency, seed, backend_options=EVENT_LOOP)
    played = time.monotonic()
    return DemoResult(
        places=places,
        bundle=bundle,
        replay=_replay(synthesis),
        report=report,
        stdio_tasks=min(STDIO_TASKS, len(bundle.tasks)),
        findings=(*report.findings, *_findings(report), *_differences(places)),
        notices=(*synthesis.notices, *moved),
        seconds={"synthesis": made - started, "rollouts": played - made, "all": played - started},
    )


@contextmanager
def _unwatched() -> Generator[Watcher]:
    yield lambda _doing, _done, _total: None


def _replay(synthesis: Synthesis) -> JsonObject:
    gates = synthesis.report["gates"]
    assert isinstance(gates, list)
    gate = next(gate for gate in gates if isinstance(gate, dict) and gate["gate"] == "replay")
    figures = gate["figures"]
    assert isinstance(figures, dict)
    return {"gate": "replay", "passed": gate["status"] == "passed", **figures}


def _make(places: DemoPlaces, tasks: int, seed: int, watch: Watcher) -> Synthesis:
    options = TableOptions(
        tasks=tasks, seed=seed, descriptions=load_descriptions(DESCRIPTIONS), gates=QUICK_GATES
    )
    with places.writing(places.database, places.bundle / MANIFEST):
        build_world(SHIPPED_DATA, places.database)
        return synthesize_tables(places.database, places.bundle, options, watcher=watch)


async def _play(places: DemoPlaces, bundle: Bundle, concurrency: int, seed: int) -> Report:
    """Let all agents play all tasks over HTTP, and the oracle a few over stdio."""
    over_http = len(AGENTS) * len(bundle.tasks)
    total = over_http + min(STDIO_TASKS, len(bundle.tasks))
    with start_server_process([bundle.path]) as server, ProgressBar(total) as bar:
        show = partial(_show, bar, 0, total)
        async with HttpVenue(server.addresses.control, server.token) as venue:
            with RolloutStore(places.rollouts) as store:
                report = await _collect(
                    venue, bundle, AGENTS, concurrency, seed, store=store, show=show
                )
        show = partial(_show, bar, over_http, total)
        async with StdioVenue(bundle) as stdio:
            with RolloutStore(places.stdio_rollouts) as store:
                await _collect(stdio, bundle, AGENTS[:1], concurrency, seed, store=store, show=show)
    return report


async def _collect(
    venue: Venue,
    bundle: Bundle,
    agents: Sequence[str],
    concurrency: int,
    seed: int,
    *,
    store: RolloutStore,
    show: Callable[[Progress], None],
) -> Report:
    cards = await venue.tasks()
    chosen = cards[:STDIO_TASKS] if venue.transport == "stdio" else cards
    collected = await collect(
        venue,
        chosen,
        [build_agent(name, tasks=bundle.tasks) for name in agents],
        concurrency=concurrency,
        seeds=(seed,),
        store=store,
        on_progress=show,
    )
    return collected.report


def _show(bar: ProgressBar, before: int, total: int, progress: Progress) -> None:
    bar.show(replace(progress, done=before + progress.done, total=total))


def _findings(report: Report) -> list[str]:
    """Return what the figures must show and do not: gold earns everything, silence nothing."""
    findings: list[str] = []
    oracle, noop = report.agents["oracle"], report.agents["noop"]
    if oracle.mean_reward != 1.0 or oracle.solved != 1.0:
        findings.append(
            f"the oracle earns {oracle.mean_reward} and solves {oracle.solved:.1%}, not everything"
        )
    if noop.mean_reward != 0.0 or noop.solved != 0.0:
        findings.append(f"doing nothing earns {noop.mean_reward}, not 0")
    if report.agents["random"].mean_reward > MOST_FOR_LUCK:
        earned = report.agents["random"].mean_reward
        findings.append(f"random calls earn {earned:.3f}, more than {MOST_FOR_LUCK}")
    return findings


def _differences(places: DemoPlaces) -> list[str]:
    """Return where the two transports led to different verdicts."""
    over_http = {
        rollout.episode.task_id: rollout
        for rollout in read_rollouts(places.rollouts)
        if rollout.agent == "oracle" and rollout.ended != "void"
    }
    findings: list[str] = []
    for rollout in read_rollouts(places.stdio_rollouts):
        task_id = rollout.episode.task_id
        if not _same_outcome(rollout, over_http.get(task_id)):
            findings.append(f"task {task_id}: the verdicts over HTTP and stdio differ")
    return findings


def _same_outcome(left: Rollout, right: Rollout | None) -> bool:
    return (
        right is not None
        and left.verdict == right.verdict
        and [call.result for call in left.episode.calls]
        == [call.result for call in right.episode.calls]
    )
