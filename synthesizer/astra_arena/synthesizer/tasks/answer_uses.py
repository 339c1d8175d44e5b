"""What can be done with an answer: look a row up, or keep the rows that share it.

This is the graph that tasks are drawn over; its edges are references, and values that rows share.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from astra_arena.synthesizer.tables.catalogue import Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.tool_design import EntityTools, Operator

CROSSING_WEIGHT = 4
"""How much more often a way into another environment is drawn than one within."""
FEWEST_SHARED = 6
"""A column with fewer values says little when two rows share one."""


@dataclass(frozen=True, slots=True)
class Use:
    """What can be done with an answer: look a row up, or keep the rows that share it."""

    kind: Literal["lookup", "filter"]
    table: str
    column: str
    operator: Operator = "is"
    beside: tuple[tuple[str, str], ...] = ()
    """Further columns of the key, and the columns of the answer's own step that must hold them."""
    crosses: bool = False
    """Whether the table is in another environment than the answer's."""

    @property
    def weight(self) -> int:
        """How often it is drawn: ways between tables are what people ask about."""
        return (6 if self.kind == "lookup" else 3) * (CROSSING_WEIGHT if self.crosses else 1)


class AnswerUses:
    """Finds the uses of columns, each once.

    Args:
        catalogue: The entities.
        designs: Their tools.
        homes: The environment of each table, where there are several.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        homes: Mapping[str, str] | None = None,
    ) -> None:
        self._homes = homes or {}
        self._catalogue = catalogue
        self._designs = {design.entity.name: design for design in designs}
        self._uses: dict[tuple[str, str], tuple[Use, ...]] = {}

    @cached_property
    def useful_answers(self) -> list[tuple[str, str]]:
        """All (table, column) pairs whose values something can be done with."""
        return [
            (entity.name, attribute.name)
            for entity in self._catalogue.entities
            for attribute in entity.attributes
            if attribute.words.in_questions and self.of(entity.name, attribute.name)
        ]

    def of(self, table: str, column: str) -> tuple[Use, ...]:
        """Return what can be done with values of a column."""
        if (table, column) not in self._uses:
            home = self._homes.get(table)
            self._uses[table, column] = tuple(
                replace(use, crosses=self._homes.get(use.table) != home)
                for use in self._find_uses(table, column)
            )
        return self._uses[table, column]

    def _find_uses(self, table: str, column: str) -> list[Use]:
        source = self._catalogue.by_name[table]
        attribute = source.by_name[column]
        uses: list[Use] = []
        for entity in self._catalogue.entities:
            for other in entity.attributes:
                if not self._catalogue.same_things(table, column, entity.name, other.name):
                    continue
                if entity.key == (other.name,):
                    if entity.name != table:
                        uses.append(Use("lookup", entity.name, other.name))
                elif self._may_filter(source, attribute, entity, other):
                    uses.append(Use("filter", entity.name, other.name))
        for reference in source.references:
            if column in reference.columns and len(reference.columns) > 1:
                pairs = dict(zip(reference.columns, reference.target_columns, strict=True))
                target = pairs.pop(column)
                beside = tuple((key, own) for own, key in pairs.items())
                uses.append(Use("lookup", reference.target, target, beside=beside))
        if self._is_threshold(source, attribute):
            uses += [Use("filter", table, column, end) for end in ("at_least", "at_most")]
        return uses

    def _may_filter(
        self, source: Entity, attribute: Attribute, entity: Entity, other: Attribute
    ) -> bool:
        if self._designs[entity.name].filter_on(other.name) is None:
            return False
        names_things = self._catalogue.names_things(source.name, attribute.name)
        repeated = other.profile.distinct < 0.8 * (other.profile.rows - other.profile.nulls)
        alone = other.name in entity.key and other.name not in entity.reference_columns
        # What two rows may share by chance, like a day of the month, is nothing to go by.
        telling = (
            attribute.profile.logical_type == "text" and attribute.profile.distinct >= FEWEST_SHARED
        )
        return repeated and not alone and (names_things or telling)

    def _is_threshold(self, entity: Entity, attribute: Attribute) -> bool:
        design = self._designs[entity.name]
        return (
            attribute in design.measures
            and design.filter_on(attribute.name, "at_least") is not None
        )
