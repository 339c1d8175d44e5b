"""The stages one after the other: each reads what passed the one before, from its file.

A run that ended in the middle goes on; a stage that is asked for alone takes what is there.
"""

import fcntl
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from astra_arena.client.authors.chat_author import ChatAuthor
from astra_arena.core.canonical import Json, JsonObject, pretty_text
from astra_arena.core.errors import BundleError, SourceError, SpecError, SynthesisError
from astra_arena.core.model import Model
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.synthesizer.qa.authored.authoring_options import (
    STAGES,
    AuthoringOptions,
    StageName,
)
from astra_arena.synthesizer.qa.authored.calibration import (
    CALIBRATE,
    Calibrating,
    Calibration,
    Noticed,
    calibration_cases,
)
from astra_arena.synthesizer.qa.authored.decompose import Decomposing
from astra_arena.synthesizer.qa.authored.judging import Judged, Judging
from astra_arena.synthesizer.qa.authored.necessity import Necessity
from astra_arena.synthesizer.qa.authored.seeds import Input, read_inputs
from astra_arena.synthesizer.qa.authored.stage_log import StageLine, StageLog, read_stage
from astra_arena.synthesizer.qa.authored.stages import Item, Stage, StageCounts, run_stage
from astra_arena.synthesizer.qa.authored.verify import Verifying, score_at
from astra_arena.synthesizer.qa.environments.environment_release import EnvironmentRelease
from astra_arena.synthesizer.qa.environments.question_environment import group_key
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.worlds.emit import EMIT, EmittedWorld, Emitting
from astra_arena.synthesizer.qa.worlds.grown import MergedWorld
from astra_arena.synthesizer.qa.worlds.merge import MERGE, Merging
from astra_arena.synthesizer.qa.worlds.synthesize import SYNTHESIZE, Synthesizing
from astra_arena.synthesizer.qa.worlds.world_drafts import world_drafts
from astra_arena.synthesizer.qa.worlds.world_names import WorldNames
from astra_arena.synthesizer.watching import Watcher, unwatched

FOLDER = "stages"
REPORT = "stages.json"

_ItemT = TypeVar("_ItemT", bound=Item)
_ResultT = TypeVar("_ResultT", bound=Model)
_ReadT = TypeVar("_ReadT", bound=Model)


def needs_model(item: Input) -> bool:
    """Tell whether an input goes through the stages: nothing can be made of it without a model."""
    if not isinstance(item, QAInstance):
        return True
    try:
        group_key(item)
    except SpecError:
        return True
    return False


@contextmanager
def open_pipeline(
    source: Path,
    out: Path,
    author: ChatAuthor,
    options: AuthoringOptions | None = None,
    *,
    watcher: Watcher | None = None,
) -> "Generator[Pipeline]":
    """Open the stages over an input; nobody else may work in the same folder meanwhile.

    Args:
        source: Instances, pairs or seeds.
        out: The folder in which the folder `stages` lies.
        author: Is asked.
        options: What the user chose.
        watcher: Told how far each stage is.

    Raises:
        SynthesisError: if the folder cannot be used, or another run is at work in it.
    """
    folder = out / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise SynthesisError(f"{folder} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SynthesisError(f"another run is at work in {folder}; wait for it") from None
        yield Pipeline(source, out, author, options or AuthoringOptions(), watcher)


class Pipeline:
    """The stages of one input; `open_pipeline` gives it."""

    def __init__(
        self,
        source: Path,
        out: Path,
        author: ChatAuthor,
        options: AuthoringOptions,
        watcher: Watcher | None,
    ) -> None:
        self._source = source
        self._out = out
        self.author = author
        self.options = options
        self._watcher = watcher
        self.counts: dict[str, StageCounts] = {}
        """By stage, of those that ran."""

    async def run(self, only: StageName | None = None) -> JsonObject:
        """Run all stages, or one, and return what the report says.

        Raises:
            AuthorError: if the model cannot be asked, or nothing more may be spent.
            SourceError: if the input, or what an earlier stage should have left, is not there.
        """
        stages = {
            "decompose": self._decompose,
            "necessity": self._necessity,
            "judge": self._judge,
            "verify": self._verify,
            SYNTHESIZE: self._synthesize,
            MERGE: self._merge,
            EMIT: self._emit,
            CALIBRATE: self._calibrate,
        }
        for name in STAGES if only is None else (only,):
            await stages[name]()
        report = self._report()
        (self._out / REPORT).write_text(pretty_text(report), encoding="utf-8", newline="\n")
        return report

    def path(self, stage: str) -> Path:
        """Return the file of a stage."""
        return self._out / FOLDER / f"{stage}.jsonl"

    def passed(self, stage: str, model: type[_ReadT]) -> Iterator[_ReadT]:
        """Give what passed a stage, one at a time.

        Raises:
            SourceError: if the stage did not run.
        """
        path = self.path(stage)
        for line in read_stage(path):
            if line.result is not None:
                yield model.from_json(line.result, what=f"{line.item} in {path}")

    async def _decompose(self) -> None:
        items = (
            item for item in read_inputs(self._source, self.options.licence) if needs_model(item)
        )
        await self.ran(Decomposing(self.author, self.options.hops).stage, items)

    async def _necessity(self) -> None:
        await self.ran(Necessity(self.author).stage, self.passed("decompose", QAInstance))

    async def _judge(self) -> None:
        stage = Judging(self.author, self.options.votes).stage
        await self.ran(stage, self.passed("necessity", QAInstance))

    async def _verify(self) -> None:
        thresholds = self.options.thresholds
        scores = (judged.score for judged in self.passed("judge", Judged))
        verifying = Verifying(thresholds, score_at(thresholds.percentile, scores))
        await self.ran(verifying.stage, self.passed("judge", Judged))

    async def _synthesize(self) -> None:
        options = self.options.worlds
        names = WorldNames(self.passed("verify", QAInstance), options.per_world)
        async with self._bench() as (sandbox, folder):
            synthesizing = Synthesizing(self.author, sandbox, names, folder, options)
            await self.ran(synthesizing.stage, self.passed("verify", QAInstance))

    async def _merge(self) -> None:
        drafts = world_drafts(self.path(SYNTHESIZE))
        async with self._bench() as (sandbox, folder):
            merging = Merging(self.author, sandbox, folder, self.options.worlds.extras)
            await self.ran(merging.stage, drafts)

    async def _emit(self) -> None:
        options, out = self.options, self._out
        log = self.path(EMIT)
        if log.exists() and not all(_is_whole(out / one.id) for one in self._emitted()):
            # What is not there any more, or damaged, is made again.
            log.unlink()
        authored = {line.item: line.provenance for line in read_stage(self.path(SYNTHESIZE))}
        with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
            place, watch = Path(folder), self._watcher or unwatched
            release = EnvironmentRelease(
                out, place, options.seed, options.gates, watch, options.variants
            )
            emitting = Emitting(out, place, release, authored)
            await self.ran(emitting.stage, self.passed(MERGE, MergedWorld))
        self._settle()

    def _emitted(self) -> Iterator[EmittedWorld]:
        return self.passed(EMIT, EmittedWorld)

    def bundles(self) -> Iterator[Bundle]:
        """Give the environments that were released.

        Raises:
            BundleError: if one is not there any more, or damaged.
        """
        for one in self._emitted():
            yield load_bundle(self._out / one.id)

    @asynccontextmanager
    async def _bench(self) -> AsyncGenerator[tuple[ProcessSandbox, Path]]:
        """Give what tools are tried in."""
        with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
            async with ProcessSandbox() as sandbox:
                yield sandbox, Path(folder)

    async def _calibrate(self) -> None:
        """Make defects in what has passed so far, and see who notices them."""
        cases = calibration_cases(self.passed("necessity", QAInstance), self.options.seed)
        await self.ran(Calibrating(self.author, self.options.votes).stage, cases)

    async def ran(self, stage: Stage[_ItemT, _ResultT], items: Iterable[_ItemT]) -> None:
        """Run a stage and keep what came of it.

        Args:
            stage: The stage.
            items: What goes in.
        """
        with StageLog(self.path(stage.name)) as log:
            self.counts[stage.name] = await run_stage(
                stage,
                items,
                log,
                at_once=self.options.at_once,
                on_line=self._teller(stage.name),
            )
        if not self.counts[stage.name].total and stage.name == STAGES[0]:
            raise SourceError(f"{self._source} holds nothing that needs a model")

    def _teller(self, stage: str) -> Callable[[StageLine, bool], None]:
        done = 0

        def tell(line: StageLine, is_new: bool) -> None:
            nonlocal done
            done += 1
            if is_new and line.outcome == "rejected" and stage not in (MERGE, EMIT):
                self.author.ledger.settle(line.item, accepted=False)
            if self._watcher is not None:
                self._watcher(stage, done, 0)

        return tell

    def _settle(self) -> None:
        """Say in the ledger what came of each instance, now that it is known."""
        settle = self.author.ledger.settle
        released = {one.id: set(one.released) for one in self.passed(EMIT, EmittedWorld)}
        for world in world_drafts(self.path(SYNTHESIZE)):
            there = released.get(world.id, set[str]())
            settle(world.id, accepted=bool(there), shared=True)
            for member in world.members:
                settle(member.id, accepted=member.id in there)

    def _report(self) -> JsonObject:
        """Say what came of each stage that ran, now or in an earlier run."""
        options = self.options
        return {
            "model": self.author.model,
            "votes": options.votes,
            "least_score": options.thresholds.least_score,
            "percentile": options.thresholds.percentile,
            "stages": {
                name: self._counted(name).to_json() for name in STAGES if self.path(name).exists()
            },
            "calibration": self._calibration(),
            "environments": self._environments(),
            "left_out": self._left_out(),
        }

    def _left_out(self) -> JsonObject:
        """Return why instances are not in the environment of their world."""
        told: JsonObject = {}
        if self.path(MERGE).exists():
            for world in self.passed(MERGE, MergedWorld):
                told |= {one.id: "; ".join(one.problems) for one in world.dropped}
        if self.path(EMIT).exists():
            for world in self._emitted():
                told |= world.refused
        return told

    def _environments(self) -> list[Json]:
        """Return the figures of what was released, now or in an earlier run."""
        if not self.path(EMIT).exists():
            return []
        return [one.figures for one in self.passed(EMIT, EmittedWorld)]

    def _counted(self, stage: str) -> StageCounts:
        if stage not in self.counts:
            self.counts[stage] = StageCounts()
            for line in read_stage(self.path(stage)):
                self.counts[stage].note(line)
        return self.counts[stage]

    def _calibration(self) -> JsonObject | None:
        """Return the figures of the calibration, where one was made."""
        if not self.path(CALIBRATE).exists():
            return None
        calibration = Calibration()
        for case in self.passed(CALIBRATE, Noticed):
            calibration.note(case)
        return calibration.to_json()


def _is_whole(path: Path) -> bool:
    try:
        load_bundle(path)
    except BundleError:
        return False
    return True
