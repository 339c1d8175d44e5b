"""From bundles to a suite: tasks that need several of them, and tools that distract, all proved."""

import asyncio
import math
import platform
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError, SpecError
from astra_arena.core.tasks import Task
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.servers.bundles.suite import SUITE_FOLDER, Suite, join_bundles, write_suite
from astra_arena.synthesizer.checkpoints import Checkpoints, checkpoints
from astra_arena.synthesizer.gates.joint_gates import JointLeaks, SuiteExam
from astra_arena.synthesizer.suites.joined_worlds import JoinedWorlds, Member, join_worlds
from astra_arena.synthesizer.suites.joint_proof import JointProof, play_joint, require_most
from astra_arena.synthesizer.suites.joint_tasks import CHANGES_SHARE, JointTaskMaker, JointTasks
from astra_arena.synthesizer.suites.suite_distractors import Distracted, distractor_tasks
from astra_arena.synthesizer.suites.table_members import table_member
from astra_arena.synthesizer.watching import Watcher, unwatched

DEFAULT_TASKS = 60
DEFAULT_DISTRACTORS = 20
MOST_TASKS = 10_000
FEWEST_MEMBERS = 2
SPARE_SHARE = 1.35
"""Tasks drawn for one that is asked for: in some, a first page shows a value to be found out."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What a user may choose."""

    tasks: int = DEFAULT_TASKS
    """Tasks that need several environments."""
    distractors: int = DEFAULT_DISTRACTORS
    """Tasks of one environment with tools of the others beside."""
    seed: int = 0
    name: str | None = None
    """The members' names with hyphens when absent."""
    title: str | None = None


@dataclass(frozen=True, slots=True)
class SuiteSynthesis:
    """What was made."""

    suite: Suite
    notices: tuple[str, ...]
    """What was left out, or is less than asked for."""
    report: JsonObject
    """The content of `report.json`, without the digests."""


def synthesize_suite(
    bundles: Sequence[Path],
    out: Path,
    options: SuiteOptions | None = None,
    *,
    watcher: Watcher | None = None,
) -> SuiteSynthesis:
    """Make the suite `out` from bundles that were made from tables and name the same things.

    Without joint tasks any bundles will do: then each one's tasks get tools of the others beside.

    Equal bundles, options and versions give equal bytes.

    Raises:
        BundleError: if a bundle cannot be read, or `out` cannot be written.
        SettingsError: if an option cannot be used, or bundles have one name.
        SynthesisError: if the bundles have nothing in common, or allow no task.
        GateError: if tasks do not hold when they are played.
    """
    chosen = options or SuiteOptions()
    watch = watcher or unwatched
    _check(bundles, chosen)
    loaded = [load_bundle(path) for path in bundles]
    name = _name(chosen, loaded)
    SUITE_FOLDER.require_place(out)
    watch("read the environments", 0, 0)
    members = [table_member(bundle) for bundle in loaded] if chosen.tasks else []
    decides: list[Json] = [
        *(bundle.digests.to_json() for bundle in loaded),
        *(name, repr(chosen), metadata.version("astra-arena")),
        *(sqlite3.sqlite_version, platform.python_version()),
    ]
    with (
        tempfile.TemporaryDirectory(prefix="astra-arena-") as folder,
        _joined(members, Path(folder) / "joined.sqlite") as joined,
        checkpoints(out, *decides) as finished,
    ):
        draft = _Draft(name, chosen, loaded, joined, watch, finished)
        return asyncio.run(draft.finish(out))


def _check(bundles: Sequence[Path], options: SuiteOptions) -> None:
    if len(bundles) < FEWEST_MEMBERS:
        raise SettingsError(
            f"a suite joins {FEWEST_MEMBERS} bundles or more; got {len(bundles)}: name another "
            "one, made with `arena synth table`"
        )
    if not 0 <= options.tasks <= MOST_TASKS:
        raise SettingsError(f"--tasks is 0 to {MOST_TASKS}; got {options.tasks}")
    if not options.tasks and not options.distractors:
        raise SettingsError("expected tasks: --tasks or --distractors above 0")
    if not 0 <= options.distractors <= MOST_TASKS:
        raise SettingsError(f"--distractors is 0 to {MOST_TASKS}; got {options.distractors}")


def _joined(members: Sequence[Member], path: Path) -> AbstractContextManager[JoinedWorlds | None]:
    return join_worlds(members, path) if members else nullcontext()


def _name(options: SuiteOptions, bundles: Sequence[Bundle]) -> str:
    counts = Counter(bundle.name for bundle in bundles)
    doubled = [name for name, count in counts.items() if count > 1]
    if doubled:
        raise SettingsError(
            f"the environments of a suite have different names; {doubled[0]!r} comes twice: make "
            "one of the bundles again with another --name"
        )
    name = options.name or "-".join(bundle.name for bundle in bundles)[:63].rstrip("-")
    try:
        join_bundles(name, name, bundles, (), path=Path(name))
    except SpecError as error:
        raise SettingsError(f"--name {name!r} cannot be the suite's: {error.message}") from None
    return name


class _Draft:
    """A suite on its way."""

    def __init__(
        self,
        name: str,
        options: SuiteOptions,
        bundles: Sequence[Bundle],
        joined: JoinedWorlds | None,
        watch: Watcher,
        finished: Checkpoints,
    ) -> None:
        self._name = name
        self._options = options
        self._bundles = list(bundles)
        self._joined = joined
        self._watch = watch
        self._finished = finished

    @property
    def _title(self) -> str:
        titles = (bundle.environment.title for bundle in self._bundles)
        return self._options.title or " + ".join(titles)

    async def finish(self, out: Path) -> SuiteSynthesis:
        """Draw, execute, play; then write what held."""
        async with ProcessSandbox() as sandbox:
            joint = await self._joint(sandbox)
            distracted = await self._distracted(sandbox)
            drawn = self._suite(out, (*joint.tasks, *distracted.tasks))
            leaks = await self._leaks(drawn, sandbox)
        chosen = self._suite(out, self._enough(drawn, leaks))
        proof = await self._proved(chosen)
        tasks = proof.held(chosen.tasks)
        report: JsonObject = {
            "gates": [proof.to_json()],
            "left_out_as_leaking": list[Json](sorted(leaks)),
            **self._report(joint, distracted, tasks),
        }
        self._watch("write the suite", 0, 0)
        suite = write_suite(
            out,
            name=self._name,
            title=self._title,
            members=self._bundles,
            tasks=tasks,
            report=report,
        )
        return SuiteSynthesis(suite, self._notices(tasks), report)

    async def _joint(self, sandbox: ProcessSandbox) -> JointTasks:
        if self._joined is None:
            return JointTasks((), {})
        count = _with_spares(self._options.tasks)
        self._watch("draw joint tasks", 0, count)
        maker = JointTaskMaker(
            self._joined,
            seed=self._options.seed,
            watch=lambda done: self._watch("draw joint tasks", done, count),
            finished=self._finished,
        )
        return await maker.make(sandbox, count)

    async def _distracted(self, sandbox: ProcessSandbox) -> Distracted:
        count = _with_spares(self._options.distractors)
        return await distractor_tasks(
            self._bundles,
            sandbox,
            count=count,
            seed=self._options.seed,
            watch=lambda done: self._watch("draw distractors", done, count),
        )

    def _suite(self, out: Path, tasks: tuple[Task, ...]) -> Suite:
        return join_bundles(self._name, self._title, self._bundles, tasks, path=out)

    async def _leaks(self, suite: Suite, sandbox: ProcessSandbox) -> frozenset[str]:
        """Return the tasks whose gold can be read somewhere without work."""
        self._watch("look for gold that can be read", 0, 0)
        exam = SuiteExam(suite, sandbox, self._options.seed)
        return (await JointLeaks().check(exam)).rejected_tasks

    def _enough(self, suite: Suite, leaks: frozenset[str]) -> tuple[Task, ...]:
        """Return as many of the tasks without a leak as were asked for."""
        sound = [task for task in suite.tasks if task.id not in leaks]
        joint = [task for task in sound if task.variant == "base"]
        wanted = self._options.tasks
        changes = [t for t in joint if t.final_state is not None][: round(CHANGES_SHARE * wanted)]
        reads = [task for task in joint if task.final_state is None][: wanted - len(changes)]
        others = [task for task in sound if task.variant != "base"][: self._options.distractors]
        return (*reads, *changes, *others)

    async def _proved(self, suite: Suite) -> JointProof:
        proof = await play_joint(
            suite, watch=lambda done, total: self._watch("play the gold", done, total)
        )
        require_most(suite, proof)
        return proof

    def _notices(self, tasks: tuple[Task, ...]) -> tuple[str, ...]:
        notices = [] if self._joined is None else list(self._joined.notices)
        distracting = sum(task.variant == "distractors" for task in tasks)
        for what, asked, came in (
            ("joint tasks", self._options.tasks, len(tasks) - distracting),
            ("distractor tasks", self._options.distractors, distracting),
        ):
            if came < asked:
                notices.append(f"{asked} {what} were asked for; the data gave {came}")
        return tuple(notices)

    def _report(
        self, joint: JointTasks, distracted: Distracted, tasks: tuple[Task, ...]
    ) -> JsonObject:
        kept = [task for task in tasks if task.variant == "base"]
        return {
            "members": [
                {"name": bundle.name, "digests": bundle.digests.to_json()}
                for bundle in self._bundles
            ],
            "links": [link.to_json() for link in (self._joined.links if self._joined else ())],
            "notices": list[Json](self._notices(tasks)),
            "sampling": {
                "asked_for": self._options.tasks,
                "tasks": len(kept),
                "changing": sum(task.final_state is not None for task in kept),
                **joint.figures,
            },
            "distractors": distracted.kept(tasks).to_json(),
            "difficulty": {
                key: _counted(kept, key) for key in ("topology", "shape", "hops", "sub_questions")
            },
        }


def _with_spares(count: int) -> int:
    return math.ceil(SPARE_SHARE * count)


def _counted(tasks: Sequence[Task], key: str) -> JsonObject:
    counts = Counter(str(task.difficulty[key]) for task in tasks)
    return {value: counts[value] for value in sorted(counts)}
