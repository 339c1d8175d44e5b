"""Finds the rows that changes are about, and the steps by which an agent finds them."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from astra_arena.synthesizer.changes.change import NamedRow
from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.naming import words_of
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.task_graphs import Condition, Row, Step

_T = TypeVar("_T")
_NAMING_WORDS = frozenset({"name", "title", "label", "email"})

DIRECT_SHARE = 0.3
"""How often the question says the key itself."""
CHAIN_SHARE = 0.5
"""How often a row that is found is found by way of another one."""


class RowFinder:
    """Draws rows with the steps that find them.

    Args:
        catalogue: The entities.
        designs: Their tools, by table.
        queries: Answers the steps.
        stream: Decides every draw.
        homes: The environment of each table, where there are several; then rows are found by way of
            another one.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        designs: dict[str, EntityTools],
        queries: GoldQueries,
        stream: random.Random,
        homes: Mapping[str, str] | None = None,
    ) -> None:
        self._homes = homes or {}
        self._catalogue = catalogue
        self._designs = designs
        self._queries = queries
        self._stream = stream

    def find(
        self, entity: Entity, number: int, *, fits: Callable[[Row], bool]
    ) -> tuple[tuple[Step, ...], NamedRow] | None:
        """Draw a row that fits, with the steps that find it; `None` when the draw came to nothing.

        Args:
            entity: The row's table.
            number: What the first step is numbered.
            fits: Whether the change can be made to a row.
        """
        joint = bool(self._homes)
        if len(entity.key) > 1 or (not joint and self._stream.random() < DIRECT_SHARE):
            row = self.row(entity)
            return ((), NamedRow(entity.name, row)) if fits(row) else None
        steps = (
            self._chain(entity, number) if joint or self._stream.random() < CHAIN_SHARE else None
        )
        steps = steps or self._alone(entity, number)
        if steps is None or not fits(steps[-1].rows[0]):
            return None
        return steps, NamedRow(entity.name, steps[-1].rows[0], steps[-1].id)

    def named(
        self, entity: Entity, number: int, *, fits: Callable[[Row], bool]
    ) -> tuple[tuple[Step, ...], NamedRow] | None:
        """Draw a row that is spoken of by its name, or else by its key."""
        row = self.row(entity)
        if not fits(row):
            return None
        step = self._by_name(entity, f"q{number}", row)
        if step is None:
            return (), NamedRow(entity.name, row)
        return (step,), NamedRow(entity.name, row, step.id)

    def row(self, entity: Entity) -> Row:
        """Draw a row."""
        return self.pick(self._queries.drawable_rows(entity))

    def pick(self, choices: Sequence[_T]) -> _T:
        """Draw one of several."""
        return self._stream.choice(choices)

    def _alone(self, entity: Entity, number: int) -> tuple[Step, ...] | None:
        step = self._by_name(entity, f"q{number}", self.row(entity))
        step = step or self._top(entity, f"q{number}", ())
        return None if step is None else (step,)

    def _chain(self, entity: Entity, number: int) -> tuple[Step, ...] | None:
        """Find a row of the table among those that refer to another row, which is named."""
        references = [
            reference
            for reference in entity.references
            if len(reference.columns) == 1
            and reference.target != entity.name
            and reference.target in self._designs
            and self._designs[entity.name].filter_on(reference.columns[0]) is not None
        ]
        if not references:
            return None
        elsewhere = [r for r in references if crosses(self._homes, entity.name, r.target)]
        reference = self.pick(elsewhere or references)
        column = reference.columns[0]
        parent = self._catalogue.by_name[reference.target]
        key = self.row(entity)[column]
        wanted = self._row_by_key(parent, reference.target_columns[0], key)
        first = None if wanted is None else self._by_name(parent, f"q{number}", wanted)
        if first is None:
            return None
        condition = Condition(column, "is", first.answer, first.id)
        last = self._top(entity, f"q{number + 1}", (condition,))
        return None if last is None else (first, last)

    def _row_by_key(self, entity: Entity, column: str, value: object) -> Row | None:
        if value is None or not isinstance(value, int | float | str):
            return None
        condition = Condition(column, "is", value)
        rows = self._queries.rows(Step("", "get", entity.name, (condition,)), limit=1)
        return rows[0] if rows else None

    def _by_name(self, entity: Entity, identifier: str, row: Row) -> Step | None:
        design = self._designs[entity.name]
        names = [
            attribute.name
            for attribute in entity.attributes
            if len(entity.key) == 1
            and attribute.name not in entity.key
            and attribute.words.in_questions
            and _NAMING_WORDS.intersection(words_of(attribute.name))
            and design.filter_on(attribute.name) is not None
            and row[attribute.name] is not None
        ]
        if not names:
            return None
        name = self.pick(names)
        condition = Condition(name, "is", row[name])
        step = Step(identifier, "pick", entity.name, (condition,), entity.key[0])
        return self._queries.solve(step)

    def _top(
        self, entity: Entity, identifier: str, conditions: tuple[Condition, ...]
    ) -> Step | None:
        design = self._designs[entity.name]
        fixed = {condition.column for condition in conditions} | set(entity.key)
        sortable = [
            attribute.name
            for attribute in design.sorted_by
            if attribute.words.in_questions and attribute.name not in fixed
        ]
        if not sortable:
            return None
        step = Step(
            identifier,
            "top",
            entity.name,
            conditions,
            entity.key[0],
            sort_by=self.pick(sortable),
            descending=self._stream.random() < 0.7,
        )
        return self._queries.solve(step)


def crosses(homes: Mapping[str, str], table: str, other: str) -> bool:
    """Tell whether two tables are in different environments."""
    return homes.get(table) != homes.get(other)
