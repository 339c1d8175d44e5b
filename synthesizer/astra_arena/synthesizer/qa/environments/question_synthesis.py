"""Questions that bring a program become environments, without a language model.

One environment for each field and kind of question, over a world that all of its questions share.
Every instance that becomes no task is told with its reason; what the gates do not let through is
not released.
"""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject, line_text, pretty_text
from astra_arena.core.errors import GateError, SourceError, SpecError, SynthesisError
from astra_arena.servers.bundles.bundle import Bundle, load_bundle, require_place
from astra_arena.synthesizer.checkpoints import Checkpoints, checkpoints
from astra_arena.synthesizer.gates.registry import chosen_gates
from astra_arena.synthesizer.qa.environments.environment_release import (
    EnvironmentDraft,
    EnvironmentRelease,
)
from astra_arena.synthesizer.qa.environments.question_environment import (
    Group,
    GroupKey,
    group_key,
    manifest,
)
from astra_arena.synthesizer.qa.environments.question_tasks import (
    planned,
    tasks_of,
    with_spare,
)
from astra_arena.synthesizer.qa.importing import read_instances
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.records import digest_of_file
from astra_arena.synthesizer.variants.variant_maker import VariantName
from astra_arena.synthesizer.watching import Watcher, unwatched

DEFAULT_TASKS = 60
_MOST_TEXTS = 400
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?")
REPORT = "synthesis.json"
REJECTS = "rejects.jsonl"


@dataclass(frozen=True, slots=True)
class QuestionOptions:
    """What a user may choose."""

    tasks: int = DEFAULT_TASKS
    """For each environment."""
    seed: int = 0
    gates: tuple[str, ...] = ()
    """The release gates to run, by name; all of them for none."""
    variants: Mapping[VariantName, float] = field(default_factory=dict["VariantName", float])
    """How many of each kind are made, to one task."""


@dataclass(frozen=True, slots=True)
class QuestionSynthesis:
    """What came of a file of questions."""

    bundles: tuple[Bundle, ...]
    report: JsonObject
    rejects: Path
    """Every instance that became no task, and why."""
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Work:
    """The environments in the making."""

    groups: dict[GroupKey, Group] = field(default_factory=dict[GroupKey, Group])
    rejects: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Instance id and reason, by place in the source."""
    instances: int = 0


def synthesize_questions(
    source: Path,
    out: Path,
    options: QuestionOptions | None = None,
    *,
    watcher: Watcher | None = None,
) -> QuestionSynthesis:
    """Make environments in the folder `out` from instances that an import wrote.

    Equal sources, options and versions give equal bytes.

    Raises:
        SourceError: if the source cannot be read or holds no instance.
        SynthesisError: if no instance can become a task, or `out` cannot be used.
        GateError: if every environment is rejected.
        BundleError: if a bundle cannot be written.
    """
    chosen = options or QuestionOptions()
    watch = watcher or unwatched
    digest = digest_of_file(source)
    _require_folder(out)
    chosen_gates(chosen.gates)
    with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
        work = _gathered(source, Path(folder), chosen, watch)
        if not any(group.candidates.places for group in work.groups.values()):
            _write_rejects(work, out)
            raise SynthesisError(
                f"none of the {work.instances} instances can become a task without a model; "
                f"{out / REJECTS} says why"
            )
        decides: list[Json] = [digest, repr(chosen), Group.version()]
        with checkpoints(out / "work", *decides) as finished:
            return _Maker(source, out, Path(folder), chosen, watch, finished).make(work)


def _require_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SynthesisError(f"{out} cannot be used: {error.strerror}") from None
    foreign = [
        one.name
        for one in out.iterdir()
        if not (one.name.startswith(".") or one.is_dir() or one.name.endswith((".jsonl", ".json")))
    ]
    if foreign:
        raise SynthesisError(
            f"{out} holds {foreign[0]!r}, which is none of ours; name another folder"
        )


def _gathered(source: Path, folder: Path, options: QuestionOptions, watch: Watcher) -> _Work:
    """Read all instances into their worlds, and find out which can become tasks."""
    work = _Work()
    for place, instance in _placed(source):
        work.instances += 1
        try:
            key = group_key(instance)
            if key not in work.groups:
                work.groups[key] = Group.opened(key, folder, options.seed)
            work.groups[key].add(instance)
        except SpecError as error:
            work.rejects[place] = (instance.id, error.message)
        watch("read instances", place + 1, 0)
    if not work.instances:
        raise SourceError(f"{source} holds no instance")
    for place, instance in _placed(source):
        watch("plan tasks", place + 1, work.instances)
        if place in work.rejects:
            continue
        group = work.groups[group_key(instance)]
        try:
            _, structure = planned(group.world, instance, group.name, options.seed)
        except SpecError as error:
            work.rejects[place] = (instance.id, error.message)
        else:
            group.candidates.note(place, structure.topology)
    for group in work.groups.values():
        group.close()
    return work


def _placed(source: Path) -> Iterator[tuple[int, QAInstance]]:
    return enumerate(read_instances(source))


@dataclass(frozen=True, slots=True)
class _Maker:
    source: Path
    out: Path
    folder: Path
    options: QuestionOptions
    watch: Watcher
    finished: Checkpoints

    def make(self, work: _Work) -> QuestionSynthesis:
        for group in work.groups.values():
            # Found out before any work is done.
            require_place(self.out / group.name)
        log = self.finished.log("bundles")
        done = {str(line["name"]): line for line in log.lines if isinstance(line, dict)}
        told: list[JsonObject] = []
        notices: list[str] = []
        for key in sorted(work.groups):
            group = work.groups[key]
            if not group.candidates.places:
                continue
            line = done.get(group.name)
            if line is None or not (self.out / group.name).is_dir():
                line = self._made(group)
                log.add(line)
            told.append(line)
            problem = line.get("problem")
            if problem:
                notices.append(f"{group.name}: {problem}")
        _write_rejects(work, self.out)
        released = [line for line in told if not line.get("problem")]
        if not released:
            raise GateError("no environment passed the gates: " + "; ".join(notices))
        report = self._report(work, told)
        (self.out / REPORT).write_text(pretty_text(report), encoding="utf-8", newline="\n")
        bundles = tuple(load_bundle(self.out / str(line["name"])) for line in released)
        return QuestionSynthesis(bundles, report, self.out / REJECTS, tuple(notices))

    def _made(self, group: Group) -> JsonObject:
        """Make one environment; return what came of it."""
        chosen = group.candidates.drawn(with_spare(self.options.tasks))
        placed = _placed(self.source)
        seed = self.options.seed
        draft = EnvironmentDraft(
            manifest(group, self.source, seed),
            group.world.tools_py,
            group.path,
            tuple(tasks_of(group.world, placed, chosen, group.name, seed)),
            self._texts(group.key) if self.options.variants else {},
        )
        options = self.options
        making = EnvironmentRelease(
            self.out, self.folder, seed, options.gates, self.watch, options.variants
        )
        candidates = dict[str, Json](group.candidates.counts)
        made = asyncio.run(making.make(draft, most_tasks=self.options.tasks))
        return {"candidates": candidates, **made}

    def _texts(self, key: GroupKey) -> dict[str, str]:
        """Return what some instances of an environment are about."""
        texts: dict[str, str] = {}
        for _, one in _placed(self.source):
            with suppress(SpecError):
                if group_key(one) == key:
                    texts[one.id] = one.text
            if len(texts) >= _MOST_TEXTS:
                break
        return texts

    def _report(self, work: _Work, told: list[JsonObject]) -> JsonObject:
        # One reason with other figures is one reason.
        reasons = Counter(_FIGURE.sub("N", reason) for _, reason in work.rejects.values())
        return {
            "source": {"file": self.source.name, "digest": digest_of_file(self.source)},
            "seed": self.options.seed,
            "instances": work.instances,
            "rejected": len(work.rejects),
            "reasons": dict[str, Json](reasons.most_common(20)),
            "environments": list[Json](told),
        }


def _write_rejects(work: _Work, out: Path) -> None:
    lines = [
        line_text({"place": place, "instance": name, "reason": reason})
        for place, (name, reason) in sorted(work.rejects.items())
    ]
    (out / REJECTS).write_text("".join(lines), encoding="utf-8", newline="\n")
