"""JSON Schemas and descriptions of the tools: what an agent is told of them."""

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.profile import EXACT_LIMIT
from astra_arena.synthesizer.tables.tool_design import DEFAULT_LIMIT, MOST_ROWS, EntityTools, Filter

LONGEST_LISTED_VALUE = 30
LARGEST_INTEGER = 2**63 - 1
"""SQLite holds no larger one."""

METRICS = ("minimum", "maximum", "mean", "sum")
"""What a summary says of a column."""
MEAN_DIGITS = 4
"""Digits after the point of a mean or sum; more would depend on the order of the rows."""


def tool_specs(design: EntityTools) -> tuple[ToolSpec, ...]:
    """Return what an agent is told of an entity's tools."""
    entity = design.entity
    specs = [_get_spec(design), _find_spec(design), _count_spec(design)]
    if design.summarise:
        specs.append(_summarise_spec(design, design.summarise))
    about = entity.words.description
    if about:
        specs[0] = specs[0].model_copy(update={"description": f"{specs[0].description} {about}"})
    return tuple(specs)


def _get_spec(design: EntityTools) -> ToolSpec:
    entity = design.entity
    properties: JsonObject = {
        name: {**_value_schema(attribute), "description": meaning(attribute)}
        for name, attribute in design.key_parameters
    }
    described = " and ".join(a.label for a in entity.key_attributes)
    return ToolSpec(
        name=design.get,
        description=f"Return the one {entity.singular} with this {described}, all columns. "
        f"Fails when there is none; {design.find} searches.",
        input_schema=_object(properties, required=list(properties)),
        output_schema=_object({"row": row_schema(entity)}, required=["row"]),
        read_only=True,
    )


def _find_spec(design: EntityTools) -> ToolSpec:
    entity = design.entity
    key = ", ".join(a.field for a in entity.key_attributes)
    return ToolSpec(
        name=design.find,
        description=f"Search {entity.plural}: those that satisfy every filter given, sorted, one "
        f"page at a time. `total` counts all of them; `truncated` says whether more follow after "
        f"this page.",
        input_schema=_object(
            {
                **_filter_schemas(design),
                **_sorting_schemas(design, key),
                "limit": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_ROWS,
                    "default": DEFAULT_LIMIT,
                    "description": f"How many rows to return, 1 to {MOST_ROWS}; ask for no more "
                    "than are needed.",
                },
                "offset": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": EXACT_LIMIT - 1,
                    "default": 0,
                    "description": "Rows to pass over before the first one returned.",
                },
            }
        ),
        output_schema=_object(
            {
                "total": {"type": "integer", "description": f"How many {entity.plural} match."},
                "rows": {"type": "array", "items": row_schema(entity)},
                "truncated": {"type": "boolean", "description": "Whether more rows follow."},
            },
            required=["total", "rows", "truncated"],
        ),
        read_only=True,
    )


def _sorting_schemas(design: EntityTools, key: str) -> JsonObject:
    if not design.sorted_by:
        return {}
    fields: list[Json] = [attribute.field for attribute in design.sorted_by]
    return {
        "sort_by": {
            **_nullable({"type": "string", "enum": fields}),
            "default": None,
            "description": f"Column to sort by; rows without a value come last. Ties, and rows "
            f"when this is left out, are in ascending order of {key}.",
        },
        "order": {
            "type": "string",
            "enum": ["ascending", "descending"],
            "default": "ascending",
            "description": "Direction of `sort_by`.",
        },
    }


def _count_spec(design: EntityTools) -> ToolSpec:
    entity = design.entity
    return ToolSpec(
        name=design.count,
        description=f"Count the {entity.plural} that satisfy every filter given.",
        input_schema=_object(_filter_schemas(design)),
        output_schema=_object(
            {"total": {"type": "integer", "description": f"How many {entity.plural} match."}},
            required=["total"],
        ),
        read_only=True,
    )


def _summarise_spec(design: EntityTools, name: str) -> ToolSpec:
    entity = design.entity
    fields: list[Json] = [attribute.field for attribute in design.measures]
    meanings = "; ".join(f"{a.field}: {meaning(a).rstrip('.')}" for a in design.measures)
    metrics: JsonObject = {metric: _nullable({"type": "number"}) for metric in METRICS}
    return ToolSpec(
        name=name,
        description=f"Minimum, maximum, mean and sum of one column over the {entity.plural} that "
        f"satisfy every filter given. Rows without a value are passed over; mean and sum are "
        f"rounded to {MEAN_DIGITS} digits.",
        input_schema=_object(
            {
                "column": {"type": "string", "enum": fields, "description": f"{meanings}."},
                **_filter_schemas(design),
            },
            required=["column"],
        ),
        output_schema=_object(
            {"column": {"type": "string"}, **metrics}, required=["column", *METRICS]
        ),
        read_only=True,
    )


def _filter_schemas(design: EntityTools) -> JsonObject:
    return {
        rule.parameter: {
            **_nullable(_value_schema(rule.attribute)),
            "default": None,
            "description": filter_meaning(rule),
        }
        for rule in design.filters
    }


def _value_schema(attribute: Attribute) -> JsonObject:
    """Return the schema of a value to look for; a number is one that the database can hold."""
    kind = json_type(attribute)
    if kind == "string":
        return {"type": kind}
    exact = attribute.profile.magnitude < EXACT_LIMIT
    most = EXACT_LIMIT - 1 if exact else LARGEST_INTEGER
    return {"type": kind, "minimum": -most, "maximum": most}


def row_schema(entity: Entity) -> JsonObject:
    """Return the schema of one row in a reply."""
    properties: JsonObject = {
        attribute.field: {
            **(
                _nullable({"type": json_type(attribute)})
                if attribute.profile.nulls
                else {"type": json_type(attribute)}
            ),
            "description": meaning(attribute),
        }
        for attribute in entity.attributes
    }
    return _object(properties, required=list(properties))


def json_type(attribute: Attribute) -> str:
    """Return the JSON type of a column's values."""
    match attribute.profile.logical_type:
        case "integer" | "boolean":
            return "integer"
        case "real":
            return "number"
        case _:
            return "string"


def meaning(attribute: Attribute) -> str:
    """Say what a column holds."""
    words = attribute.words.description
    if words is None:
        unit = f", in {attribute.words.unit}" if attribute.words.unit else ""
        words = f"{attribute.label[:1].upper()}{attribute.label[1:]}{unit}"
    match attribute.profile.logical_type:
        case "boolean":
            words += "; 1 for yes, 0 for no"
        case "date":
            words += ", as YYYY-MM-DD"
        case "datetime":
            pattern = "".join("9" if c.isdigit() else c for c in str(attribute.profile.minimum))
            words += f", written like {pattern}"
        case _:
            pass
    return f"{words}."


def filter_meaning(rule: Filter) -> str:
    """Say which rows a filter keeps."""
    attribute = rule.attribute
    match rule.operator:
        case "is":
            return f"{meaning(attribute)}{_listed_values(attribute)}"
        case "at_least":
            return f"Keeps rows with at least this {attribute.label}."
        case "at_most":
            return f"Keeps rows with at most this {attribute.label}."


def _listed_values(attribute: Attribute) -> str:
    profile = attribute.profile
    values = [value for value, _ in profile.frequent]
    if profile.distinct > len(values) or profile.longest > LONGEST_LISTED_VALUE:
        return ""
    # In the order of the alphabet: the order of frequency would give statistics away.
    listed = ", ".join(sorted(str(value) for value in values))
    return f" One of {listed}." if listed else ""


def _object(properties: JsonObject, *, required: list[str] | None = None) -> JsonObject:
    schema: JsonObject = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list[Json](required)
    return schema


def _nullable(schema: JsonObject) -> JsonObject:
    # Not a list of types: clients that map schemas onto a dialect with one type each drop those.
    return {"anyOf": [schema, {"type": "null"}]}
