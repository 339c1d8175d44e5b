"""Which reading tools an entity gets beside get, search and count, and why."""

from astra_arena.synthesizer.tables.catalogue import Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.naming import distinct_names, safe_identifier, words_of
from astra_arena.synthesizer.tables.roles import reference_role
from astra_arena.synthesizer.tables.tool_design import (
    AroundDateTool,
    CompareTool,
    DistanceTool,
    GroupTool,
    NearestTool,
    PeriodTool,
    RelatedTool,
)
from astra_arena.synthesizer.tables.tool_filters import OWN_NAMES, key_parameters

LONGEST_NAME = 60
MOST_GROUPED = 12
"""Columns to group by that one tool offers."""
MOST_GROUPS = 2_000
"""A column with more distinct values groups nothing that a reply could show."""
MOST_COMPARED_KEY = 2
"""Columns of a key up to which naming two rows in one call is still handy."""
MOST_PLACES = 20_000
"""Rows among which the nearest are found by measuring all."""
_LATITUDES = frozenset({"lat", "latitude"})
_LONGITUDES = frozenset({"lon", "lng", "long", "longitude"})


def tool_name(words: str) -> str:
    """Return a tool's name, no longer than names may be, with room for a number."""
    return words[:LONGEST_NAME].rstrip("_")


def related_tools(
    catalogue: Catalogue, entity: Entity, sorted_by: tuple[Attribute, ...]
) -> tuple[RelatedTool, ...]:
    """Return the tools that list an entity's rows by what they refer to."""
    tools: list[RelatedTool] = []
    for reference in entity.references:
        parent = catalogue.by_name[reference.target]
        # What one row at most refers to is no list.
        if entity.key == reference.columns:
            continue
        role = reference_role(entity, reference, parent)
        said = safe_identifier(role, fallback=parent.one)
        # "The employees of an employee" would leave open which way the reference goes.
        own = parent is entity and len(reference.columns) == 1
        ending = f"by_{entity.by_name[reference.columns[0]].field}" if own else f"of_{said}"
        tools.append(
            RelatedTool(
                name=tool_name(f"list_{entity.many}_{ending}"),
                reference=reference,
                parent=parent,
                role=role,
                key_parameters=key_parameters(parent),
                sorted_by=sorted_by,
            )
        )
    return tuple(tools)


def group_tools(entity: Entity, measures: tuple[Attribute, ...]) -> tuple[GroupTool, ...]:
    """Return the tool that summarises an entity's rows by the values of a column."""
    by = [a for a in entity.attributes if _groups(entity, a)][:MOST_GROUPED]
    if not by:
        return ()
    return (GroupTool(tool_name(f"group_{entity.many}"), tuple(by), measures),)


def _groups(entity: Entity, attribute: Attribute) -> bool:
    profile = attribute.profile
    if attribute.words.additive or attribute.is_measure or profile.logical_type == "real":
        return False
    if attribute.name in entity.key and attribute.name not in entity.reference_columns:
        return False
    few = 2 <= profile.distinct <= min(MOST_GROUPS, profile.rows // 2)
    return few and not profile.is_temporal


def compare_tools(entity: Entity, measures: tuple[Attribute, ...]) -> tuple[CompareTool, ...]:
    """Return the tool that compares two rows of an entity."""
    dates = tuple(a for a in _dates(entity) if a.profile.logical_type == "date")
    compared = (*measures, *dates)
    if not compared or len(entity.key) > MOST_COMPARED_KEY:
        return ()
    name = tool_name(f"compare_{entity.many}")
    return (
        CompareTool(
            name,
            key_parameters(entity, "first_"),
            key_parameters(entity, "second_"),
            compared,
        ),
    )


def date_tools(entity: Entity) -> tuple[PeriodTool | AroundDateTool, ...]:
    """Return the tools that calculate with an entity's dates."""
    dates = _dates(entity)
    if not dates:
        return ()
    around = AroundDateTool(tool_name(f"find_{entity.many}_around_date"), dates)
    if len(dates) < 2:
        return (around,)
    name = tool_name(f"count_days_of_{entity.one}")
    return (around, PeriodTool(name, _beside(key_parameters(entity), ("start", "end")), dates))


def _dates(entity: Entity) -> tuple[Attribute, ...]:
    return tuple(a for a in entity.attributes if a.profile.is_temporal and a.profile.distinct > 1)


def place_tools(entity: Entity) -> tuple[DistanceTool | NearestTool, ...]:
    """Return the tools that measure distances between an entity's rows."""
    latitude = _coordinate(entity, _LATITUDES, 90)
    longitude = _coordinate(entity, _LONGITUDES, 180)
    if latitude is None or longitude is None or len(entity.key) > MOST_COMPARED_KEY:
        return ()
    distance = DistanceTool(
        tool_name(f"distance_between_{entity.many}"),
        key_parameters(entity, "first_"),
        key_parameters(entity, "second_"),
        latitude,
        longitude,
    )
    if entity.rows > MOST_PLACES:
        return (distance,)
    nearest = NearestTool(
        tool_name(f"find_nearest_{entity.many}"),
        _beside(key_parameters(entity), ("within_km",)),
        latitude,
        longitude,
    )
    return (distance, nearest)


def _coordinate(entity: Entity, names: frozenset[str], limit: int) -> Attribute | None:
    return next(
        (
            attribute
            for attribute in entity.attributes
            if names.intersection(words_of(attribute.name))
            and attribute.profile.is_number
            and attribute.profile.magnitude <= limit
        ),
        None,
    )


def _beside(
    parameters: tuple[tuple[str, Attribute], ...], taken: tuple[str, ...]
) -> tuple[tuple[str, Attribute], ...]:
    names = distinct_names((name for name, _ in parameters), taken=(*OWN_NAMES, *taken))
    return tuple((name, a) for name, (_, a) in zip(names, parameters, strict=True))
