"""Draws whole plans: chains, forks, joins and parallel branches, step by step."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tasks.answer_uses import AnswerUses
from astra_arena.synthesizer.tasks.step_sampler import StepSampler
from astra_arena.synthesizer.tasks.task_graphs import Condition, Step, Topology

_T = TypeVar("_T")

STEP_ATTEMPTS = 3
"""Draws for one step before its plan is given up."""

_SIZES: dict[Topology, tuple[int, ...]] = {
    "chain": (2, 2, 3, 3, 3, 3, 4, 4, 5),
    "fork": (3, 3, 4),
    "join": (3, 3, 3, 4),
    "parallel": (4, 4, 5),
}
"""How many steps plans of each shape have; one is drawn."""


class Shapes:
    """Draws the steps of a plan of some shape.

    Args:
        catalogue: The entities.
        designs: Their tools.
        uses: What can be done with answers.
        steps: Draws single steps.
        chance: Draws a number from 0 to 1.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        uses: AnswerUses,
        steps: StepSampler,
        chance: Callable[[], float],
    ) -> None:
        self._catalogue = catalogue
        self._designs = designs
        self._uses = uses
        self._steps = steps
        self._chance = chance

    def size(self, topology: Topology) -> int:
        """Draw how many steps a plan of the shape has."""
        return self._among(_SIZES[topology])

    def draw(self, topology: Topology, size: int) -> tuple[Step, ...] | None:
        """Draw the steps, parents first; `None` when the draw came to nothing."""
        match topology:
            case "chain":
                return self._chain(length=size)
            case "fork":
                return self._fork(stem_length=size - 2)
            case "join":
                return self._join(longer=size > 3)
            case "parallel":
                return self._parallel(size)

    def _chain(self, *, length: int, first: int = 1) -> tuple[Step, ...] | None:
        root = self._steps.root(f"q{first}")
        if root is None:
            return None
        chain = [root]
        for number in range(first + 1, first + length):
            step = self._following(number, chain[-1], final=number == first + length - 1)
            if step is None:
                return None
            chain.append(step)
        return tuple(chain)

    def _following(self, number: int, parent: Step, *, final: bool) -> Step | None:
        for _ in range(STEP_ATTEMPTS):
            step = self._steps.following(f"q{number}", parent, final=final)
            if step is not None:
                return step
        return None

    def _fork(self, *, stem_length: int) -> tuple[Step, ...] | None:
        stem = self._open_chain(length=stem_length)
        if stem is None:
            return None
        number = len(stem) + 1
        left = self._following(number, stem[-1], final=True)
        right = self._following(number + 1, stem[-1], final=True)
        if left is None or right is None or _like(left, right):
            return None
        return (*stem, left, right)

    def _open_chain(self, *, length: int, first: int = 1) -> tuple[Step, ...] | None:
        root = self._steps.root(f"q{first}")
        if root is None:
            return None
        chain = [root]
        while len(chain) < length:
            step = self._following(first + len(chain), chain[-1], final=False)
            if step is None:
                return None
            chain.append(step)
        return tuple(chain)

    def _join(self, *, longer: bool) -> tuple[Step, ...] | None:
        entity, columns = self._joined_columns()
        if entity is None:
            return None
        steps: list[Step] = []
        conditions: list[Condition] = []
        # Values of one row go together; values drawn apart seldom do.
        row = self._steps.random_row(entity)
        for column in columns:
            producer = self._steps.producer(
                f"q{len(steps) + 1}", self._producers(entity, column), row[column]
            )
            if producer is None:
                return None
            steps.append(producer)
            conditions.append(Condition(column, "is", producer.answer, producer.id))
        return self._close_join(entity, steps, conditions, longer=longer)

    def _close_join(
        self, entity: Entity, steps: list[Step], conditions: list[Condition], *, longer: bool
    ) -> tuple[Step, ...] | None:
        number = len(steps) + 1
        if {condition.column for condition in conditions} == set(entity.key):
            ordered = sorted(conditions, key=lambda condition: entity.key.index(condition.column))
            joint = self._steps.getting(f"q{number}", entity, tuple(ordered), final=not longer)
        else:
            joint = self._steps.searching(
                f"q{number}", entity.name, tuple(conditions), final=not longer
            )
        if joint is None or not longer:
            return None if joint is None else (*steps, joint)
        last = self._following(number + 1, joint, final=True)
        return None if last is None else (*steps, joint, last)

    def _joined_columns(self) -> tuple[Entity | None, tuple[str, ...]]:
        """Draw an entity and two of its columns that other steps can give values for."""
        design = self._among(self._designs)
        entity = design.entity
        columns = [
            rule.attribute.name
            for rule in design.filters
            if rule.operator == "is"
            and rule.attribute.words.in_questions
            and entity.key != (rule.attribute.name,)
            and self._producers(entity, rule.attribute.name)
        ]
        if len(columns) < 2:
            return None, ()
        first = self._among(columns)
        second = self._among([column for column in columns if column != first])
        return entity, tuple(sorted((first, second), key=columns.index))

    def _producers(self, entity: Entity, column: str) -> list[tuple[str, str]]:
        return [
            (table, own)
            for table, own in self._uses.useful_answers
            if self._catalogue.same_things(table, own, entity.name, column)
        ]

    def _parallel(self, size: int) -> tuple[Step, ...] | None:
        left = self._chain(length=2)
        if left is None:
            return None
        right = self._chain(length=size - 2, first=len(left) + 1)
        return None if right is None else (*left, *right)

    def _among(self, choices: Sequence[_T]) -> _T:
        return choices[int(self._chance() * len(choices))]


def _like(left: Step, right: Step) -> bool:
    """Whether two steps differ in their answer's column only."""
    return replace(left, id="", column="", answer=None) == replace(
        right, id="", column="", answer=None
    )
