"""The functions of tools that read."""

from collections.abc import Sequence

from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.code_text import (
    alias,
    constant,
    function,
    key_signature,
    key_values,
    python_type,
    statement,
    text,
)
from astra_arena.synthesizer.tables.tool_design import (
    DEFAULT_LIMIT,
    AroundDateTool,
    CompareTool,
    DistanceTool,
    EntityTools,
    Filter,
    FilterOperator,
    GroupTool,
    NearestTool,
    PeriodTool,
    ReadTool,
    RelatedTool,
)

SORTED, MEASURED, GROUPED, DATED = "SortBy", "Measure", "GroupBy", "Date"
"""Endings of the names of types that hold columns to choose from."""
_PAGED = (f"limit: int = {DEFAULT_LIMIT}", "offset: int = 0")
_PAGE = ("limit=limit", "offset=offset")
_CONDITIONS: dict[FilterOperator, str] = {
    "is": "{} = ?",
    "at_least": "{} >= ?",
    "at_most": "{} <= ?",
    "contains": "instr(lower({}), lower(?)) > 0",
    "starts_with": "instr(lower({}), lower(?)) = 1",
}


def basic_code(design: EntityTools, specs: dict[str, ToolSpec]) -> list[str]:
    """Return the functions that get, search, count and summarise."""
    entity = design.entity
    table = constant(entity)
    found = statement("row = ", "_existing", ["world", table, *key_values(design.key_parameters)])
    filters, conditions = _filter_signature(design), _conditions(design)
    sorted_signature, sorting = _sorting(entity, design.sorted_by)
    paged = [*sorted_signature, *_PAGED]
    page = statement("return ", "_page", ["world", table, "conditions", *sorting, *_PAGE])
    functions = [
        function(
            specs[design.get],
            key_signature(design.key_parameters),
            f'{found}    return {{"row": row}}\n',
        ),
        function(specs[design.find], [*filters, *paged], conditions + page),
        function(
            specs[design.count],
            filters,
            f'{conditions}    return {{"total": _count(world, {table}, conditions)}}\n',
        ),
    ]
    if design.summarise:
        column = f"column: {alias(entity, MEASURED)}"
        summary = statement("return ", "_summary", ["world", table, "column", "conditions"])
        functions.append(
            function(specs[design.summarise], [column, *filters], conditions + summary)
        )
    return functions


def read_code(design: EntityTools, tool: ReadTool, spec: ToolSpec) -> str:
    """Return the function of one of an entity's further reading tools."""
    match tool:
        case RelatedTool():
            return _related(design.entity, tool, spec)
        case GroupTool():
            return _group(design, tool, spec)
        case CompareTool():
            return _compare(design.entity, tool, spec)
        case PeriodTool():
            return _period(design.entity, tool, spec)
        case AroundDateTool():
            return _around_date(design.entity, tool, spec)
        case DistanceTool():
            return _distance(design.entity, tool, spec)
        case NearestTool():
            return _nearest(design.entity, tool, spec)


def _related(entity: Entity, tool: RelatedTool, spec: ToolSpec) -> str:
    table, parent = constant(entity), constant(tool.parent)
    names = key_values(tool.key_parameters)
    columns = dict(zip(tool.reference.target_columns, tool.reference.columns, strict=True))
    lines = [
        f"({text(entity.by_name[columns[attribute.name]].sql + ' = ?')}, {name})"
        for name, attribute in tool.key_parameters
    ]
    signature, sorting = _sorting(entity, tool.sorted_by)
    return function(
        spec,
        [*key_signature(tool.key_parameters), *signature, *_PAGED],
        statement("", "_existing", ["world", parent, *names])
        + f"    conditions: Conditions = [{', '.join(lines)}]\n"
        + statement("return ", "_page", ["world", table, "conditions", *sorting, *_PAGE]),
    )


def _group(design: EntityTools, tool: GroupTool, spec: ToolSpec) -> str:
    entity = design.entity
    table = constant(entity)
    direction = 'order: Literal["ascending", "descending"] = "descending"'
    by = f"by: {alias(entity, GROUPED)}"
    filters = _filter_signature(design)
    if not tool.measures:
        # `sort_by` has one value only; it stands there as in every other grouping tool.
        sort_by = 'sort_by: Literal["count"] = "count"'
        arguments = ["world", table, "by", "conditions", "order=order", *_PAGE]
        return function(
            spec,
            [by, *filters, sort_by, direction, *_PAGED],
            _conditions(design) + statement("return ", "_counts", arguments),
        )
    column = f"column: {alias(entity, MEASURED)} | None = None"
    arguments = ["world", table, "by", "column", "conditions", "sort_by=sort_by", "order=order"]
    return function(
        spec,
        [by, column, *filters, 'sort_by: Figure = "count"', direction, *_PAGED],
        _conditions(design) + statement("return ", "_groups", [*arguments, *_PAGE]),
    )


def _compare(entity: Entity, tool: CompareTool, spec: ToolSpec) -> str:
    table = constant(entity)
    fields = ", ".join(text(attribute.field) for attribute in tool.compared)
    listed = f"[{fields}]"
    return function(
        spec,
        [*key_signature(tool.first), *key_signature(tool.second)],
        _both(table, tool.first, tool.second)
        + _reply("comparison", "_compared", ["first", "second", listed]),
    )


def _both(
    table: str,
    first: Sequence[tuple[str, Attribute]],
    second: Sequence[tuple[str, Attribute]],
) -> str:
    return statement(
        "first = ", "_existing", ["world", table, *(name for name, _ in first)]
    ) + statement("second = ", "_existing", ["world", table, *(name for name, _ in second)])


def _reply(field: str, name: str, arguments: list[str]) -> str:
    line = statement(f'return {{"{field}": ', name, arguments, tail="}")
    if line.count("\n") == 1:
        return line
    return statement(f"{field} = ", name, arguments) + f'    return {{"{field}": {field}}}\n'


def _period(entity: Entity, tool: PeriodTool, spec: ToolSpec) -> str:
    found = ["world", constant(entity), *key_values(tool.key_parameters)]
    dated = alias(entity, DATED)
    return function(
        spec,
        [*key_signature(tool.key_parameters), f"start: {dated}", f"end: {dated}"],
        statement("row = ", "_existing", found) + "    return _period(row, start, end)\n",
    )


def _around_date(entity: Entity, tool: AroundDateTool, spec: ToolSpec) -> str:
    table = constant(entity)
    several = len(tool.dates) > 1
    column = [f"column: {alias(entity, DATED)}"] if several else []
    sort_by = "column" if several else text(tool.dates[0].field)
    return function(
        spec,
        [*column, "day: str", "days: int", *_PAGED],
        f"    conditions = _around({table}.columns[{sort_by}], day, days)\n"
        + statement(
            "return ", "_page", ["world", table, "conditions", f"sort_by={sort_by}", *_PAGE]
        ),
    )


def _distance(entity: Entity, tool: DistanceTool, spec: ToolSpec) -> str:
    table = constant(entity)
    fields = f"{text(tool.latitude.field)}, {text(tool.longitude.field)}"
    return function(
        spec,
        [*key_signature(tool.first), *key_signature(tool.second)],
        _both(table, tool.first, tool.second)
        + f"    start = _place({table}, first, {fields})\n"
        + f"    end = _place({table}, second, {fields})\n"
        + '    return {"kilometres": _kilometres(start, end)}\n',
    )


def _nearest(entity: Entity, tool: NearestTool, spec: ToolSpec) -> str:
    table = constant(entity)
    names = key_values(tool.key_parameters)
    places = [text(tool.latitude.field), text(tool.longitude.field)]
    arguments = ["world", table, "row", *places, "within_km=within_km", "limit=limit"]
    return function(
        spec,
        [*key_signature(tool.key_parameters), "within_km: float | None = None", _PAGED[0]],
        statement("row = ", "_existing", ["world", table, *names])
        + statement("return ", "_nearest", arguments),
    )


def _sorting(entity: Entity, sorted_by: tuple[Attribute, ...]) -> tuple[list[str], list[str]]:
    """Return parameters that sort, and how they are handed on."""
    if not sorted_by:
        return [], []
    signature = [
        f"sort_by: {alias(entity, SORTED)} | None = None",
        'order: Literal["ascending", "descending"] = "ascending"',
    ]
    return signature, ["sort_by=sort_by", "order=order"]


def _filter_signature(design: EntityTools) -> list[str]:
    return [f"{rule.parameter}: {_filter_type(rule)} | None = None" for rule in design.filters]


def _filter_type(rule: Filter) -> str:
    plain = python_type(rule.attribute)
    return f"list[{plain}]" if rule.operator == "one_of" else plain


def _conditions(design: EntityTools) -> str:
    lines = [f"        {_condition(rule)},\n" for rule in design.filters]
    return f"    conditions: Conditions = [\n{''.join(lines)}    ]\n"


def _condition(rule: Filter) -> str:
    column = rule.attribute.sql
    if rule.operator == "one_of":
        return f"_one_of({text(column)}, {rule.parameter})"
    # Not by `format`: names of columns may hold braces.
    return f"({text(_CONDITIONS[rule.operator].replace('{}', column))}, {rule.parameter})"
