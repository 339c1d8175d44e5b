"""How far the verification can be trusted: seeded defects, and who notices them.

Each good decomposition is shown as it is and once with each defect that code can make in it. What
counts is what the pipeline does: structure and code first, then the votes. A good one that is
objected to is a false alarm.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, TypeAlias

from astra_arena.client.authors.author import Author
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.model import Model
from astra_arena.core.randomness import random_stream
from astra_arena.synthesizer.qa.authored.asking import prompts_digest
from astra_arena.synthesizer.qa.authored.judging import DEFAULT_VOTES, Judging
from astra_arena.synthesizer.qa.authored.seeded_defects import TARGETS, Target, seeded_defects
from astra_arena.synthesizer.qa.authored.stages import Passed, Stage, Worked
from astra_arena.synthesizer.qa.authored.step_checks import DIMENSIONS, step_findings
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.traces import decomposition_from_steps

CALIBRATE = "calibrate"
GOOD = "good"
MOST_INSTANCES = 20
"""Decompositions that defects are made in; each makes about a hundred requests."""

Witness: TypeAlias = Literal["code", "votes"]
_TARGETS: tuple[Target, ...] = ("structure", *DIMENSIONS)


class Case(Model):
    """A decomposition with one defect, or none."""

    id: str
    kind: str
    """A kind of defect, or `good`."""
    instance: QAInstance
    steps: list[JsonObject]
    finals: tuple[str, ...]


class Noticed(Model):
    """What was noticed of a case."""

    id: str
    kind: str
    by: dict[Target, Witness]
    """Empty when nobody noticed anything."""
    told: tuple[str, ...] = ()


def calibration_cases(
    instances: Iterable[QAInstance], seed: int = 0, most: int = MOST_INSTANCES
) -> Iterator[Case]:
    """Give the good decompositions and their defects.

    Args:
        instances: With decompositions that are complete, and taken for good.
        seed: Decides where the defects are.
        most: So many instances at most are used.
    """
    for instance in islice(instances, most):
        assert instance.decomposition is not None, instance.id
        stream = random_stream(seed, "defects", instance.id)
        steps: list[JsonObject] = [
            {"id": node.id, "question": node.question, "depends_on": list[Json](node.depends_on)}
            for node in instance.decomposition.nodes
        ]
        finals = instance.decomposition.final_ids
        yield _case(instance, GOOD, steps, finals)
        for defect in seeded_defects(instance, stream):
            yield _case(instance, defect.kind, defect.steps, defect.finals)


def _case(
    instance: QAInstance, kind: str, steps: list[JsonObject], finals: tuple[str, ...]
) -> Case:
    bare = instance.model_copy(update={"decomposition": None, "hops": None})
    return Case(id=f"{instance.id}~{kind}", kind=kind, instance=bare, steps=steps, finals=finals)


@dataclass(frozen=True, slots=True)
class Calibrating:
    """The stage.

    Args:
        author: Votes.
        votes: How often each dimension is asked for.
    """

    author: Author
    votes: int = DEFAULT_VOTES

    @property
    def stage(self) -> Stage[Case, Noticed]:
        """What the pipeline runs."""
        return Stage(CALIBRATE, self.work, decides=self.decides)

    def decides(self, item: Case) -> Json:
        """Return what decides the outcome beside the item."""
        del item
        return [self.author.model, self.votes, *prompts_digest(*DIMENSIONS)]

    async def work(self, item: Case) -> Worked[Noticed]:
        """Return what is noticed of a case; no case is rejected.

        Raises:
            AuthorError: as `Author.ask`, but for `ReplyError`.
        """
        try:
            made = decomposition_from_steps(list[Json](item.steps), finals=list(item.finals))
        except SpecError as error:
            return Passed(_noticed(item, {"structure": "code"}, [error.message]))
        found = list(step_findings(item.instance.question, made))
        if found:
            by: dict[Target, Witness] = {one.dimension: "code" for one in found}
            return Passed(_noticed(item, by, [one.text for one in found]))
        whole = {**item.instance.to_json(), "id": item.id, "decomposition": made.to_json()}
        judging = Judging(self.author, self.votes, CALIBRATE)
        judged, provenance = await judging.judged(QAInstance.from_json(whole, what=item.id))
        by = dict.fromkeys(judged.failed, "votes")
        told = [text for name in judged.failed for text in judged.judgements[name].objections]
        return Passed(_noticed(item, by, told), provenance)


def _noticed(item: Case, by: dict[Target, Witness], told: list[str]) -> Noticed:
    return Noticed(id=item.id, kind=item.kind, by=by, told=tuple(told))


@dataclass(slots=True)
class Calibration:
    """Adds up cases, one at a time."""

    good: int = 0
    false_alarms: int = 0
    seeded: Counter[str] = field(default_factory=Counter[str])
    """By kind."""
    by_code: Counter[str] = field(default_factory=Counter[str])
    """Of these, noticed by code, in whatever dimension; the same for the next two."""
    by_votes: Counter[str] = field(default_factory=Counter[str])
    hits: Counter[Target] = field(default_factory=Counter[Target])
    """By dimension: seeded there and noticed there."""
    alarms: Counter[Target] = field(default_factory=Counter[Target])
    """By dimension: noticed there, seeded or not."""

    def note(self, case: Noticed) -> None:
        """Count a case."""
        self.alarms.update(case.by.keys())
        if case.kind == GOOD:
            self.good += 1
            self.false_alarms += bool(case.by)
            return
        self.seeded[case.kind] += 1
        self.by_code[case.kind] += "code" in case.by.values()
        self.by_votes[case.kind] += "votes" in case.by.values()
        target: Target = next(one for kind, one in TARGETS.items() if kind == case.kind)
        self.hits[target] += target in case.by

    def to_json(self) -> JsonObject:
        """Return the figures: precision and recall by dimension, and what each kind came to.

        A dimension without seeded defects has no recall, one without alarms no precision.
        """
        noticed = self.by_code.total() + self.by_votes.total()
        return {
            "good": self.good,
            "false_alarms": self.false_alarms,
            "seeded": self.seeded.total(),
            "missed": self.seeded.total() - noticed,
            "dimensions": {name: self._dimension(name) for name in _TARGETS},
            "kinds": {
                kind: {
                    "seeded": self.seeded[kind],
                    "by_code": self.by_code[kind],
                    "by_votes": self.by_votes[kind],
                }
                for kind in sorted(self.seeded)
            },
        }

    def _dimension(self, name: Target) -> JsonObject:
        seeded = sum(self.seeded[kind] for kind, target in TARGETS.items() if target == name)
        return {
            "seeded": seeded,
            "precision": _share(self.hits[name], self.alarms[name]),
            "recall": _share(self.hits[name], seeded),
        }


def _share(part: int, of: int) -> float | None:
    return round(part / of, 4) if of else None
