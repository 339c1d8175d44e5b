"""Grounded synthesis: a database or tables become an environment, without a language model.

Load, profile, find keys and references, design and write tools, sample tasks, execute them, prove
variants, run the release gates on what lies on disk. Nothing is left behind when a step fails.
"""

import errno
import sqlite3
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SynthesisError
from astra_arena.servers.bundles.bundle import Bundle, require_place
from astra_arena.servers.emission.emit import emit_server
from astra_arena.synthesizer.checkpoints import Checkpoints, checkpoints
from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.registry import chosen_gates
from astra_arena.synthesizer.gates.release import default_rejects, read_report, release
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.gates.task_means import settled
from astra_arena.synthesizer.sources.source_kinds import Source, listed_sources, source_title
from astra_arena.synthesizer.sources.table_source import LoadedTables, load_tables, write_world
from astra_arena.synthesizer.stage_timer import StageTimer
from astra_arena.synthesizer.table_environment import WORLD_FILE, TableEnvironment
from astra_arena.synthesizer.table_options import (
    DEFAULT_TASKS,
    MOST_TASKS,
    TableOptions,
    environment_name,
)
from astra_arena.synthesizer.table_report import synthesis_report
from astra_arena.synthesizer.table_tasks import TaskMaker, TaskSet
from astra_arena.synthesizer.tables.descriptions import check_descriptions
from astra_arena.synthesizer.tables.preparation import WorldRules, prepare_tables
from astra_arena.synthesizer.tables.table_analysis import analyse
from astra_arena.synthesizer.tables.tool_choice import design_tools
from astra_arena.synthesizer.tables.tool_indexes import index_filters
from astra_arena.synthesizer.watching import Watcher, unwatched

__all__ = [
    "DEFAULT_TASKS",
    "MOST_TASKS",
    "Synthesis",
    "TableOptions",
    "Watcher",
    "environment_name",
    "prepared",
    "synthesize_tables",
]


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
    watch = watcher or unwatched
    sources = listed_sources(source)
    name = environment_name(chosen, sources[0])
    chosen.check()
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
        environment = TableEnvironment(name, titles, chosen, loaded, analysis, designs, world)
        with checkpoints(out, *environment.decides()) as finished:
            return _finished(environment, Path(folder) / "bundle", out, finished, watch)


def _finished(
    environment: TableEnvironment, draft: Path, out: Path, finished: Checkpoints, watch: Watcher
) -> Synthesis:
    """Make the tasks, run the gates on the bundle as it lies on disk, and release what passed."""
    timer = StageTimer()
    made = TaskMaker(environment, draft, finished, timer, watch).make()
    written = environment.write(draft, made.tasks, synthesis_report(environment, made))
    emit_server(written.path)
    with timer.stage("gates"):
        gates = chosen_gates(environment.options.gates)
        card = examine(draft, gates=gates, seed=environment.options.seed, watcher=watch)
    watch("write the bundle", 0, 0)

    def wanted(so_far: ReportCard) -> list[str]:
        return _wanted(made, so_far, environment.options.tasks)

    card = settled(card, wanted)
    bundle = release(draft, card, out, only=wanted(card))
    assert isinstance(bundle, Bundle), "what was examined is a bundle"
    notices = list(environment.notices)
    base = sum(task.variant == "base" for task in bundle.tasks)
    if base < environment.options.tasks:
        notices.append(f"{environment.options.tasks} tasks were asked for; the data gave {base}")
    if card.rejected_tasks:
        count = len(card.rejected_tasks)
        which = "1 task was" if count == 1 else f"{count} tasks were"
        notices.append(f"{which} rejected by the gates: {default_rejects(out)} says why")
    return Synthesis(bundle, tuple(notices), read_report(bundle.path), timer.seconds)


def _wanted(made: TaskSet, card: ReportCard, count: int) -> list[str]:
    """Return so many of the base tasks that passed, in their shares, and all variants."""
    passed = set(card.passed_tasks)
    base = [task for task in made.tasks if task.id in passed and task.variant == "base"]
    writing = [task.id for task in base if task.final_state is not None]
    reading = [task.id for task in base if task.final_state is None]
    over = max(0, len(base) - count)
    fewer = min(len(writing), round(over * len(writing) / max(1, len(base))))
    kept = {*reading[: len(reading) - (over - fewer)], *writing[: len(writing) - fewer]}
    return [task.id for task in made.tasks if task.id in kept or task.variant != "base"]


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
