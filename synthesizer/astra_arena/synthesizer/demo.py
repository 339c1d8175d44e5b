"""The demonstration: a database becomes an environment, is served, played, scored, in one minute.

Real flights data that ships with the package; nothing is downloaded and no model is asked.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from astra_arena.core.errors import SettingsError
from astra_arena.core.rollouts import Rollout
from astra_arena.servers.bundle import Bundle
from astra_arena.servers.server_process import start_server_process
from astra_arena.synthesizer.sources.table_source import build_world
from astra_arena.synthesizer.synthesize import (
    DEFAULT_TASKS,
    Synthesis,
    TableOptions,
    Watcher,
    synthesize_tables,
)
from astra_arena.synthesizer.tables.descriptions import load_descriptions

SHIPPED_DATA = Path(__file__).parent / "data" / "nycflights13"
DESCRIPTIONS = SHIPPED_DATA / "descriptions.json"

AGENTS = ("oracle", "random", "noop")
STDIO_TASKS = 5
MOST_FOR_LUCK = 0.2
EVENT_LOOP = {"use_uvloop": True}


@dataclass(frozen=True, slots=True)
class DemoPlaces:
    """Where a demonstration puts things, all inside one folder."""

    folder: Path

    @property
    def database(self) -> Path:
        """The source, as a user would have it."""
        return self.folder / "flights.sqlite"

    @property
    def bundle(self) -> Path:
        """The environment made of it."""
        return self.folder / "nycflights13"

    @property
    def rollouts(self) -> Path:
        """What the agents did over HTTP."""
        return self.folder / "rollouts.jsonl"

    @property
    def stdio_rollouts(self) -> Path:
        """What the oracle did over stdio."""
        return self.folder / "rollouts-stdio.jsonl"


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
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
        }


def run_demo(
    folder: Path,
    *,
    tasks: int = DEFAULT_TASKS,
    concurrency: int = 16,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> DemoResult:
    """Run the demonstration in `folder`; what an earlier one left there is replaced.

    Raises:
        SettingsError: if `folder` is a file.
        SynthesisError: if the environment cannot be made or does not bear out its gold.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--out is a folder; {str(folder)!r} is a file")
    folder.mkdir(parents=True, exist_ok=True)
    places = DemoPlaces(folder)
    started = time.monotonic()
    synthesis = _make(places, tasks, seed, watcher)
    bundle = synthesis.bundle
    made = time.monotonic()
    for path in (places.rollouts, places.stdio_rollouts):
        path.unlink(missing_ok=True)
    if watcher is not None:
        watcher("let agents play every task", 0, 0)
    report = anyio.run(_play, places, bundle, concurrency, seed, backend_options=EVENT_LOOP)
    played = time.monotonic()
    return DemoResult(
        places=places,
        bundle=bundle,
        replay=_replay(synthesis),
        report=report,
        stdio_tasks=min(STDIO_TASKS, len(bundle.tasks)),
        findings=(*report.findings, *_findings(report), *_differences(places)),
        seconds={"synthesis": made - started, "rollouts": played - made, "all": played - started},
    )


def _replay(synthesis: Synthesis) -> JsonObject:
    gates = synthesis.report["gates"]
    assert isinstance(gates, list)
    return next(gate for gate in gates if isinstance(gate, dict) and gate["gate"] == "replay")


def _make(places: DemoPlaces, tasks: int, seed: int, watcher: Watcher | None) -> Synthesis:
    build_world(SHIPPED_DATA, places.database)
    options = TableOptions(tasks=tasks, seed=seed, descriptions=load_descriptions(DESCRIPTIONS))
    return synthesize_tables(places.database, places.bundle, options, watcher=watcher)


async def _play(places: DemoPlaces, bundle: Bundle, concurrency: int, seed: int) -> Report:
    """Let all agents play all tasks over HTTP, and the oracle a few over stdio."""
    total = len(AGENTS) * len(bundle.tasks)
    with (
        start_server_process([bundle.path]) as server,
        ProgressBar(total + min(STDIO_TASKS, len(bundle.tasks))) as bar,
    ):
        async with HttpVenue(server.addresses.control, server.token) as venue:
            with RolloutStore(places.rollouts) as store:
                report = await _collect(
                    venue, bundle, AGENTS, concurrency, seed, store=store, bar=bar
                )
        async with StdioVenue(bundle) as stdio:
            with RolloutStore(places.stdio_rollouts) as store:
                await _collect(
                    stdio, bundle, AGENTS[:1], concurrency, seed, store=store, bar=bar, done=total
                )
    return report


async def _collect(
    venue: Venue,
    bundle: Bundle,
    agents: Sequence[str],
    concurrency: int,
    seed: int,
    *,
    store: RolloutStore,
    bar: ProgressBar,
    done: int = 0,
) -> Report:
    cards = await venue.tasks()
    chosen = cards[:STDIO_TASKS] if venue.transport == "stdio" else cards
    total = done + len(agents) * len(chosen)

    def show(progress: Progress) -> None:
        bar.show(replace(progress, done=done + progress.done, total=max(total, progress.total)))

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
