"""Makes the variants that a user asks for, from the base tasks of one environment."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from astra_arena.core.canonical import JsonObject
from astra_arena.core.faults import FaultPlan
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.changes.change import ChangePlan
from astra_arena.synthesizer.checkpoints import Log
from astra_arena.synthesizer.tasks.task_graphs import Plan
from astra_arena.synthesizer.variants.fault_variant import with_faults
from astra_arena.synthesizer.variants.long_context import VARIANT as LONG_CONTEXT
from astra_arena.synthesizer.variants.long_context import LongListings, long_context
from astra_arena.synthesizer.variants.missing_function import NoVariant, missing_function
from astra_arena.synthesizer.variants.missing_parameter import (
    AskingVariant,
    Unsaid,
    missing_parameter,
    requires,
)
from astra_arena.synthesizer.variants.reach_search import Executor
from astra_arena.synthesizer.variants.unsaid_values import UnsaidValues

VariantName = Literal[
    "missing_function", "missing_parameter", "elicitation", "long_context", "faults"
]
VARIANTS: tuple[VariantName, ...] = get_args(VariantName)
DEFAULT_SHARE = 0.1
"""How many variants there are of each kind, to one base task."""
SEARCH_CALLS = 500
"""The bound of one search for a way around withheld tools; it is stored with the task."""
LISTINGS_PROVED = 3
"""Listings of one task for which a search is made."""

TaskPlan: TypeAlias = Plan | ChangePlan


@dataclass(frozen=True, slots=True)
class VariantSample:
    """The variants that were made, and why others were not."""

    tasks: tuple[Task, ...]
    refused: dict[str, int]


@dataclass(frozen=True)
class VariantMaker:
    """Makes variants of the tasks of one environment.

    Args:
        bundle: The environment.
        sandbox: Runs what proves them.
        plans: What each base task was worded from, by its id.
        unsaid: Finds values that can be left out.
        listings: Finds long listings in which a row can be looked for.
        seed: Decides every draw.
        fault_plan: Which calls fail in the variant `faults`.
        search_calls: The bound of one search.
    """

    bundle: Bundle
    sandbox: Sandbox
    plans: Mapping[str, TaskPlan]
    unsaid: UnsaidValues
    listings: LongListings
    seed: int
    fault_plan: FaultPlan = field(default_factory=FaultPlan)
    search_calls: int = SEARCH_CALLS

    async def make(
        self,
        tasks: Sequence[Task],
        shares: Mapping[VariantName, float],
        *,
        log: Log | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> VariantSample:
        """Make variants; fewer than asked for where the tasks do not allow more.

        Args:
            tasks: The base tasks.
            shares: How many of each kind, to one base task.
            log: Holds what came of earlier attempts, and takes what comes of further ones.
            progress: Told how many variants there are, each time one is added.
        """
        executor = Executor(
            self.sandbox,
            self.bundle.program(),
            {spec.name: spec for spec in self.bundle.environment.tools},
        )
        made: list[Task] = []
        refused: Counter[str] = Counter()
        attempts = _Attempts(log or Log(None))
        try:
            for name in VARIANTS:
                wanted = math.ceil(shares.get(name, 0.0) * len(tasks))
                # A base task that has one variant is passed over for the next: more of the data
                # is seen that way.
                order = random_stream(self.seed, "variants", name).sample(tasks, k=len(tasks))
                for task in order:
                    if wanted <= 0:
                        break
                    variant = attempts.known(name, task)
                    if variant is None:
                        variant = await self._variant(name, task, executor)
                        attempts.add(name, task, variant)
                    if isinstance(variant, NoVariant):
                        refused[f"{name}: {_kind_of(variant.reason)}"] += 1
                        continue
                    wanted -= 1
                    if name == LONG_CONTEXT:
                        self.listings.take(variant)
                    made.append(variant)
                    if progress is not None:
                        progress(len(made))
        finally:
            await executor.close()
        return VariantSample(tuple(made), dict(sorted(refused.items())))

    async def _variant(self, name: VariantName, task: Task, executor: Executor) -> Task | NoVariant:
        match name:
            case "missing_function":
                return await missing_function(
                    task, executor, seed=self.seed, most_calls=self.search_calls
                )
            case "missing_parameter" | "elicitation":
                return await self._asking(name, task)
            case "long_context":
                return await self._long_context(task, executor)
            case "faults":
                return with_faults(task, self.fault_plan, seed=self.seed)

    async def _long_context(self, task: Task, executor: Executor) -> Task | NoVariant:
        plan = self.plans.get(task.id)
        if not isinstance(plan, Plan):
            return NoVariant("it changes the world")
        proved: Task | NoVariant = NoVariant("none was drawn")
        for attempt in range(LISTINGS_PROVED):
            drawn = self.listings.variant_of(task, plan, attempt)
            if isinstance(drawn, NoVariant):
                return drawn
            proved = await long_context(drawn, executor, most_calls=self.search_calls)
            if isinstance(proved, Task):
                break
        return proved

    async def _asking(self, name: AskingVariant, task: Task) -> Task | NoVariant:
        unsaid = self._unsaid(name, task)
        if unsaid is None:
            return NoVariant("nothing can be left out")
        if name == "elicitation" and not self._is_required(task, unsaid):
            return NoVariant("no call lacks what is left out")
        return await missing_parameter(
            task,
            unsaid,
            self.sandbox,
            self.bundle.program(),
            writes=task.final_state is not None,
            variant=name,
        )

    def _unsaid(self, name: str, task: Task) -> Unsaid | None:
        stream = random_stream(self.seed, name, task.id)
        plan = self.plans.get(task.id)
        if isinstance(plan, ChangePlan):
            return self.unsaid.of_change(task, plan, stream)
        return None if plan is None else self.unsaid.of_question(task, plan, stream)

    def _is_required(self, task: Task, unsaid: Unsaid) -> bool:
        """Whether the gold call cannot be made without the value: the host asks only then."""
        question = next(q for q in task.sub_questions if q.id == unsaid.question)
        return requires(self.bundle.environment.tool(question.tool or ""), unsaid.argument)


class _Attempts:
    """What came of making variants, so that a run that was cut off makes none twice."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._known: dict[tuple[str, str], Task | NoVariant] = {}
        for line in log.lines:
            if isinstance(line, dict):
                task = line.get("task")
                self._known[str(line.get("variant")), str(line.get("base"))] = (
                    NoVariant(str(line.get("reason")))
                    if task is None
                    else Task.from_json(task, what="a finished variant")
                )

    def known(self, name: str, base: Task) -> Task | NoVariant | None:
        """Return what came of an earlier attempt, if there was one."""
        return self._known.get((name, base.id))

    def add(self, name: str, base: Task, made: Task | NoVariant) -> None:
        """Note what came of an attempt."""
        line: JsonObject = {"variant": name, "base": base.id}
        if isinstance(made, Task):
            line["task"] = made.to_json()
        else:
            line["reason"] = made.reason
        self._log.add(line)


def _kind_of(reason: str) -> str:
    """Return a reason without the names and figures in it."""
    return " ".join(word for word in reason.split(" ") if not any(c.isdigit() for c in word))
