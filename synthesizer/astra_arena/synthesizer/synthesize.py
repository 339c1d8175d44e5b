"""Grounded synthesis: a database or tables become an environment, without a language model.

Load, profile, find keys and references, design and write tools, sample tasks, execute what stands
beside the gold, write the bundle, replay it from disk. Nothing is left behind when a step fails.
"""

import asyncio
import errno
import math
import platform
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from astra_arena.core.canonical import Json, JsonObject, digest_of_bytes
from astra_arena.core.environment import FORMAT_VERSION, Environment, Licence, World
from astra_arena.core.errors import SettingsError, SynthesisError
from astra_arena.core.tasks import Task, choices_of
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundle import Bundle, copy_bundle, require_place, write_bundle
from astra_arena.servers.emit import emit_server
from astra_arena.synthesizer.checkpoints import Checkpoints, Log, checkpoints
from astra_arena.synthesizer.replay_check import RUNS, ReplayReport, check_replay, keep_sound
from astra_arena.synthesizer.sources.source_kinds import (
    Source,
    listed_sources,
    plain_name,
    source_title,
)
from astra_arena.synthesizer.sources.table_source import LoadedTables, load_tables, write_world
from astra_arena.synthesizer.stage_timer import StageTimer
from astra_arena.synthesizer.tables.descriptions import Descriptions, check_descriptions
from astra_arena.synthesizer.tables.naming import safe_identifier
from astra_arena.synthesizer.tables.preparation import (
    DEFAULT_MAX_ROWS,
    WorldRules,
    prepare_tables,
)
from astra_arena.synthesizer.tables.table_analysis import Analysis, analyse
from astra_arena.synthesizer.tables.tool_choice import FEWEST_TOOLS, ToolOptions, design_tools
from astra_arena.synthesizer.tables.tool_code import write_tools
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.tool_indexes import index_filters
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from astra_arena.synthesizer.tasks.gold_runs import keep_true_alternatives
from astra_arena.synthesizer.tasks.task_graphs import Topology
from astra_arena.synthesizer.tasks.task_sampler import TOPOLOGIES, Sample, sample_tasks
from astra_arena.synthesizer.tasks.task_splits import splits_json
from astra_arena.synthesizer.tasks.task_writer import GENERATOR, TaskWriter

DEFAULT_TASKS = 120
MOST_TASKS = 10_000
WORLD_FILE = "world.sqlite"

Watcher: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how far it is and how far it goes; 0 of 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a user may choose."""

    tasks: int = DEFAULT_TASKS
    seed: int = 0
    topologies: Mapping[Topology, float] = field(default_factory=lambda: dict(TOPOLOGIES))
    """The topologies to draw, each with its part of their sum."""
    splits: Mapping[str, float] = field(default_factory=dict[str, float])
    """Splits with their shares; they have no entity and no pattern of questions in common."""
    name: str | None = None
    title: str | None = None
    descriptions: Descriptions = field(default_factory=Descriptions)
    tools: ToolOptions = field(default_factory=ToolOptions)
    exclude: tuple[str, ...] = ()
    """Patterns of tables and columns that are not read."""
    mask: tuple[str, ...] = ()
    """Patterns of columns whose values are replaced by pseudonyms."""
    mask_key: bytes | None = None
    """The secret behind the pseudonyms; without one they follow from the seed."""
    max_rows: int = DEFAULT_MAX_ROWS
    """How many rows of a table are kept; what kept rows refer to is kept besides."""


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What was made."""

    bundle: Bundle
    notices: tuple[str, ...]
    """What was left out, read differently from what the source says, or is less than asked for."""
    report: JsonObject
    """The content of `report.json`, without the digests."""
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    """Where the time went, by stage; in no artefact."""


def synthesize_tables(
    source: Source | Sequence[Source],
    out: Path,
    options: TableOptions | None = None,
    *,
    watcher: Watcher | None = None,
) -> Synthesis:
    """Make the bundle `out` from databases, files of tables or folders of these.

    Equal sources, options and versions give equal bytes.

    Raises:
        SourceError: if the source cannot be read or has no usable table.
        SynthesisError: if the data allows no task.
        GateError: if a task does not bear out its gold when it is replayed.
        SettingsError: if an option cannot be used.
        BundleError: if `out` holds something that is no bundle, or cannot be written; found out
            before any work is done.
    """
    chosen = options or TableOptions()
    watch = watcher or _unwatched
    sources = listed_sources(source)
    name = environment_name(chosen, sources[0])
    if not 1 <= chosen.tasks <= MOST_TASKS:
        raise SettingsError(f"--tasks is 1 to {MOST_TASKS}; got {chosen.tasks}")
    if chosen.tools.most_tools is not None and chosen.tools.most_tools < FEWEST_TOOLS:
        raise SettingsError(f"--tools is {FEWEST_TOOLS} or more; got {chosen.tools.most_tools}")
    require_place(out)
    watch("read the tables", 0, 0)
    with (
        _room_for_scratch(),
        tempfile.TemporaryDirectory(prefix="astra-arena-") as folder,
        load_tables(sources, exclude=chosen.exclude) as loaded,
    ):
        check_descriptions(chosen.descriptions, loaded.tables)
        watch("find keys and references", 0, 0)
        loaded = prepared(loaded, chosen)
        analysis = analyse(loaded.connection, loaded.tables, chosen.descriptions)
        designs = design_tools(analysis.catalogue, chosen.tools)
        index_filters(loaded.connection, designs)
        world = Path(folder) / WORLD_FILE
        write_world(loaded.connection, world)
        titles = ", ".join(map(source_title, sources))
        draft = _Draft(name, titles, chosen, loaded, analysis, designs, Path(folder))
        return draft.finish(out, watch)


def prepared(loaded: LoadedTables, options: TableOptions) -> LoadedTables:
    """Return loaded tables as they were cut to size and masked.

    Raises:
        SettingsError: if the options name what is not there or cannot be masked.
    """
    rules = WorldRules(
        max_rows=options.max_rows, mask=options.mask, mask_key=options.mask_key, seed=options.seed
    )
    made = prepare_tables(loaded.connection, loaded.tables, rules)
    return replace(
        loaded,
        tables=made.tables,
        notices=(*loaded.notices, *made.notices),
        provenance={**loaded.provenance, **made.provenance},
    )


@contextmanager
def _room_for_scratch() -> Generator[None]:
    """Tell of a full disk under the temporary files."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        full = (
            error.sqlite_errorcode == sqlite3.SQLITE_FULL
            if isinstance(error, sqlite3.Error)
            else error.errno in (errno.ENOSPC, errno.EDQUOT)
        )
        if not full:
            raise
        raise SynthesisError(
            f"the disk is full where temporary files lie, {tempfile.gettempdir()}: free space "
            "there, or name another folder in TMPDIR, and run again"
        ) from error


def environment_name(options: TableOptions, source: Source) -> str:
    """Return the environment's name: the one chosen, the described one, or the first source's.

    Raises:
        SettingsError: if the one chosen cannot be a name.
    """
    given = options.name or options.descriptions.name
    name = (
        given
        or safe_identifier(plain_name(source), fallback="tables").replace("_", "-").strip("-")[:63]
    )
    if not (name[:1].isalpha() and name.isascii() and name.lower() == name and len(name) <= 63):
        raise SettingsError(
            f"--name is 1 to 63 of a-z, 0-9 and -, starting with a letter; got {name!r}"
        )
    return name


class _Draft:
    """A bundle on its way: everything that is decided from the analysed source."""

    def __init__(
        self,
        name: str,
        source: str,
        options: TableOptions,
        loaded: LoadedTables,
        analysis: Analysis,
        designs: tuple[EntityTools, ...],
        folder: Path,
    ) -> None:
        self._name = name
        self._source = source
        self._options = options
        self._loaded = loaded
        self._analysis = analysis
        self._designs = designs
        self._catalogue = analysis.catalogue.restricted_to({d.entity.name for d in designs})
        self._world = folder / WORLD_FILE
        self._folder = folder / "bundle"
        self._version = metadata.version("astra-arena")
        self._specs = {s.name: s for design in self._designs for s in tool_specs(design)}
        self._tools_py = write_tools(self._designs, self._specs)
        self._environment = self._manifest()

    def finish(self, out: Path, watch: Watcher) -> Synthesis:
        """Sample, execute, write, replay; then move to `out` what held."""
        with checkpoints(out, *self._decides()) as finished:
            return self._finish(out, watch, finished)

    def _decides(self) -> list[Json]:
        world = digest_of_bytes(self._world.read_bytes())
        about = [self._version, sqlite3.sqlite_version, platform.python_version()]
        return [world, self._name, self._tools_py, repr(self._options), *about]

    def _finish(self, out: Path, watch: Watcher, finished: Checkpoints) -> Synthesis:
        timer = StageTimer()
        with timer.stage("sampling"):
            sample = self._sample(watch, finished.log("sampled"))
        tasks = self._tasks(sample)
        watch("execute other ways to ask", 0, 0)
        candidates = self._write(self._folder, tasks)
        with timer.stage("execution"):
            kept = asyncio.run(_executed(candidates, finished.log("executed")))
        checked = self._write(self._folder, kept)
        total = RUNS * len(kept)
        with timer.stage("gates"):
            replay = check_replay(
                checked.path, progress=lambda done: watch("replay the gold calls", done, total)
            )
        kept, replay, rejected = keep_sound(kept, replay)
        watch("write the bundle", 0, 0)
        report: JsonObject = {**self._report(sample, tasks, kept, replay), "rejected": rejected}
        made = self._write(self._folder, kept, report)
        emit_server(made.path)
        bundle = copy_bundle(made, out)
        notices = [*self._loaded.notices, *self._analysis.notices]
        if len(kept) < self._options.tasks:
            notices.append(f"{self._options.tasks} tasks were asked for; the data gave {len(kept)}")
        return Synthesis(bundle, tuple(notices), report, timer.seconds)

    def _sample(self, watch: Watcher, log: Log) -> Sample:
        count = self._options.tasks
        watch("sample tasks", 0, count)
        return sample_tasks(
            self._loaded.connection,
            self._catalogue,
            self._designs,
            count=count,
            seed=self._options.seed,
            topologies=self._options.topologies,
            splits=self._options.splits,
            log=log,
            progress=lambda done: watch("sample tasks", done, count),
        )

    def _tasks(self, sample: Sample) -> tuple[Task, ...]:
        writer = TaskWriter(
            self._name,
            self._catalogue,
            self._designs,
            self._specs,
            version=self._version,
            seed=self._options.seed,
        )
        return tuple(writer.write(n, task) for n, task in enumerate(sample.tasks, start=1))

    def _write(
        self, path: Path, tasks: tuple[Task, ...], report: JsonObject | None = None
    ) -> Bundle:
        return write_bundle(
            path,
            self._environment,
            tools_py=self._tools_py,
            world=self._world,
            tasks=tasks,
            report=report,
        )

    def _manifest(self) -> Environment:
        words, tools = self._options.descriptions, self._options.tools
        nouns = [entity.plural for entity in self._catalogue.entities]
        return Environment(
            name=self._name,
            title=self._options.title or words.title or self._name,
            description=words.description or f"Tools over {', '.join(nouns)}.",
            domain=words.domain or "tables",
            format_version=FORMAT_VERSION,
            tools=tuple(self._specs.values()),
            world=World(kind="sqlite", file=WORLD_FILE),
            licence=words.licence or Licence(name="NOASSERTION", source=self._source),
            provenance={
                "generator": GENERATOR,
                "version": self._version,
                "seed": self._options.seed,
                "sqlite": sqlite3.sqlite_version,
                "inputs": [{"name": one.name, "digest": one.digest} for one in self._loaded.inputs],
                "notices": list[Json]([*self._loaded.notices, *self._analysis.notices]),
                "descriptions": words.to_json(),
                "tools": {"most": tools.most_tools, "writes": tools.writes},
                **self._loaded.provenance,
                **self._analysis.to_json(),
            },
        )

    def _report(
        self,
        sample: Sample,
        candidates: tuple[Task, ...],
        tasks: tuple[Task, ...],
        replay: ReplayReport,
    ) -> JsonObject:
        return {
            "gates": [replay.to_json()],
            "profiles": self._analysis.profiles_json(),
            "sampling": {
                "asked_for": self._options.tasks,
                "tasks": len(tasks),
                "plans_checked": sample.drawn,
                "refused": dict[str, Json](sample.refused),
                "alternatives_proposed": _alternatives(candidates),
                "alternatives_kept": _alternatives(tasks),
            },
            "calls": {
                "execution": _proposed_calls(candidates),
                "replay": replay.gold_calls * replay.runs,
                "per_task": round(
                    (_proposed_calls(candidates) + replay.gold_calls * replay.runs) / len(tasks), 2
                ),
            },
            **splits_json(tasks),
            "difficulty": {
                key: _counted(tasks, key) for key in ("topology", "shape", "hops", "sub_questions")
            },
        }


async def _executed(bundle: Bundle, log: Log) -> tuple[Task, ...]:
    """Return the tasks with the alternatives that hold; those of an earlier run as they are."""
    finished = [Task.from_json(line, what="a finished task") for line in log.lines]
    known = {task.id: task for task in finished}
    missing = [task for task in bundle.tasks if task.id not in known]

    def keep(task: Task) -> None:
        known[task.id] = task
        log.add(task.to_json())

    if missing:
        async with ProcessSandbox() as sandbox:
            await keep_true_alternatives(sandbox, bundle.program(), missing, on_task=keep)
    return tuple(known[task.id] for task in bundle.tasks)


def _alternatives(tasks: tuple[Task, ...]) -> int:
    return sum(len(question.alternatives) for task in tasks for question in task.sub_questions)


def _proposed_calls(tasks: tuple[Task, ...]) -> int:
    """Return how many calls it takes to execute all alternatives proposed."""
    return sum(
        math.prod(len(choices_of(value)) for value in other.arguments.values())
        for task in tasks
        for question in task.sub_questions
        for other in question.alternatives
    )


def _counted(tasks: tuple[Task, ...], key: str) -> JsonObject:
    counts = Counter(str(task.difficulty[key]) for task in tasks)
    return {value: counts[value] for value in sorted(counts)}


def _unwatched(doing: str, done: int, total: int) -> None:
    del doing, done, total
