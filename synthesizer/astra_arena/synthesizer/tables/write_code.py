"""The functions of tools that write, and what they know of statuses and values."""

from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.sources.column_types import notation
from astra_arena.synthesizer.tables.catalogue import Entity
from astra_arena.synthesizer.tables.code_text import (
    alias,
    camel,
    choices,
    constant,
    function,
    key_signature,
    key_values,
    mapping,
    python_type,
    statement,
    text,
    tuple_of,
)
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.write_kinds import (
    CancelTool,
    CheckedReference,
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


def write_constants(design: EntityTools) -> str:
    """Return the types and steps that an entity's writing tools use."""
    entity = design.entity
    chosen: dict[str, tuple[str | int, ...]] = {}
    steps: StatusSteps | None = None
    for tool in design.writes:
        if isinstance(tool, CreateTool | UpdateTool):
            for value in tool.values:
                if value.choices:
                    chosen[_value_type(entity, value)] = value.choices
        if isinstance(tool, SetStatusTool):
            chosen[_step_type(entity, tool)] = tool.choices
        if isinstance(tool, SetStatusTool | CancelTool):
            steps = tool.status
    parts = [f"\n{choices(name, values)}" for name, values in chosen.items()]
    if steps is not None:
        lines = [f"    {text(v)}: {tuple_of(after)},\n" for v, after in steps.steps]
        name = _steps_name(entity, steps)
        parts.append(f"\n{name}: dict[str, tuple[str, ...]] = {{\n{''.join(lines)}}}\n")
    return "".join(parts)


def write_code(design: EntityTools, tool: WriteTool, spec: ToolSpec) -> str:
    """Return the function of a tool that changes rows of an entity."""
    entity = design.entity
    match tool:
        case CreateTool():
            return _create(entity, tool, spec)
        case UpdateTool():
            return _update(entity, tool, spec)
        case SetStatusTool():
            return _set_status(entity, tool, spec)
        case CancelTool():
            return _cancel(entity, tool, spec)
        case RemoveTool():
            return _remove(entity, tool, spec)
        case ReassignTool():
            return _reassign(entity, tool, spec)
        case MoveAmountTool():
            return _move_amount(entity, tool, spec)


def _steps_name(entity: Entity, status: StatusSteps) -> str:
    return f"{constant(entity)}_{status.attribute.field.upper()}_STEPS"


def _value_type(entity: Entity, value: WrittenValue) -> str:
    return alias(entity, f"{camel(value.attribute.field)}Value")


def _step_type(entity: Entity, tool: SetStatusTool) -> str:
    return alias(entity, f"{camel(tool.status.attribute.field)}Step")


def _create(entity: Entity, tool: CreateTool, spec: ToolSpec) -> str:
    table = constant(entity)
    checks = [_check(entity, value) for value in tool.values]
    checks += [_reference(reference) for reference in tool.references]
    written = {value.attribute.name: value.parameter for value in tool.values}
    body = "".join(checks)
    if tool.numbering is None:
        key = [written[name] for name in entity.key]
        body += statement("", "_require_free", ["world", table, *key])
    else:
        body += _numbered(entity, tool)
        written[tool.numbering.attribute.name] = "number"
    if tool.status is not None:
        written[tool.status.attribute.name] = text(tool.status.initial)
    lines = [
        f"        {text(attribute.field)}: {written[attribute.name]},\n"
        for attribute in entity.attributes
        if attribute.name in written
    ]
    return function(
        spec,
        [_parameter(entity, value) for value in tool.values],
        f"{body}    row: Row = {{\n{''.join(lines)}    }}\n"
        f'    return {{"row": _insert(world, {table}, row)}}\n',
    )


def _numbered(entity: Entity, tool: CreateTool) -> str:
    numbering = tool.numbering
    assert numbering is not None, "asked for numbered keys only"
    table, field = constant(entity), text(numbering.attribute.field)
    if numbering.prefix:
        arguments = [f"{text(numbering.prefix)}", str(numbering.digits)]
        return statement("number = ", "_next_code", ["world", table, field, *arguments])
    within = mapping([(attribute.field, name) for name, attribute in numbering.within])
    return statement("number = ", "_next_number", ["world", table, field, within])


def _reference(checked: CheckedReference) -> str:
    looked_up = statement("", "_existing", ["world", constant(checked.target), *checked.parameters])
    if not checked.optional:
        return looked_up
    given = " and ".join(f"{name} is not None" for name in checked.parameters)
    indented = "".join(f"    {line}\n" for line in looked_up.splitlines())
    return f"    if {given}:\n{indented}"


def _update(entity: Entity, tool: UpdateTool, spec: ToolSpec) -> str:
    table = constant(entity)
    given = [
        f"        {text(value.attribute.field)}: {value.parameter},\n" for value in tool.values
    ]
    return function(
        spec,
        [
            *key_signature(tool.key_parameters),
            *(_parameter(entity, value) for value in tool.values),
        ],
        _row(entity, tool.key_parameters)
        + "".join(_check(entity, value) for value in tool.values)
        + f"    changes: Row = {{\n{''.join(given)}    }}\n"
        + f'    return {{"row": _change(world, {table}, row, changes)}}\n',
    )


def _set_status(entity: Entity, tool: SetStatusTool, spec: ToolSpec) -> str:
    return function(
        spec,
        [*key_signature(tool.key_parameters), f"{tool.parameter}: {_step_type(entity, tool)}"],
        _row(entity, tool.key_parameters) + _stepping(entity, tool.status, tool.parameter),
    )


def _cancel(entity: Entity, tool: CancelTool, spec: ToolSpec) -> str:
    return function(
        spec,
        key_signature(tool.key_parameters),
        _row(entity, tool.key_parameters) + _stepping(entity, tool.status, text(tool.value)),
    )


def _stepping(entity: Entity, status: StatusSteps, wanted: str) -> str:
    table, field = constant(entity), text(status.attribute.field)
    return statement(
        "", "_require_step", [table, _steps_name(entity, status), "row", field, wanted]
    ) + _changed(entity, field, wanted)


def _changed(entity: Entity, field: str, value: str) -> str:
    arguments = ["world", constant(entity), "row", f"{{{field}: {value}}}"]
    return statement('return {"row": ', "_change", arguments, tail="}")


def _remove(entity: Entity, tool: RemoveTool, spec: ToolSpec) -> str:
    return function(
        spec,
        key_signature(tool.key_parameters),
        _row(entity, tool.key_parameters)
        + f'    return {{"row": _delete(world, {constant(entity)}, row)}}\n',
    )


def _reassign(entity: Entity, tool: ReassignTool, spec: ToolSpec) -> str:
    table, target = constant(entity), constant(tool.target)
    attribute = entity.by_name[tool.reference.columns[0]]
    key_type = python_type(tool.target.key_attributes[0])
    body = _row(entity, tool.key_parameters)
    body += statement("", "_existing", ["world", target, tool.parameter])
    if tool.status is not None and tool.status.final:
        field, final = text(tool.status.attribute.field), tuple_of(tool.status.final)
        body += statement("", "_require_open", [table, "row", field, final])
    return function(
        spec,
        [*key_signature(tool.key_parameters), f"{tool.parameter}: {key_type}"],
        body + _changed(entity, text(attribute.field), tool.parameter),
    )


def _move_amount(entity: Entity, tool: MoveAmountTool, spec: ToolSpec) -> str:
    table = constant(entity)
    arguments = ["world", table, "source", "destination", text(tool.attribute.field), "amount"]
    source = ["world", table, *key_values(tool.source)]
    destination = ["world", table, *key_values(tool.destination)]
    return function(
        spec,
        [
            *key_signature(tool.source),
            *key_signature(tool.destination),
            f"amount: {python_type(tool.attribute)}",
        ],
        statement("source = ", "_existing", source)
        + statement("destination = ", "_existing", destination)
        + statement("return ", "_move_amount", [*arguments, str(tool.digits)]),
    )


def _row(entity: Entity, key: tuple[tuple[str, object], ...]) -> str:
    names = [name for name, _ in key]
    return statement("row = ", "_existing", ["world", constant(entity), *names])


def _parameter(entity: Entity, value: WrittenValue) -> str:
    plain = _value_type(entity, value) if value.choices else python_type(value.attribute)
    return f"{value.parameter}: {plain}{'' if value.required else ' | None = None'}"


def _check(entity: Entity, value: WrittenValue) -> str:
    """Return the line that refuses wrong values of a column; none where every value is right."""
    named = value.attribute.name in entity.reference_columns
    said = [text(value.parameter), value.parameter]
    if value.choices:
        kind = _value_type(entity, value)
        return statement("", "_require_one_of", [*said, f"get_args({kind})"])
    if value.at_least_zero:
        return statement("", "_require_at_least_zero", said)
    match value.attribute.profile.logical_type:
        case "date":
            return statement("", "_require_day", said)
        case "datetime":
            pattern = notation(str(value.attribute.profile.minimum))
            return statement("", "_require_moment", [*said, text(pattern)])
        case "text" if not named:
            return statement("", "_require_text", said)
        case _:
            return ""
