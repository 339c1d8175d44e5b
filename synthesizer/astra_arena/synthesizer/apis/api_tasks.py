"""The tasks of an API: drawn as plans, told apart, written with their gold."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.randomness import random_stream
from astra_arena.core.schema import with_defaults
from astra_arena.core.tasks import (
    Alternative,
    Answer,
    Budget,
    Expectation,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.synthesizer.apis.action import Action
from astra_arena.synthesizer.apis.api_plan import ApiPlan, ApiStep
from astra_arena.synthesizer.apis.api_wording import question
from astra_arena.synthesizer.apis.chain_sampler import ChainSampler
from astra_arena.synthesizer.apis.made_values import ValueMaker
from astra_arena.synthesizer.apis.reference import Reference
from astra_arena.synthesizer.apis.shown_rows import shown_row
from astra_arena.synthesizer.apis.write_sampler import WriteSampler
from astra_arena.synthesizer.gates.value_forms import Text, carries_enough, scalars_text

GENERATOR = "astra-arena synth api"
UNBOUND = "sha256:unbound"
MOST_DRAWS = 400
"""Draws for one task before no more are looked for."""
MOST_OF_TEMPLATE = 0.12
"""The share of tasks with one sequence of tools; a few in any case."""
MOST_OF_ANSWER = 0.05
MOST_OF_ROW = 2
"""Tasks that may begin with one call."""
PARALLEL_SHARE = 0.3
SHORT_REFUSED = 0.9
"""How often a single call is not taken where a chain was wanted."""
LENGTHS = (1, 2, 2, 3, 3, 4)
"""Calls of a chain, the usual ones more often."""


@dataclass(slots=True)
class PlanSample:
    """The plans that were drawn, and why others were not taken."""

    plans: list[ApiPlan] = field(default_factory=list[ApiPlan])
    refused: Counter[str] = field(default_factory=Counter[str])


class TaskDrawer:
    """Draws plans that differ from each other and give nothing away.

    Args:
        actions: What the API can do.
        reference: Knows the rows.
        seed: Decides every draw.
    """

    def __init__(self, actions: Sequence[Action], reference: Reference, seed: int) -> None:
        self._actions = actions
        self._reference = reference
        self._seed = seed
        self._maker = ValueMaker()
        self._pages = _first_pages(actions, reference)
        self._calls: list[frozenset[bytes]] = []
        self._says: set[str] = set()
        self._roots: Counter[bytes] = Counter()
        self._templates: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()

    def draw(
        self, count: int, changes: float, progress: Callable[[int], None] | None = None
    ) -> PlanSample:
        """Draw so many plans, or as many as there are.

        Args:
            count: How many.
            changes: The share that writes.
            progress: Told how many there are.
        """
        sample = PlanSample()
        for number in range(count):
            writes = (number + 1) * changes >= 1 + sum(p.shape == "write" for p in sample.plans)
            plan = self._one(number, count, writes=writes, sample=sample)
            if plan is None:
                plan = self._one(number, count, writes=not writes and changes > 0, sample=sample)
            if plan is None:
                break
            sample.plans.append(plan)
            self._note(plan)
            if progress is not None:
                progress(len(sample.plans))
        return sample

    def _one(self, number: int, count: int, *, writes: bool, sample: PlanSample) -> ApiPlan | None:
        stream = random_stream(self._seed, "api", "tasks", number, writes)
        chains = ChainSampler(self._actions, self._reference, stream)
        writer = WriteSampler(self._actions, self._reference, chains, self._maker, stream)
        if writes and not writer.can_write:
            return None
        for _ in range(MOST_DRAWS):
            plan = writer.draw() if writes else self._reading(chains, stream)
            if plan is None:
                sample.refused["the draw came to nothing"] += 1
                continue
            finding = self._finding(plan, count)
            if finding is None:
                return plan
            sample.refused[finding] += 1
        return None

    def _reading(self, chains: ChainSampler, stream: random.Random) -> ApiPlan | None:
        first = self._asked(chains, stream, 1)
        if first is None:
            return None
        steps, say = first
        if stream.random() < PARALLEL_SHARE:
            other = self._asked(chains, stream, len(steps) + 1)
            if other is None:
                return None
            return ApiPlan((*steps, *other[0]), f"{say} {other[1]}", "read")
        return ApiPlan(tuple(steps), say, "read")

    def _asked(
        self, chains: ChainSampler, stream: random.Random, number: int
    ) -> tuple[list[ApiStep], str] | None:
        length = stream.choice(LENGTHS)
        steps = chains.chain(length, number)
        # Shorter ones are drawn more easily, and would crowd the others out.
        if steps is not None and len(steps) < min(length, 2) and stream.random() < SHORT_REFUSED:
            return None
        last = None if steps is None else chains.asked(steps[-1])
        if steps is None or last is None:
            return None
        steps[-1] = last
        return steps, question(last.asked, last.phrase, stream)

    def _finding(self, plan: ApiPlan, count: int) -> str | None:
        """Say why a plan is not taken; `None` where it is."""
        calls = _calls(plan)
        if len(calls) < len(plan.steps):
            return "it makes one call twice"
        if any(calls <= other for other in self._calls) or plan.say in self._says:
            return "another task makes the same calls"
        if any(self._roots[_call(one)] >= MOST_OF_ROW for one in plan.steps if not one.parents):
            return "too many tasks begin with its first call"
        most = max(6, MOST_OF_TEMPLATE * count, 2 * count / len(self._actions))
        if self._templates[plan.template] >= most:
            return "too many tasks call the same tools"
        for step in plan.steps:
            if step.asked and self._answers[str(step.value)] >= max(1, MOST_OF_ANSWER * count):
                return "too many tasks have its answer"
        return self._leak(plan)

    def _leak(self, plan: ApiPlan) -> str | None:
        """Refuse what can be read without work: on first pages of other tools, or in the prompt."""
        literals = [v for step in plan.steps for v in step.arguments.values()]
        others = [page for tool, page in self._pages.items() if tool not in plan.tools]
        for step in plan.steps:
            if step.kind == "write" or not carries_enough(step.value) or step.value in literals:
                continue
            if Text(plan.say).holds(step.value):
                return "the question holds an answer"
            if any(page.holds(step.value) for page in others):
                return "an answer stands on the first page of another tool"
        return None

    def _note(self, plan: ApiPlan) -> None:
        self._calls.append(_calls(plan))
        self._says.add(plan.say)
        self._templates[plan.template] += 1
        for step in plan.steps:
            if not step.parents:
                self._roots[_call(step)] += 1
            if step.asked:
                self._answers[str(step.value)] += 1


def _first_pages(actions: Sequence[Action], reference: Reference) -> dict[str, Text]:
    pages: dict[str, Text] = {}
    for action in actions:
        if action.kind == "list" and not any(one.required for one in action.operation.arguments):
            shown: list[Json] = [
                shown_row(action.view, row, reference.by_name, reference.made)
                for row in reference.first_page(action, {})
            ]
            pages[action.name] = Text(scalars_text(shown))
    return pages


def _call(step: ApiStep) -> bytes:
    return canonical_bytes([step.action.name, step.arguments])


def _calls(plan: ApiPlan) -> frozenset[bytes]:
    """Return the calls with parents' answers put in."""
    values = {step.id: step.value for step in plan.steps}
    found: set[bytes] = set()
    for step in plan.steps:
        arguments = {
            name: values[str(value["$from"])]
            if isinstance(value, dict) and "$from" in value
            else value
            for name, value in step.arguments.items()
        }
        found.add(canonical_bytes([step.action.name, arguments]))
    return frozenset(found)


def with_spare(count: int) -> int:
    """Return how many tasks are made where so many are asked for: some do not pass the gates."""
    return count + ceil(0.15 * count)


def task_of(number: int, plan: ApiPlan, environment: str, version: str, seed: int) -> Task:
    """Return the task of a plan; what writes has no gold before it was executed."""
    topology = "multi_hop" if plan.hops > 1 else "single_hop"
    return Task(
        id=f"{'w' if plan.shape == 'write' else 't'}{number:04}",
        environments=(UNBOUND,),
        budget=Budget(calls=3 * len(plan.steps) + 5),
        difficulty={
            "hops": plan.hops,
            "sub_questions": len(plan.steps),
            "topology": f"parallel_{topology}" if plan.branches > 1 else topology,
            "shape": plan.shape,
        },
        provenance={
            "generator": GENERATOR,
            "version": version,
            "seed": seed,
            "template": plan.template,
        },
        turns=(Turn(say=plan.say, expect=Expectation(kind="act")),),
        sub_questions=tuple(_sub_question(step, environment) for step in plan.steps),
    )


def _sub_question(step: ApiStep, environment: str) -> SubQuestion:
    where = step.where
    about = step.asked or "key"
    return SubQuestion(
        id=step.id,
        question=f"{step.action.kind}: {step.phrase}"
        if step.kind == "write"
        else f"What is the {about} of {step.phrase}?",
        environment=environment,
        tool=step.action.name,
        arguments=_complete(step.action, step.arguments),
        depends_on=step.parents,
        answer=Answer(
            path=f"{step.row_path}{step.pointer}",
            where=where,
            kind="exact" if step.kind == "write" else step.answer_kind,
            value=None if step.kind == "write" else step.value,
        ),
        alternatives=tuple(
            Alternative(tool=one.tool, arguments=one.arguments, path=f"{one.row}{step.pointer}")
            for one in step.others
        ),
    )


def _complete(action: Action, arguments: JsonObject) -> JsonObject:
    return with_defaults(action.tool.input_schema, arguments)


def completed(steps: Sequence[ApiStep], actions: Sequence[Action]) -> tuple[ApiStep, ...]:
    """Return steps whose other calls have all arguments, defaults included."""
    tools = {one.name: one for one in actions}
    return tuple(
        replace(
            step,
            others=tuple(
                replace(one, arguments=_complete(tools[one.tool], one.arguments))
                for one in step.others
            ),
        )
        for step in steps
    )
