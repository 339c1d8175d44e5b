"""Draws whole plans, step by step: single questions, chains, forks, joins, separate branches."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tasks.answer_uses import AnswerUses
from astra_arena.synthesizer.tasks.step_sampler import StepSampler
from astra_arena.synthesizer.tasks.task_graphs import Condition, Shape, Step

_T = TypeVar("_T")

STEP_ATTEMPTS = 3
"""Draws for one step before its plan is given up."""

BRANCH_ATTEMPTS = 6
"""Draws for one of several branches before the plan is given up."""
MOST_STEPS = 8
"""Sub-questions of one task."""
DRAWS_PER_SINGLE = 4
"""Draws, for each, of the questions that stand side by side."""

_SIZES: dict[Shape, tuple[int, ...]] = {
    "single": (1,),
    "singles": (2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8),
    "chain": (2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6),
    "fork": (3, 3, 4, 4, 5, 6),
    "join": (3, 3, 3, 4, 4, 5),
    "branches": (4, 4, 4, 5, 5, 6, 6, 7, 8),
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

    def size(self, shape: Shape) -> int:
        """Draw how many steps a plan of the shape has."""
        return self._among(_SIZES[shape])

    def draw(self, shape: Shape, size: int) -> tuple[Step, ...] | None:
        """Draw the steps, parents first; `None` when the draw came to nothing."""
        match shape:
            case "single":
                return self._singles(1)
            case "singles":
                return self._singles(size)
            case "chain":
                return self._chain(length=size)
            case "fork":
                return self._fork(size)
            case "join":
                return self._join(size)
            case "branches":
                return self._branches(size)

    def _singles(self, size: int) -> tuple[Step, ...] | None:
        singles: list[Step] = []
        for _ in range(DRAWS_PER_SINGLE * size):
            step = self._steps.single(f"q{len(singles) + 1}")
            # Two values of one row are one look at it.
            if step is not None and not any(_like(step, other) for other in singles):
                singles.append(step)
            if len(singles) == size:
                return tuple(singles)
        return None

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

    def _fork(self, size: int) -> tuple[Step, ...] | None:
        """Draw a stem and two or three steps that need its last answer; one may go a step on."""
        tines = 3 if size > 4 and self._chance() < 0.4 else 2
        longer = size > 3 + tines or (size > 3 and self._chance() < 0.4)
        stem = self._open_chain(length=size - tines - longer)
        if stem is None:
            return None
        steps = list(stem)
        ends: list[Step] = []
        for tine in range(tines):
            goes_on = longer and tine == 0
            end = self._following(len(steps) + 1, stem[-1], final=not goes_on)
            if end is None or any(_like(end, other) for other in ends):
                return None
            ends.append(end)
            steps.append(end)
            if goes_on:
                last = self._following(len(steps) + 1, end, final=True)
                if last is None:
                    return None
                steps.append(last)
        return tuple(steps)

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

    def _join(self, size: int) -> tuple[Step, ...] | None:
        """Draw two parents and a step that needs both, then a chain from there on."""
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
        return self._close_join(entity, steps, conditions, size)

    def _close_join(
        self, entity: Entity, steps: list[Step], conditions: list[Condition], size: int
    ) -> tuple[Step, ...] | None:
        number = len(steps) + 1
        longer = size > number
        if {condition.column for condition in conditions} == set(entity.key):
            ordered = sorted(conditions, key=lambda condition: entity.key.index(condition.column))
            joint = self._steps.getting(f"q{number}", entity, tuple(ordered), final=not longer)
        else:
            joint = self._steps.searching(
                f"q{number}", entity.name, tuple(conditions), final=not longer
            )
        if joint is None:
            return None
        joined = [*steps, joint]
        while len(joined) < size:
            number = len(joined) + 1
            step = self._following(number, joined[-1], final=number == size)
            if step is None:
                return None
            joined.append(step)
        return tuple(joined)

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

    def _branches(self, size: int) -> tuple[Step, ...] | None:
        """Draw two to four chains that have nothing in common."""
        lengths = [2] * (2 if size < 6 or self._chance() < 0.5 else size // 2)
        while sum(lengths) < size:
            lengths[int(self._chance() * len(lengths))] += 1
        steps: list[Step] = []
        for length in lengths:
            branch = None
            # The branches before it are good: drawing them again would be waste.
            for _ in range(BRANCH_ATTEMPTS):
                branch = branch or self._chain(length=length, first=len(steps) + 1)
            if branch is None:
                return None
            steps += branch
        return tuple(steps)

    def _among(self, choices: Sequence[_T]) -> _T:
        return choices[int(self._chance() * len(choices))]


def _like(left: Step, right: Step) -> bool:
    """Whether two steps differ in their answer's column only."""
    return replace(left, id="", column="", answer=None) == replace(
        right, id="", column="", answer=None
    )
