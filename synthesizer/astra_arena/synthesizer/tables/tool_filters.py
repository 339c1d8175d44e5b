"""Which filters the searches of an entity offer: those that fit the columns, up to a number."""

from astra_arena.synthesizer.tables.catalogue import MANY_VALUES, Attribute, Entity
from astra_arena.synthesizer.tables.naming import distinct_names
from astra_arena.synthesizer.tables.tool_design import Filter, FilterOperator, KeyParameters

MOST_FILTERS = 24
"""Filters of one tool: an agent has to read them all."""
LONGEST_FILTER_TEXT = 64
SHORTEST_SEARCHED_TEXT = 8
"""Parts of shorter texts say nothing."""
FEWEST_LISTED = 3
"""A list of values makes sense where there are at least as many to choose from."""

OWN_NAMES = (
    *("world", "limit", "offset", "sort_by", "order", "column"),
    *("by", "conditions", "direction", "order_by", "row", "sql"),
)
"""Parameters that every tool may have, and the variables in their code."""

_SUFFIX: dict[FilterOperator, str] = {
    "is": "",
    "at_least": "_min",
    "at_most": "_max",
    "contains": "_contains",
    "starts_with": "_prefix",
    "one_of": "_in",
}


def key_parameters(entity: Entity, prefix: str = "") -> KeyParameters:
    """Return the parameters that name one row."""
    wanted = (prefix + attribute.field for attribute in entity.key_attributes)
    names = distinct_names(wanted, taken=OWN_NAMES)
    return tuple(zip(names, entity.key_attributes, strict=True))


def filters_of(entity: Entity) -> tuple[Filter, ...]:
    """Return the filters of an entity, in the order of its columns."""
    wanted: list[tuple[Attribute, FilterOperator]] = [
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
    ends = [a.name for a, operator in chosen if operator in ("at_least", "at_most")]
    both: list[tuple[Attribute, FilterOperator]] = [
        (attribute, operator)
        for attribute, operator in chosen
        if operator not in ("at_least", "at_most") or ends.count(attribute.name) == 2
    ]
    names = distinct_names(
        (attribute.field + _SUFFIX[operator] for attribute, operator in both), taken=OWN_NAMES
    )
    return tuple(
        Filter(name, attribute, operator)
        for name, (attribute, operator) in zip(names, both, strict=True)
    )


def _operators(entity: Entity, attribute: Attribute) -> tuple[FilterOperator, ...]:
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
            return _text_operators(attribute)
        case "boolean":
            return ("is",)
        case "integer" if profile.distinct <= MANY_VALUES and not attribute.is_measure:
            return ("is",)
        case _:
            return ("at_least", "at_most")


def _text_operators(attribute: Attribute) -> tuple[FilterOperator, ...]:
    profile = attribute.profile
    if profile.longest > LONGEST_FILTER_TEXT:
        return ("contains",)
    if profile.distinct <= MANY_VALUES:
        repeated = FEWEST_LISTED <= profile.distinct <= profile.rows // 2
        return ("is", "one_of") if repeated else ("is",)
    if profile.longest < SHORTEST_SEARCHED_TEXT:
        return ("is",)
    return ("is", "contains", "starts_with") if profile.is_unique else ("is", "contains")


def _worth(entity: Entity, attribute: Attribute, operator: FilterOperator) -> int:
    """How dispensable a filter is; the least come first."""
    match operator:
        case "is":
            names_something = attribute.name in (*entity.key, *entity.reference_columns)
            return 0 if names_something else 1
        case "contains":
            return 3
        case "one_of":
            return 5
        case "starts_with":
            return 6
        case _:
            if attribute.profile.is_temporal:
                return 2
            return 3 if attribute.is_measure else 4
