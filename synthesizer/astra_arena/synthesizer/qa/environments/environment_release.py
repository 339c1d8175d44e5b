"""Draft to release: other right calls are added, the gates run, and what passed is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment
from astra_arena.core.errors import GateError
from astra_arena.core.tasks import Task
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle, write_bundle
from astra_arena.servers.emission.emit import emit_server
from astra_arena.synthesizer.gates.alternative_solutions import missing_alternatives
from astra_arena.synthesizer.gates.examination import examine_bundle
from astra_arena.synthesizer.gates.registry import chosen_gates
from astra_arena.synthesizer.gates.release import default_rejects, release, write_rejects
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.qa.environments.question_tasks import spread
from astra_arena.synthesizer.qa.environments.question_variants import QuestionVariants
from astra_arena.synthesizer.variants.variant_maker import VariantName
from astra_arena.synthesizer.watching import Watcher


@dataclass(frozen=True, slots=True)
class EnvironmentDraft:
    """An environment that no gate has seen."""

    manifest: Environment
    tools_py: str
    world: Path
    tasks: tuple[Task, ...]
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each instance is about, by its id, for notes in the variant `long_context`."""

    @property
    def name(self) -> str:
        """Of the environment."""
        return self.manifest.name


@dataclass(frozen=True, slots=True)
class EnvironmentRelease:
    """Takes drafts through the gates.

    Args:
        out: The folder in which each environment gets its own.
        folder: For what is not released.
        seed: Decides every draw.
        gates: Names of those to run; all for none.
        watch: Told how far it is.
    """

    out: Path
    folder: Path
    seed: int
    gates: tuple[str, ...]
    watch: Watcher
    variants: Mapping[VariantName, float] = field(default_factory=dict["VariantName", float])
    """How many of each kind are made, to one base task."""

    async def make(
        self, draft: EnvironmentDraft, *, most_tasks: int | None = None, again: bool = False
    ) -> JsonObject:
        """Make one environment; return what came of it.

        Args:
            draft: The environment.
            most_tasks: So many tasks are released at most, of those that passed.
            again: Whether tasks that fail are taken out before the environment is judged: where
                each comes from an author of its own, one says nothing of the others.
        """
        completed, refused = await self._completed(draft)
        card = first = await self._examined(draft, completed)
        failed = set(first.rejected_tasks)
        if again and failed and first.passed_tasks and first.environment_problems:
            kept = tuple(task for task in completed if task.id not in failed)
            card = await self._examined(draft, kept)
        line: JsonObject = {
            "name": draft.name,
            "made": len(completed),
            "rejected": len(completed) - len(card.passed_tasks),
        }
        rejects = default_rejects(self.out / draft.name)
        try:
            made = release(
                self._path(draft),
                card,
                self.out / draft.name,
                only=_wanted(completed, card.passed_tasks, most_tasks),
                rejects=rejects,
            )
        except GateError as error:
            return {**line, "problem": error.message}
        finally:
            if first is not card:
                write_rejects(first, rejects, then=card)
        assert isinstance(made, Bundle), "what was examined is a bundle"
        return {
            **line,
            "tasks": len(made.tasks),
            "topologies": spread(made.tasks, "topology"),
            "hops": spread(made.tasks, "hops"),
            "sub_questions": spread(made.tasks, "sub_questions"),
            **({"variants": self._variants_told(made, refused)} if self.variants else {}),
        }

    def _variants_told(self, made: Bundle, refused: dict[str, int]) -> JsonObject:
        counts = Counter(task.variant for task in made.tasks if task.variant != "base")
        return {
            "tasks": dict[str, Json](sorted(counts.items())),
            "refused": dict[str, Json](refused),
        }

    def _path(self, draft: EnvironmentDraft) -> Path:
        return self.folder / f"{draft.name}-bundle"

    async def _examined(self, draft: EnvironmentDraft, tasks: tuple[Task, ...]) -> ReportCard:
        self._written(draft, tasks)
        emit_server(self._path(draft))
        gates = chosen_gates(self.gates)
        path = self._path(draft)
        return await examine_bundle(path, gates=gates, seed=self.seed, watcher=self.watch)

    async def _completed(self, draft: EnvironmentDraft) -> tuple[tuple[Task, ...], dict[str, int]]:
        """Return the tasks with all right calls, then their variants, and why there are no more."""
        bundle = self._written(draft, draft.tasks)
        self.watch(f"{draft.name}: execute other ways to ask", 0, 0)
        async with ProcessSandbox() as sandbox:
            base = await missing_alternatives(bundle, sandbox, bundle.tasks, seed=self.seed)
            if not self.variants:
                return base, {}
            self.watch(f"{draft.name}: prove variants", 0, 0)
            making = QuestionVariants(bundle, sandbox, draft.texts, self.seed)
            sample = await making.make(base, self.variants)
            return (*base, *sample.tasks), sample.refused

    def _written(self, draft: EnvironmentDraft, tasks: tuple[Task, ...]) -> Bundle:
        return write_bundle(
            self._path(draft),
            draft.manifest,
            tools_py=draft.tools_py,
            world=draft.world,
            tasks=tasks,
            report={"difficulty": {key: spread(tasks, key) for key in ("topology", "hops")}},
        )


def _wanted(tasks: Sequence[Task], passed: Sequence[str], most: int | None) -> list[str]:
    """Return so many of the base tasks that passed, and the variants of these."""
    by_id = {task.id: task for task in tasks}
    base = [name for name in passed if by_id[name].variant == "base"][:most]
    kept = set(base)
    others = [name for name in passed if by_id[name].provenance.get("base") in kept]
    return [*base, *others]
