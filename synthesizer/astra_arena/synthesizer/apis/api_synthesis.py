"""A document of an API becomes an environment; a language model is asked only for what is left.

Read the document, find resources and what operations do to them, make rows up, write tools, draw
tasks, execute what they change, and run the release gates on what lies on disk.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from astra_arena.client.authors.model_options import ModelOptions, open_author
from astra_arena.core.canonical import Json, JsonObject, pretty_text
from astra_arena.core.errors import SynthesisError
from astra_arena.core.tasks import Task
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle, require_place
from astra_arena.servers.emission.emit import emit_server
from astra_arena.synthesizer.apis.api_environment import (
    ApiEnvironment,
    build_environment,
    version,
)
from astra_arena.synthesizer.apis.api_options import ApiOptions
from astra_arena.synthesizer.apis.api_tasks import (
    PlanSample,
    TaskDrawer,
    completed,
    task_of,
    with_spare,
)
from astra_arena.synthesizer.apis.authored_operations import OperationAuthor, blamed
from astra_arena.synthesizer.apis.document import read_document
from astra_arena.synthesizer.changes.final_states import settle_states
from astra_arena.synthesizer.gates.alternative_solutions import missing_alternatives
from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.gate import Gate
from astra_arena.synthesizer.gates.registry import chosen_gates
from astra_arena.synthesizer.gates.release import default_rejects, read_report, release
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.gates.task_means import settled
from astra_arena.synthesizer.stage_timer import StageTimer
from astra_arena.synthesizer.tasks.gold_runs import keep_true_alternatives
from astra_arena.synthesizer.watching import Watcher, unwatched

REPORT_ENDING = ".synthesis.json"


@dataclass(frozen=True, slots=True)
class ApiSynthesis:
    """What was made."""

    bundle: Bundle
    coverage: JsonObject
    """Which operations became tools, and why others did not."""
    report: JsonObject
    """The content of `report.json`, without the digests."""
    path: Path
    """Where coverage and figures of the synthesis lie, beside the bundle."""
    notices: tuple[str, ...]
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    """Where the time went, by stage; in no artefact."""


def synthesize_api(
    source: Path,
    out: Path,
    options: ApiOptions | None = None,
    *,
    model: ModelOptions | None = None,
    watcher: Watcher | None = None,
) -> ApiSynthesis:
    """Make the bundle `out` from an OpenAPI document or a pulled tool list.

    Equal documents, options, replies and versions give equal bytes.

    Args:
        source: The document.
        out: The folder.
        options: What the user chose.
        model: Which model writes operations that no rule covers; none for `None`.
        watcher: Told how far it is.

    Raises:
        SourceError: if the document cannot be read or is none of an API.
        SettingsError: if an option cannot be used.
        SynthesisError: if no operation can become a tool, or no task can be made.
        GateError: if the environment is rejected.
        BundleError: if `out` holds something that is no bundle, or cannot be written.
        AuthorError: if the model cannot be asked, or nothing more may be spent.
    """
    chosen = options or ApiOptions()
    chosen.check()
    gates = chosen_gates(chosen.gates)
    require_place(out)
    watch = watcher or unwatched
    timer = StageTimer()
    watch("read the document", 0, 0)
    document = read_document(source)
    with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
        with timer.stage("tables"):
            environment = build_environment(document, chosen, Path(folder))
        if model is not None:
            with timer.stage("model"):
                watch("write operations with the model", 0, 0)
                environment = asyncio.run(_authored(environment, model, Path(folder)))
        path = out.with_name(f"{out.name}{REPORT_ENDING}")
        _write(path, {"coverage": environment.coverage()})
        maker = _Maker(Path(folder) / "bundle", gates, timer, watch)
        environment, card, report = maker.sound(environment)

        card, bundle = _released(maker.draft, card, out, chosen.tasks)
    _write(path, {"coverage": environment.coverage(), "synthesis": report})
    notices = [*environment.made.notices, *_notices(environment, bundle, card, out, path)]
    return ApiSynthesis(
        bundle,
        environment.coverage(),
        read_report(bundle.path),
        path,
        tuple(notices),
        timer.seconds,
    )


def _released(draft: Path, card: ReportCard, out: Path, most: int) -> tuple[ReportCard, Bundle]:
    """Release so many tasks at most, of those that passed."""

    def wanted(so_far: ReportCard) -> list[str]:
        return list(so_far.passed_tasks)[:most]

    card = settled(card, wanted)
    bundle = release(draft, card, out, only=wanted(card))
    assert isinstance(bundle, Bundle), "what was examined is a bundle"
    return card, bundle


async def _authored(
    environment: ApiEnvironment, model: ModelOptions, folder: Path
) -> ApiEnvironment:
    async with open_author(model) as author, ProcessSandbox() as sandbox:
        return await OperationAuthor(author, sandbox, environment, folder).write()


@dataclass(frozen=True, slots=True)
class _Maker:
    draft: Path
    gates: tuple[Gate, ...]
    timer: StageTimer
    watch: Watcher

    def sound(self, environment: ApiEnvironment) -> tuple[ApiEnvironment, ReportCard, JsonObject]:
        """Examine an environment; what a model wrote must not cost what the rules gave."""
        made, card, report = self.examined(environment)
        bad = blamed(card, made)
        return self.examined(made.without_authored(bad)) if bad else (made, card, report)

    def examined(
        self, environment: ApiEnvironment
    ) -> tuple[ApiEnvironment, ReportCard, JsonObject]:
        """Make the tasks of an environment and run the gates on it."""
        with self.timer.stage("tasks"):
            tasks, sample, unsettled = _tasks(environment, self.draft, self.watch)
        report = _report(environment, tasks, sample, unsettled)
        environment.write(self.draft, tasks, report)
        emit_server(self.draft)
        with self.timer.stage("gates"):
            seed = environment.options.seed
            card = examine(self.draft, gates=self.gates, seed=seed, watcher=self.watch)
        return environment, card, report


def _tasks(
    environment: ApiEnvironment, draft: Path, watch: Watcher
) -> tuple[tuple[Task, ...], PlanSample, Counter[str]]:
    """Draw tasks and let execution decide on their other ways and on what they leave.

    Raises:
        SynthesisError: if there is none.
    """
    options = environment.options
    count = with_spare(options.tasks)
    drawer = TaskDrawer(environment.actions, environment.reference, options.seed)
    sample = drawer.draw(count, options.changes, lambda done: watch("draw tasks", done, count))
    if not sample.plans:
        told = ", ".join(f"{why} ({n})" for why, n in sample.refused.most_common(3))
        raise SynthesisError(
            f"no task can be made of the {len(environment.actions)} operations that became tools: "
            f"expected lists or reads that find rows; every draw was refused: {told}"
        )
    plans = [replace(p, steps=completed(p.steps, environment.actions)) for p in sample.plans]
    tasks = tuple(
        task_of(number, plan, environment.name, version(), options.seed)
        for number, plan in enumerate(plans, start=1)
    )
    watch("execute other ways to ask", 0, 0)
    return asyncio.run(_proved(environment, draft, tasks, sample))


async def _proved(
    environment: ApiEnvironment, draft: Path, tasks: tuple[Task, ...], sample: PlanSample
) -> tuple[tuple[Task, ...], PlanSample, Counter[str]]:
    bundle = environment.write(draft, tasks)
    unsettled: Counter[str] = Counter()
    reading = [one for one in bundle.tasks if one.id.startswith("t")]
    writing = [one for one in bundle.tasks if one.id.startswith("w")]
    async with ProcessSandbox() as sandbox:
        kept = await keep_true_alternatives(sandbox, bundle.program(), reading)
        reads = await missing_alternatives(bundle, sandbox, kept, seed=environment.options.seed)
        done = await settle_states(sandbox, bundle.program(), writing, environment=environment.name)
    for one in done:
        if one.task is None:
            unsettled[one.problem] += 1
    found = {one.id: one for one in (*reads, *(s.task for s in done if s.task is not None))}
    return tuple(found[one.id] for one in tasks if one.id in found), sample, unsettled


def _report(
    environment: ApiEnvironment,
    tasks: Sequence[Task],
    sample: PlanSample,
    unsettled: Counter[str],
) -> JsonObject:
    return {
        "coverage": {
            key: value
            for key, value in environment.coverage().items()
            if key in ("operations", "covered", "share")
        },
        "tables": environment.tables(),
        "sampling": {
            "asked_for": environment.options.tasks,
            "tasks": len(tasks),
            "refused": dict[str, Json](sorted(sample.refused.items())),
        },
        "changes": {
            "tasks": sum(one.final_state is not None for one in tasks),
            "refused": dict[str, Json](sorted(unsettled.items())),
        },
        "difficulty": {
            key: _counted(tasks, key) for key in ("topology", "shape", "hops", "sub_questions")
        },
    }


def _counted(tasks: Sequence[Task], key: str) -> JsonObject:
    counts = Counter(str(one.difficulty[key]) for one in tasks)
    return {name: counts[name] for name in sorted(counts)}


def _notices(
    environment: ApiEnvironment, bundle: Bundle, card: ReportCard, out: Path, path: Path
) -> list[str]:
    found: list[str] = []
    if environment.uncovered:
        count = len(environment.uncovered)
        which = "1 operation is" if count == 1 else f"{count} operations are"
        found.append(f"{which} not covered: {path} says why")
    if environment.left_out:
        found.append(
            f"{len(environment.left_out)} operations are left out: --tools allows "
            f"{environment.options.tools}; --include chooses"
        )
    if len(bundle.tasks) < environment.options.tasks:
        found.append(
            f"{environment.options.tasks} tasks were asked for; the document gave "
            f"{len(bundle.tasks)}"
        )
    if card.rejected_tasks:
        count = len(card.rejected_tasks)
        which = "1 task was" if count == 1 else f"{count} tasks were"
        found.append(f"{which} rejected by the gates: {default_rejects(out)} says why")
    return found


def _write(path: Path, report: JsonObject) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pretty_text(report), encoding="utf-8", newline="\n")
    except OSError as error:
        raise SynthesisError(f"{path} cannot be written: {error.strerror}") from None
