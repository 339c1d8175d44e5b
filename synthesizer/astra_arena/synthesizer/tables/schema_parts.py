"""Parts of tool schemas: values of columns, rows, filters, pages, and what each means."""

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.profile import EXACT_LIMIT
from astra_arena.synthesizer.tables.tool_design import (
    DEFAULT_LIMIT,
    MOST_ROWS,
    EntityTools,
    Filter,
    KeyParameters,
)

LONGEST_LISTED_VALUE = 30
LARGEST_INTEGER = 2**63 - 1
"""SQLite holds no larger one."""
MOST_LISTED = 20
"""Values in one list of a filter."""
MEAN_DIGITS = 4
"""Digits after the point of a mean or sum; more would depend on the order of the rows."""


def key_schemas(parameters: KeyParameters, which: str = "") -> JsonObject:
    """Return the schemas of parameters that name a row, said to be the first one, or another."""
    return {
        name: {**value_schema(attribute), "description": which + meaning(attribute)}
        for name, attribute in parameters
    }


def sorting_schemas(entity: Entity, sorted_by: tuple[Attribute, ...]) -> JsonObject:
    """Return the parameters that sort rows; none where there is nothing to sort by."""
    if not sorted_by:
        return {}
    fields: list[Json] = [attribute.field for attribute in sorted_by]
    key = ", ".join(a.field for a in entity.key_attributes)
    return {
        "sort_by": {
            **nullable({"type": "string", "enum": fields}),
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


def paging_schemas() -> JsonObject:
    """Return the parameters that choose a page."""
    return {
        **limit_schema(),
        "offset": {
            "type": "integer",
            "minimum": 0,
            "maximum": EXACT_LIMIT - 1,
            "default": 0,
            "description": "Rows to pass over before the first one returned.",
        },
    }


def limit_schema() -> JsonObject:
    """Return the parameter that bounds a reply."""
    return {
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_ROWS,
            "default": DEFAULT_LIMIT,
            "description": f"How many rows to return, 1 to {MOST_ROWS}; ask for no more than are "
            "needed.",
        }
    }


def page_schema(entity: Entity) -> JsonObject:
    """Return the schema of a reply with one page of rows."""
    return object_schema(
        {
            "total": {"type": "integer", "description": f"How many {entity.plural} match."},
            "rows": {"type": "array", "items": row_schema(entity)},
            "truncated": {"type": "boolean", "description": "Whether more rows follow."},
        },
        required=["total", "rows", "truncated"],
    )


def filter_schemas(design: EntityTools) -> JsonObject:
    """Return the parameters that keep some of the rows."""
    return {
        rule.parameter: {
            **nullable(_filter_value(rule)),
            "default": None,
            "description": filter_meaning(rule),
        }
        for rule in design.filters
    }


def _filter_value(rule: Filter) -> JsonObject:
    value = value_schema(rule.attribute)
    match rule.operator:
        case "one_of":
            return {"type": "array", "items": value, "minItems": 1, "maxItems": MOST_LISTED}
        case "contains" | "starts_with":
            return {**value, "minLength": 1}
        case _:
            return value


def value_schema(attribute: Attribute) -> JsonObject:
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
                nullable({"type": json_type(attribute)})
                if attribute.profile.nulls
                else {"type": json_type(attribute)}
            ),
            "description": meaning(attribute),
        }
        for attribute in entity.attributes
    }
    return object_schema(properties, required=list(properties))


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
        case "contains":
            return f"Keeps rows whose {attribute.label} contains this; capitals do not matter."
        case "starts_with":
            return f"Keeps rows whose {attribute.label} starts with this; capitals do not matter."
        case "one_of":
            return f"Keeps rows whose {attribute.label} is one of these."


def _listed_values(attribute: Attribute) -> str:
    profile = attribute.profile
    values = [value for value, _ in profile.frequent]
    if profile.distinct > len(values) or profile.longest > LONGEST_LISTED_VALUE:
        return ""
    if not profile.is_category:
        # A list of what nearly every row has alone would answer questions.
        return ""
    # In the order of the alphabet: the order of frequency would give statistics away.
    listed = ", ".join(sorted(str(value) for value in values))
    return f" One of {listed}." if listed else ""


def object_schema(properties: JsonObject, *, required: list[str] | None = None) -> JsonObject:
    """Return the schema of an object with these properties and no others."""
    schema: JsonObject = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list[Json](required)
    return schema


def nullable(schema: JsonObject) -> JsonObject:
    """Return the schema of what satisfies `schema`, or is null."""
    # Not a list of types: clients that map schemas onto a dialect with one type each drop those.
    return {"anyOf": [schema, {"type": "null"}]}
