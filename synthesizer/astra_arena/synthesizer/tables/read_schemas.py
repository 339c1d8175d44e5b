"""Schemas and descriptions of the tools that list, group, compare and measure."""

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.naming import a_or_an
from astra_arena.synthesizer.tables.schema_parts import (
    MEAN_DIGITS,
    filter_schemas,
    json_type,
    key_schemas,
    limit_schema,
    meaning,
    nullable,
    object_schema,
    page_schema,
    paging_schemas,
    row_schema,
    sorting_schemas,
)
from astra_arena.synthesizer.tables.tool_design import (
    AroundDateTool,
    CompareTool,
    DistanceTool,
    EntityTools,
    GroupTool,
    NearestTool,
    PeriodTool,
    ReadTool,
    RelatedTool,
)

FIGURES = ("minimum", "maximum", "mean", "sum")
MOST_DAYS = 366
KILOMETRES: JsonObject = {
    "type": "number",
    "description": "Kilometres along a great circle, rounded to one digit.",
}


def read_spec(design: EntityTools, tool: ReadTool) -> ToolSpec:
    """Return what an agent is told of one of an entity's further reading tools."""
    match tool:
        case RelatedTool():
            return _related(design, tool)
        case GroupTool():
            return _group(design, tool)
        case CompareTool():
            return _compare(design, tool)
        case PeriodTool():
            return _period(design, tool)
        case AroundDateTool():
            return _around_date(design, tool)
        case DistanceTool():
            return _distance(design, tool)
        case NearestTool():
            return _nearest(design, tool)


def _related(design: EntityTools, tool: RelatedTool) -> ToolSpec:
    entity = design.entity
    key = key_schemas(tool.key_parameters)
    described = " and ".join(a.label for a in tool.parent.key_attributes)
    return ToolSpec(
        name=tool.name,
        description=f"List the {entity.plural} of one {tool.role}, named by its {described}, "
        f"sorted, one page at a time. Fails when there is no such {tool.parent.singular}.",
        input_schema=object_schema(
            {**key, **sorting_schemas(entity, tool.sorted_by), **paging_schemas()},
            required=list(key),
        ),
        output_schema=page_schema(entity),
        read_only=True,
    )


def _group(design: EntityTools, tool: GroupTool) -> ToolSpec:
    entity = design.entity
    figures = ("count", *FIGURES) if tool.measures else ("count",)
    types = sorted({json_type(attribute) for attribute in tool.by})
    value: JsonObject = {"anyOf": [*({"type": kind} for kind in types), {"type": "null"}]}
    group: JsonObject = {
        "value": {**value, "description": "Value of the column grouped by."},
        "count": {"type": "integer", "description": f"How many {entity.plural} hold it."},
        **({f: nullable({"type": "number"}) for f in FIGURES} if tool.measures else {}),
    }
    return ToolSpec(
        name=tool.name,
        description=f"Group the {entity.plural} that satisfy every filter given by the values of "
        f"a column, and count each group{_summed(tool)}. Groups come with the largest first; "
        f"`order` reverses that, ties are in ascending order of the value.",
        input_schema=object_schema(
            {
                "by": _choice(tool.by, "Column to group by."),
                **_group_column(tool),
                **filter_schemas(design),
                "sort_by": {
                    "type": "string",
                    "enum": list[Json](figures),
                    "default": "count",
                    "description": "Figure to sort groups by; groups without it come last.",
                },
                "order": {
                    "type": "string",
                    "enum": ["ascending", "descending"],
                    "default": "descending",
                    "description": "Direction of `sort_by`.",
                },
                **paging_schemas(),
            },
            required=["by"],
        ),
        output_schema=object_schema(
            {
                "total": {"type": "integer", "description": "How many groups there are."},
                "groups": {
                    "type": "array",
                    "items": object_schema(group, required=list(group)),
                },
                "truncated": {"type": "boolean", "description": "Whether more groups follow."},
            },
            required=["total", "groups", "truncated"],
        ),
        read_only=True,
    )


def _summed(tool: GroupTool) -> str:
    if not tool.measures:
        return ""
    return (
        "; with `column`, also the minimum, maximum, mean and sum of that column in each, mean "
        f"and sum rounded to {MEAN_DIGITS} digits"
    )


def _group_column(tool: GroupTool) -> JsonObject:
    if not tool.measures:
        return {}
    fields: list[Json] = [attribute.field for attribute in tool.measures]
    return {
        "column": {
            **nullable({"type": "string", "enum": fields}),
            "default": None,
            "description": "Column to summarise in each group; counts alone when left out.",
        }
    }


def _choice(attributes: tuple[Attribute, ...], lead: str) -> JsonObject:
    fields: list[Json] = [attribute.field for attribute in attributes]
    meanings = "; ".join(f"{a.field}: {meaning(a).rstrip('.')}" for a in attributes)
    return {"type": "string", "enum": fields, "description": f"{lead} {meanings}."}


def _compare(design: EntityTools, tool: CompareTool) -> ToolSpec:
    entity = design.entity
    first = key_schemas(tool.first, "Of the first: ")
    second = key_schemas(tool.second, "Of the second: ")
    properties: JsonObject = {**first, **second}
    compared: JsonObject = {a.field: _compared(a) for a in tool.compared}
    dates = any(attribute.profile.is_temporal for attribute in tool.compared)
    return ToolSpec(
        name=tool.name,
        description=f"Compare two {entity.plural} by what can be measured: both values, the second "
        f"minus the first{', of dates in days' if dates else ''}, and which is larger: first, "
        f"second or neither. Fails when there is no such {entity.singular}.",
        input_schema=object_schema(properties, required=list(properties)),
        output_schema=object_schema(
            {"comparison": object_schema(compared, required=list(compared))},
            required=["comparison"],
        ),
        read_only=True,
    )


def _compared(attribute: Attribute) -> JsonObject:
    value = nullable({"type": json_type(attribute)})
    return {
        **object_schema(
            {
                "first": value,
                "second": value,
                "difference": nullable({"type": "number"}),
                "larger": nullable({"type": "string", "enum": ["first", "second", "neither"]}),
            },
            required=["first", "second", "difference", "larger"],
        ),
        "description": meaning(attribute),
    }


def _period(design: EntityTools, tool: PeriodTool) -> ToolSpec:
    entity = design.entity
    key = key_schemas(tool.key_parameters)
    date = nullable({"type": "string"})
    return ToolSpec(
        name=tool.name,
        description=f"Days from one date of {a_or_an(entity.singular)} to another, by the "
        f"calendar; negative when the end comes before the start, null when one is missing. "
        f"Fails when there is no such {entity.singular}.",
        input_schema=object_schema(
            {
                **key,
                "start": _choice(tool.dates, "Column to count from."),
                "end": _choice(tool.dates, "Column to count to."),
            },
            required=[*key, "start", "end"],
        ),
        output_schema=object_schema(
            {"start": date, "end": date, "days": nullable({"type": "integer"})},
            required=["start", "end", "days"],
        ),
        read_only=True,
    )


def _around_date(design: EntityTools, tool: AroundDateTool) -> ToolSpec:
    entity = design.entity
    several = len(tool.dates) > 1
    column = {"column": _choice(tool.dates, "Date to look at.")} if several else {}
    label = "`column`" if several else tool.dates[0].label
    return ToolSpec(
        name=tool.name,
        description=f"List the {entity.plural} whose {label} is at most so many days before or "
        f"after a day, by date, one page at a time.",
        input_schema=object_schema(
            {
                **column,
                "day": {
                    "type": "string",
                    "format": "date",
                    "description": "The day in the middle, as YYYY-MM-DD.",
                },
                "days": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": MOST_DAYS,
                    "description": f"Days before and after it, 0 to {MOST_DAYS}; 0 is that day.",
                },
                **paging_schemas(),
            },
            required=[*column, "day", "days"],
        ),
        output_schema=page_schema(entity),
        read_only=True,
    )


def _distance(design: EntityTools, tool: DistanceTool) -> ToolSpec:
    entity = design.entity
    first = key_schemas(tool.first, "Of the first: ")
    second = key_schemas(tool.second, "Of the second: ")
    properties: JsonObject = {**first, **second}
    return ToolSpec(
        name=tool.name,
        description=f"Kilometres between two {entity.plural} along a great circle, rounded to one "
        f"digit. Fails when there is no such {entity.singular}{_unplaced(entity, tool)}.",
        input_schema=object_schema(properties, required=list(properties)),
        output_schema=object_schema({"kilometres": KILOMETRES}, required=["kilometres"]),
        read_only=True,
    )


def _nearest(design: EntityTools, tool: NearestTool) -> ToolSpec:
    entity = design.entity
    key = key_schemas(tool.key_parameters)
    place = object_schema(
        {"kilometres": KILOMETRES, "row": row_schema(entity)}, required=["kilometres", "row"]
    )
    return ToolSpec(
        name=tool.name,
        description=f"List the other {entity.plural} by their distance from one of them, the "
        f"nearest first; ties are in ascending order of the key. Fails when there is no such "
        f"{entity.singular}{_unplaced(entity, tool)}.",
        input_schema=object_schema(
            {
                **key,
                "within_km": {
                    **nullable({"type": "number", "minimum": 0, "maximum": 20100}),
                    "default": None,
                    "description": "Keeps those at most so many kilometres away.",
                },
                **limit_schema(),
            },
            required=list(key),
        ),
        output_schema=object_schema(
            {
                "total": {"type": "integer", "description": f"How many {entity.plural} match."},
                "places": {"type": "array", "items": place},
                "truncated": {"type": "boolean", "description": "Whether there are more."},
            },
            required=["total", "places", "truncated"],
        ),
        read_only=True,
    )


def _unplaced(entity: Entity, tool: DistanceTool | NearestTool) -> str:
    nulls = tool.latitude.profile.nulls + tool.longitude.profile.nulls
    return f", and when the {entity.singular} has no coordinates" if nulls else ""
