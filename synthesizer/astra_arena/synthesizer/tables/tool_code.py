"""Writes `tools.py`: plain typed Python over the standard library, to be read by people.

The code is written from the shape of the data alone; it never sees a task or its gold.
"""

from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.tool_design import (
    DEFAULT_LIMIT,
    MOST_ROWS,
    EntityTools,
    Filter,
    Operator,
)
from astra_arena.synthesizer.tables.tool_schemas import MEAN_DIGITS, json_type

_HEAD = '''\
"""Tools over the tables {tables}; they read and never write.

Each tool takes the world, a connection to an SQLite database, and the keyword arguments that its
input schema describes. What an agent may see of a refusal is the message of a `LookupError` or
`ValueError` raised here.
"""

import sqlite3
from typing import Literal, TypeAlias

Value: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Value]
Conditions: TypeAlias = list[tuple[str, Value]]
"""SQL with one place for a value, and the value; `None` when the filter is not in use."""

'''

_HELPERS = f'''\
def _where(conditions: Conditions) -> tuple[str, list[Value]]:
    """Return the WHERE clause of the filters in use, and its values in order."""
    used = [(sql, value) for sql, value in conditions if value is not None]
    clause = " AND ".join(sql for sql, _ in used)
    return f" WHERE {{clause}}" if clause else "", [value for _, value in used]


def _row(
    world: sqlite3.Connection, table: str, columns: dict[str, str], where: str, key: list[Value]
) -> Row | None:
    """Return the one row with this key, or `None`."""
    listed = ", ".join(columns.values())
    found = world.execute(f"SELECT {{listed}} FROM {{table}} WHERE {{where}}", key).fetchone()
    return None if found is None else dict(zip(columns, found, strict=True))


def _count(world: sqlite3.Connection, table: str, conditions: Conditions) -> int:
    where, values = _where(conditions)
    total: int = world.execute(f"SELECT count(*) FROM {{table}}{{where}}", values).fetchone()[0]
    return total


def _page(
    world: sqlite3.Connection,
    table: str,
    columns: dict[str, str],
    conditions: Conditions,
    *,
    order_by: str,
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of the rows that satisfy the conditions."""
    if not 1 <= limit <= {MOST_ROWS}:
        raise ValueError(f"limit is 1 to {MOST_ROWS}, not {{limit}}")
    if offset < 0:
        raise ValueError(f"offset is 0 or more, not {{offset}}")
    where, values = _where(conditions)
    listed = ", ".join(columns.values())
    found = world.execute(
        f"SELECT {{listed}} FROM {{table}}{{where}} ORDER BY {{order_by}} LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    rows: list[Row] = [dict(zip(columns, row, strict=True)) for row in found]
    total = _count(world, table, conditions)
    return {{"total": total, "rows": rows, "truncated": offset + len(rows) < total}}


def _summary(
    world: sqlite3.Connection, table: str, column: str, sql: str, conditions: Conditions
) -> dict[str, object]:
    """Return minimum, maximum, mean and sum of a column; null when no row has a value."""
    where, values = _where(conditions)
    least, most, mean, total = world.execute(
        f"SELECT min({{sql}}), max({{sql}}), round(avg({{sql}}), {MEAN_DIGITS}), "
        f"CASE WHEN count({{sql}}) THEN round(total({{sql}}), {MEAN_DIGITS}) END "
        f"FROM {{table}}{{where}}",
        values,
    ).fetchone()
    return {{"column": column, "minimum": least, "maximum": most, "mean": mean, "sum": total}}
'''

_SORTED, _MEASURED = "SortBy", "Measure"
_COMPARED: dict[Operator, str] = {"is": "=", "at_least": ">=", "at_most": "<="}


def write_tools(designs: tuple[EntityTools, ...], specs: dict[str, ToolSpec]) -> str:
    """Return the text of `tools.py`."""
    tables = ", ".join(design.entity.many for design in designs)
    parts = [_HEAD.format(tables=tables)]
    parts += [_columns(design.entity) + _choices(design) for design in designs]
    parts.append(f"\n\n{_HELPERS}")
    for design in designs:
        parts.append(f"\n\n{_get_code(design, specs[design.get])}")
        parts.append(f"\n\n{_find_code(design, specs[design.find])}")
        parts.append(f"\n\n{_count_code(design, specs[design.count])}")
        if design.summarise:
            parts.append(f"\n\n{_summarise_code(design, specs[design.summarise])}")
    return "".join(parts)


def _constant(entity: Entity) -> str:
    return f"{entity.many.upper()}_COLUMNS"


def _columns(entity: Entity) -> str:
    lines = [f"    {text(a.field)}: {text(a.sql)},\n" for a in entity.attributes]
    return f"\n{_constant(entity)} = {{\n{''.join(lines)}}}\n"


def _choices(design: EntityTools) -> str:
    """Return names for the columns that a tool may sort by or summarise."""
    chosen = ((_SORTED, design.sorted_by), (_MEASURED, design.measures))
    return "".join(
        f"\n{_choice(design.entity, suffix)}: TypeAlias = Literal[\n"
        + "".join(f"    {text(attribute.field)},\n" for attribute in attributes)
        + "]\n"
        for suffix, attributes in chosen
        if attributes
    )


def _choice(entity: Entity, suffix: str) -> str:
    return "".join(word.capitalize() for word in entity.many.split("_")) + suffix


def _get_code(design: EntityTools, spec: ToolSpec) -> str:
    entity = design.entity
    where = " AND ".join(f"{attribute.sql} = ?" for _, attribute in design.key_parameters)
    values = ", ".join(name for name, _ in design.key_parameters)
    parameters = [f"{name}: {_type(a)}" for name, a in design.key_parameters]
    came = ", ".join(f"{a.field} {{{name}!r}}" for name, a in design.key_parameters)
    message = braced(f"there is no {entity.singular} with ") + f"{came}; "
    return (
        f"{_signature(design.get, parameters)}"
        f"{_docstring(spec)}"
        f"    row = _row(\n"
        f"        world,\n"
        f"        {text(entity.sql)},\n"
        f"        {_constant(entity)},\n"
        f"        {text(where)},\n"
        f"        [{values}],\n"
        f"    )\n"
        f"    if row is None:\n"
        f"        raise LookupError(\n"
        f"            f{text(message)}\n"
        f"            {text(f'{design.find} searches')}\n"
        f"        )\n"
        f'    return {{"row": row}}\n'
    )


def _find_code(design: EntityTools, spec: ToolSpec) -> str:
    entity = design.entity
    key = ", ".join(attribute.sql for attribute in entity.key_attributes)
    parameters = _filter_parameters(design)
    sorting = ""
    order = f"    order_by = {text(key)}\n"
    if design.sorted_by:
        parameters.append(f"sort_by: {_choice(entity, _SORTED)} | None = None")
        parameters.append('order: Literal["ascending", "descending"] = "ascending"')
        sorting = (
            f"    if sort_by is not None:\n"
            f"        by = {_constant(entity)}[sort_by]\n"
            f'        direction = "DESC" if order == "descending" else "ASC"\n'
            f'        order_by = f"{{by}} IS NULL, {{by}} {{direction}}, {{order_by}}"\n'
        )
    parameters += [f"limit: int = {DEFAULT_LIMIT}", "offset: int = 0"]
    return (
        f"{_signature(design.find, parameters)}"
        f"{_docstring(spec)}"
        f"{_conditions(design)}{order}{sorting}"
        f"    return _page(\n"
        f"        world,\n"
        f"        {text(entity.sql)},\n"
        f"        {_constant(entity)},\n"
        f"        conditions,\n"
        f"        order_by=order_by,\n"
        f"        limit=limit,\n"
        f"        offset=offset,\n"
        f"    )\n"
    )


def _count_code(design: EntityTools, spec: ToolSpec) -> str:
    return (
        f"{_signature(design.count, _filter_parameters(design))}"
        f"{_docstring(spec)}"
        f"{_conditions(design)}"
        f'    return {{"total": _count(world, {text(design.entity.sql)}, conditions)}}\n'
    )


def _summarise_code(design: EntityTools, spec: ToolSpec) -> str:
    entity = design.entity
    parameters = [f"column: {_choice(entity, _MEASURED)}", *_filter_parameters(design)]
    return (
        f"{_signature(spec.name, parameters)}"
        f"{_docstring(spec)}"
        f"{_conditions(design)}"
        f"    sql = {_constant(entity)}[column]\n"
        f"    return _summary(world, {text(entity.sql)}, column, sql, conditions)\n"
    )


def _signature(name: str, parameters: list[str]) -> str:
    lines = "".join(f"    {parameter},\n" for parameter in parameters)
    star = "    *,\n" if parameters else ""
    head = f"def {name}(\n    world: sqlite3.Connection,\n{star}{lines}"
    return f"{head}) -> dict[str, object]:\n"


def _docstring(spec: ToolSpec) -> str:
    safe = spec.description.replace("\\", "\\\\").replace('"""', '\\"""').rstrip('"')
    first, _, rest = safe.partition(". ")
    lines = [f'    """{first}.' if rest else f'    """{first}']
    if not rest:
        return f'{lines[0]}"""\n'
    wrapped = _wrapped(rest, width=92)
    return "\n".join([*lines, "", *(f"    {line}" for line in wrapped), '    """\n'])


def _wrapped(sentence: str, *, width: int) -> list[str]:
    lines = [""]
    for word in sentence.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


def _filter_parameters(design: EntityTools) -> list[str]:
    return [f"{rule.parameter}: {_type(rule.attribute)} | None = None" for rule in design.filters]


def _conditions(design: EntityTools) -> str:
    lines = [f"        ({text(_condition(rule))}, {rule.parameter}),\n" for rule in design.filters]
    return f"    conditions: Conditions = [\n{''.join(lines)}    ]\n"


def _condition(rule: Filter) -> str:
    return f"{rule.attribute.sql} {_COMPARED[rule.operator]} ?"


def _type(attribute: Attribute) -> str:
    return {"integer": "int", "number": "float", "string": "str"}[json_type(attribute)]


def text(value: str) -> str:
    """Return a Python string literal, in single quotes where the value holds double ones."""
    literal = repr(value)
    if literal[0] == "'" and '"' not in value and "'" not in value:
        return f'"{literal[1:-1]}"'
    return literal


def braced(value: str) -> str:
    """Return text with its braces doubled, for use inside an f-string."""
    return value.replace("{", "{{").replace("}", "}}")
