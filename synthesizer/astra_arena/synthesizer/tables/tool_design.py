"""Which tools each entity gets and what they take: decided once, for code, schemas and tasks."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from astra_arena.core.schema import RESERVED_TOOL_NAMES
from astra_arena.synthesizer.tables.catalogue import MANY_VALUES, Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.naming import distinct_names

Operator: TypeAlias = Literal["is", "at_least", "at_most"]

MOST_FILTERS = 24
"""Filters of one tool: an agent has to read them all."""
LONGEST_FILTER_TEXT = 64
DEFAULT_LIMIT = 5
MOST_ROWS = 50

_OWN_NAMES = (
    *("world", "limit", "offset", "sort_by", "order", "column"),
    *("by", "conditions", "direction", "order_by", "row", "sql"),
)
"""Parameters that every tool may have, and the variables in their code."""


@dataclass(frozen=True, slots=True)
class Filter:
    """An optional parameter that keeps some of the rows."""

    parameter: str
    attribute: Attribute
    operator: Operator


@dataclass(frozen=True)
class EntityTools:
    """The tools of one entity."""

    entity: Entity
    get: str
    find: str
    count: str
    summarise: str | None
    """Absent when there is nothing to average."""
    key_parameters: tuple[tuple[str, Attribute], ...]
    filters: tuple[Filter, ...]
    sorted_by: tuple[Attribute, ...]
    measures: tuple[Attribute, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tools."""
        optional = (self.summarise,) if self.summarise else ()
        return (self.get, self.find, self.count, *optional)

    @cached_property
    def _filters(self) -> dict[tuple[str, Operator], Filter]:
        return {(rule.attribute.name, rule.operator): rule for rule in self.filters}

    def filter_on(self, column: str, operator: Operator = "is") -> Filter | None:
        """Return the filter on a column, if there is one."""
        return self._filters.get((column, operator))


def design_tools(catalogue: Catalogue) -> tuple[EntityTools, ...]:
    """Design the tools of every entity; names are unique and none is reserved."""
    taken = set(RESERVED_TOOL_NAMES)
    designs: list[EntityTools] = []
    for entity in catalogue.entities:
        measures = tuple(a for a in entity.attributes if _is_measured(entity, a))
        wanted = [f"get_{entity.one}", f"find_{entity.many}", f"count_{entity.many}"]
        if measures:
            wanted.append(f"summarise_{entity.many}")
        names = distinct_names(wanted, taken=taken)
        taken.update(names)
        filters = _filters(entity)
        ranged = {rule.attribute.name for rule in filters if rule.operator == "at_least"}
        designs.append(
            EntityTools(
                entity=entity,
                get=names[0],
                find=names[1],
                count=names[2],
                summarise=names[3] if measures else None,
                key_parameters=_key_parameters(entity),
                filters=filters,
                sorted_by=tuple(a for a in entity.attributes if a.name in ranged),
                measures=measures,
            )
        )
    return tuple(designs)


def _is_measured(entity: Entity, attribute: Attribute) -> bool:
    names_something = attribute.name in entity.key or attribute.name in entity.reference_columns
    summed = attribute.is_measure and attribute.profile.can_be_summed
    return summed and not names_something


def _key_parameters(entity: Entity) -> tuple[tuple[str, Attribute], ...]:
    names = distinct_names((a.field for a in entity.key_attributes), taken=_OWN_NAMES)
    return tuple(zip(names, entity.key_attributes, strict=True))


def _filters(entity: Entity) -> tuple[Filter, ...]:
    wanted: list[tuple[Attribute, Operator]] = [
        (attribute, operator)
        for attribute in entity.attributes
        for operator in _operators(entity, attribute)
    ]
    by_worth = sorted(
        range(len(wanted)), key=lambda n: (_worth(entity, wanted[n][0], wanted[n][1]), n)
    )
    kept = sorted(by_worth[:MOST_FILTERS])
    # A range with one end only would puzzle: both ends or none.
    chosen = [wanted[n] for n in kept]
    ends = [attribute.name for attribute, operator in chosen if operator != "is"]
    both: list[tuple[Attribute, Operator]] = [
        (attribute, operator)
        for attribute, operator in chosen
        if operator == "is" or ends.count(attribute.name) == 2
    ]
    suffix: dict[Operator, str] = {"is": "", "at_least": "_min", "at_most": "_max"}
    names = distinct_names(
        (attribute.field + suffix[operator] for attribute, operator in both),
        taken=_OWN_NAMES,
    )
    return tuple(
        Filter(name, attribute, operator)
        for name, (attribute, operator) in zip(names, both, strict=True)
    )


def _operators(entity: Entity, attribute: Attribute) -> tuple[Operator, ...]:
    profile = attribute.profile
    names_something = attribute.name in entity.key or attribute.name in entity.reference_columns
    if profile.distinct < 2 or not profile.is_exact:
        return ()
    if profile.is_temporal:
        return ("is", "at_least", "at_most") if names_something else ("at_least", "at_most")
    if names_something:
        return ("is",)
    match profile.logical_type:
        case "text":
            return ("is",) if profile.longest <= LONGEST_FILTER_TEXT else ()
        case "boolean":
            return ("is",)
        case "integer" if profile.distinct <= MANY_VALUES and not attribute.is_measure:
            return ("is",)
        case _:
            return ("at_least", "at_most")


def _worth(entity: Entity, attribute: Attribute, operator: Operator) -> int:
    """How dispensable a filter is; the least come first."""
    if operator == "is":
        names_something = attribute.name in (*entity.key, *entity.reference_columns)
        return 0 if names_something else 1
    if attribute.profile.is_temporal:
        return 2
    return 3 if attribute.is_measure else 4
