"""Writes `tools.py`: plain typed Python over the standard library, to be read by people.

The code is written from the shape of the data alone; it never sees a task or its gold.
"""

from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.catalogue import Attribute
from astra_arena.synthesizer.tables.code_text import alias, choices, constant, text, wrapped
from astra_arena.synthesizer.tables.naming import joined
from astra_arena.synthesizer.tables.read_code import (
    DATED,
    GROUPED,
    MEASURED,
    SORTED,
    basic_code,
    read_code,
)
from astra_arena.synthesizer.tables.shared_code import (
    imports_for,
    shared_functions,
    shared_types,
)
from astra_arena.synthesizer.tables.tool_design import (
    AroundDateTool,
    EntityTools,
    GroupTool,
    PeriodTool,
)
from astra_arena.synthesizer.tables.write_code import write_code, write_constants

_HEAD = '''\
"""Tools over {tables}

{writing}
Each takes the world, a connection to an SQLite database, and the keyword arguments that its input
schema describes. What an agent may see of a refusal is the message of a `LookupError` or
`ValueError` raised here.
"""

'''
_READING = "They read and never write."
_WRITING = "Some of them write, and a call that is refused has changed nothing."

_FIGURE = '\nFigure: TypeAlias = Literal["count", "minimum", "maximum", "mean", "sum"]\n'


def write_tools(designs: tuple[EntityTools, ...], specs: dict[str, ToolSpec]) -> str:
    """Return the text of `tools.py`."""
    functions: list[str] = []
    for design in designs:
        functions += basic_code(design, specs)
        functions += [read_code(design, tool, specs[tool.name]) for tool in design.reads]
        functions += [write_code(design, tool, specs[tool.name]) for tool in design.writes]
    tools = "\n\n".join(functions)
    constants = "".join(
        _table(design) + _choices(design) + write_constants(design) for design in designs
    )
    figure = _FIGURE if "sort_by: Figure" in tools else ""
    shared = shared_functions(tools)
    body = f"{shared_types()}\n{figure}{constants}\n\n{shared}\n\n{tools}"
    return f"{_head(designs)}{imports_for(body)}\n{body}"


def _head(designs: tuple[EntityTools, ...]) -> str:
    nouns = wrapped(f"{joined([d.entity.plural for d in designs])}.", width=82)
    tables = "\n".join(line.replace("\\", "\\\\").replace('"', "'") for line in nouns)
    writes = any(design.writes for design in designs)
    return _HEAD.format(tables=tables, writing=_WRITING if writes else _READING)


def _table(design: EntityTools) -> str:
    entity = design.entity
    columns = "".join(f"        {text(a.field)}: {text(a.sql)},\n" for a in entity.attributes)
    key = ", ".join(text(attribute.field) for attribute in entity.key_attributes)
    comma = "," if len(entity.key) == 1 else ""
    return (
        f"\n{constant(entity)} = Table(\n"
        f"    sql={text(entity.sql)},\n"
        f"    columns={{\n{columns}    }},\n"
        f"    key=({key}{comma}),\n"
        f"    noun={text(entity.singular)},\n"
        f"    search={text(design.find)},\n"
        f")\n"
    )


def _choices(design: EntityTools) -> str:
    """Return the types of parameters that name a column."""
    grouped: tuple[Attribute, ...] = ()
    dated: tuple[Attribute, ...] = ()
    for tool in design.reads:
        if isinstance(tool, GroupTool):
            grouped = tool.by
        elif isinstance(tool, AroundDateTool | PeriodTool) and len(tool.dates) > 1:
            dated = tool.dates
    chosen = (
        (SORTED, design.sorted_by),
        (MEASURED, design.measures),
        (GROUPED, grouped),
        (DATED, dated),
    )
    return "".join(
        "\n" + choices(alias(design.entity, suffix), [a.field for a in attributes])
        for suffix, attributes in chosen
        if attributes
    )
