"""Schemas and descriptions of the tools that write: what each changes and what it refuses."""

import re

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.naming import a_or_an, joined
from astra_arena.synthesizer.tables.schema_parts import (
    json_type,
    key_schemas,
    meaning,
    nullable,
    object_schema,
    row_schema,
    value_schema,
)
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.write_kinds import (
    CancelTool,
    CreateTool,
    MoveAmountTool,
    ReassignTool,
    RemoveTool,
    SetStatusTool,
    StatusSteps,
    UpdateTool,
    WriteTool,
    WrittenValue,
)

LONGEST_TEXT = 500


def write_spec(design: EntityTools, tool: WriteTool) -> ToolSpec:
    """Return what an agent is told of a tool that changes rows of an entity."""
    match tool:
        case CreateTool():
            return _create(design.entity, tool)
        case UpdateTool():
            return _update(design.entity, tool)
        case SetStatusTool():
            return _set_status(design.entity, tool)
        case CancelTool():
            return _cancel(design.entity, tool)
        case RemoveTool():
            return _remove(design.entity, tool)
        case ReassignTool():
            return _reassign(design.entity, tool)
        case MoveAmountTool():
            return _move_amount(design.entity, tool)


def _spec(
    tool: WriteTool, entity: Entity, told: str, properties: JsonObject, required: list[str]
) -> ToolSpec:
    return ToolSpec(
        name=tool.name,
        description=told,
        input_schema=object_schema(properties, required=required),
        output_schema=object_schema({"row": row_schema(entity)}, required=["row"]),
        read_only=False,
    )


def _create(entity: Entity, tool: CreateTool) -> ToolSpec:
    told = [f"Add {a_or_an(entity.singular)} and return it."]
    if tool.numbering is None:
        key = " and ".join(a.label for a in entity.key_attributes)
        told.append(f"Refused when there is one with this {key} already.")
    else:
        within = " and ".join(a.label for _, a in tool.numbering.within)
        told.append(
            f"Its {tool.numbering.attribute.label} is the next one"
            f"{f' of the same {within}' if within else ''}."
        )
    if tool.status is not None:
        told.append(f"Its {tool.status.attribute.label} is {tool.status.initial!r} at first.")
    if tool.references:
        targets = dict.fromkeys(reference.target.singular for reference in tool.references)
        told.append(f"The {joined(list(targets))} must be there.")
    properties: JsonObject = {value.parameter: _written(value) for value in tool.values}
    required = [value.parameter for value in tool.values if value.required]
    return _spec(tool, entity, " ".join(told), properties, required)


def _update(entity: Entity, tool: UpdateTool) -> ToolSpec:
    key = key_schemas(tool.key_parameters)
    labels = [value.attribute.label for value in tool.values]
    return _spec(
        tool,
        entity,
        f"Change the {joined(labels)} of {a_or_an(entity.singular)} and return it as it became; "
        f"what is left out stays. Refused when nothing would change.",
        {**key, **{value.parameter: _written(value) for value in tool.values}},
        list(key),
    )


def _set_status(entity: Entity, tool: SetStatusTool) -> ToolSpec:
    key = key_schemas(tool.key_parameters)
    label = tool.status.attribute.label
    wanted: JsonObject = {
        "type": "string",
        "enum": list[Json](tool.choices),
        "description": f"The {label} that it gets.",
    }
    return _spec(
        tool,
        entity,
        f"Set the {label} of {a_or_an(entity.singular)} and return it as it became. "
        f"Allowed are {_steps(tool.status, tool.choices)}; every other step is refused.",
        {**key, tool.parameter: wanted},
        [*key, tool.parameter],
    )


def _steps(status: StatusSteps, choices: tuple[str, ...]) -> str:
    steps = [
        f"{value} to {' or '.join(kept)}"
        for value, following in status.steps
        if (kept := [after for after in following if after in choices])
    ]
    return ", ".join(steps)


def _cancel(entity: Entity, tool: CancelTool) -> ToolSpec:
    key = key_schemas(tool.key_parameters)
    label = tool.status.attribute.label
    allowed = " or ".join(tool.status.before(tool.value))
    return _spec(
        tool,
        entity,
        f"Cancel {a_or_an(entity.singular)}: its {label} becomes {tool.value!r}; returns it as "
        f"it became. Refused unless its {label} is {allowed}.",
        key,
        list(key),
    )


def _remove(entity: Entity, tool: RemoveTool) -> ToolSpec:
    key = key_schemas(tool.key_parameters)
    return _spec(
        tool,
        entity,
        f"Delete {a_or_an(entity.singular)} and return it as it was. Refused when there is none.",
        key,
        list(key),
    )


def _reassign(entity: Entity, tool: ReassignTool) -> ToolSpec:
    key = key_schemas(tool.key_parameters)
    target = tool.target.key_attributes[0]
    final = () if tool.status is None else tool.status.final
    ended = f", or the {entity.singular} is {' or '.join(final)} already" if final else ""
    return _spec(
        tool,
        entity,
        f"Give {a_or_an(entity.singular)} another {tool.role} and return it as it became. "
        f"Refused when that {tool.target.singular} is not there or it is its {tool.role} "
        f"already{ended}.",
        {
            **key,
            tool.parameter: {
                **value_schema(target),
                "description": f"The new {tool.role}: {meaning(target)}",
            },
        },
        [*key, tool.parameter],
    )


def _move_amount(entity: Entity, tool: MoveAmountTool) -> ToolSpec:
    source = key_schemas(tool.source, "Of the one that gives: ")
    destination = key_schemas(tool.destination, "Of the one that gets: ")
    label = tool.attribute.label
    kind = json_type(tool.attribute)
    least: JsonObject = {"minimum": 1} if kind == "integer" else {"exclusiveMinimum": 0}
    digits = f", at most {tool.digits} digits after the point" if tool.digits else ""
    amount: JsonObject = {
        "type": kind,
        **least,
        "maximum": 10**12,
        "description": f"How much to move{digits}.",
    }
    reply: JsonObject = {"from": row_schema(entity), "to": row_schema(entity)}
    return ToolSpec(
        name=tool.name,
        description=f"Move an amount of {label} from one {entity.singular} to another and return "
        f"both as they became; the sum stays. Refused when there is less than that, or both are "
        f"the same.",
        input_schema=object_schema(
            {**source, **destination, "amount": amount}, required=[*source, *destination, "amount"]
        ),
        output_schema=object_schema(reply, required=["from", "to"]),
        read_only=False,
    )


def _written(value: WrittenValue) -> JsonObject:
    schema = _written_value(value)
    told = f"{meaning(value.attribute)}{_among(value)}"
    if value.required:
        return {**schema, "description": told}
    return {**nullable(schema), "default": None, "description": told}


def _written_value(value: WrittenValue) -> JsonObject:
    schema = value_schema(value.attribute)
    if value.choices:
        return {"type": json_type(value.attribute), "enum": list[Json](value.choices)}
    if value.at_least_zero:
        schema["minimum"] = 0
    if schema["type"] == "string":
        return {**schema, **_text_rules(value.attribute)}
    return schema


def _text_rules(attribute: Attribute) -> JsonObject:
    match attribute.profile.logical_type:
        case "date":
            return {"format": "date"}
        case "datetime" if re.fullmatch(r".*T.*Z", str(attribute.profile.minimum)):
            return {"format": "date-time"}
        case _:
            return {"minLength": 1, "maxLength": LONGEST_TEXT}


def _among(value: WrittenValue) -> str:
    if not value.choices or value.attribute.profile.logical_type == "boolean":
        return ""
    return f" One of {', '.join(str(choice) for choice in value.choices)}."
