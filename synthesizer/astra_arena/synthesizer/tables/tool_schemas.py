"""JSON Schemas and descriptions of the tools: what an agent is told of them."""

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.read_schemas import read_spec
from astra_arena.synthesizer.tables.schema_parts import (
    MEAN_DIGITS,
    filter_schemas,
    key_schemas,
    meaning,
    nullable,
    object_schema,
    page_schema,
    paging_schemas,
    row_schema,
    sorting_schemas,
)
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.write_schemas import write_spec

METRICS = ("minimum", "maximum", "mean", "sum")
"""What a summary says of a column."""


def tool_specs(design: EntityTools) -> tuple[ToolSpec, ...]:
    """Return what an agent is told of an entity's tools, in the order of its names."""
    entity = design.entity
    specs = [_get_spec(design), _find_spec(design), _count_spec(design)]
    if design.summarise:
        specs.append(_summarise_spec(design, design.summarise))
    about = entity.words.description
    if about:
        specs[0] = specs[0].model_copy(update={"description": f"{specs[0].description} {about}"})
    specs += [read_spec(design, tool) for tool in design.reads]
    specs += [write_spec(design, tool) for tool in design.writes]
    return tuple(specs)


def _get_spec(design: EntityTools) -> ToolSpec:
    entity = design.entity
    properties = key_schemas(design.key_parameters)
    described = " and ".join(a.label for a in entity.key_attributes)
    return ToolSpec(
        name=design.get,
        description=f"Return the one {entity.singular} with this {described}, all columns. "
        f"Fails when there is none; {design.find} searches.",
        input_schema=object_schema(properties, required=list(properties)),
        output_schema=object_schema({"row": row_schema(entity)}, required=["row"]),
        read_only=True,
    )


def _find_spec(design: EntityTools) -> ToolSpec:
    entity = design.entity
    return ToolSpec(
        name=design.find,
        description=f"Search {entity.plural}: those that satisfy every filter given, sorted, one "
        f"page at a time. `total` counts all of them; `truncated` says whether more follow after "
        f"this page.",
        input_schema=object_schema(
            {
                **filter_schemas(design),
                **sorting_schemas(entity, design.sorted_by),
                **paging_schemas(),
            }
        ),
        output_schema=page_schema(entity),
        read_only=True,
    )


def _count_spec(design: EntityTools) -> ToolSpec:
    entity = design.entity
    return ToolSpec(
        name=design.count,
        description=f"Count the {entity.plural} that satisfy every filter given.",
        input_schema=object_schema(filter_schemas(design)),
        output_schema=object_schema(
            {"total": {"type": "integer", "description": f"How many {entity.plural} match."}},
            required=["total"],
        ),
        read_only=True,
    )


def _summarise_spec(design: EntityTools, name: str) -> ToolSpec:
    entity = design.entity
    fields: list[Json] = [attribute.field for attribute in design.measures]
    meanings = "; ".join(f"{a.field}: {meaning(a).rstrip('.')}" for a in design.measures)
    metrics: JsonObject = {metric: nullable({"type": "number"}) for metric in METRICS}
    return ToolSpec(
        name=name,
        description=f"Minimum, maximum, mean and sum of one column over the {entity.plural} that "
        f"satisfy every filter given. Rows without a value are passed over; mean and sum are "
        f"rounded to {MEAN_DIGITS} digits.",
        input_schema=object_schema(
            {
                "column": {"type": "string", "enum": fields, "description": f"{meanings}."},
                **filter_schemas(design),
            },
            required=["column"],
        ),
        output_schema=object_schema(
            {"column": {"type": "string"}, **metrics}, required=["column", *METRICS]
        ),
        read_only=True,
    )
