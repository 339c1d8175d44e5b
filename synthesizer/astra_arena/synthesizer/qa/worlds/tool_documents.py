"""Tools as a model writes them become documents and code of an environment; what is wrong is told.

The author of tools never sees answers, so findings never name one.
"""

import ast
import keyword
from collections.abc import Iterable, Iterator

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.gates.schemas import tool_problems
from astra_arena.synthesizer.gates.signatures import Signatures
from astra_arena.synthesizer.gates.static import static_findings
from astra_arena.synthesizer.qa.authored.grounding import states
from astra_arena.synthesizer.qa.worlds.replies import FieldType, NewField, NewParameter, NewTool

DEFAULT_EXTRAS = 1
"""Parameters beyond those that are required, of every tool."""
MOST_TOOLS = 60
"""In one world; a list that is longer fits no prompt."""

_SCALARS: dict[FieldType, str] = {
    "text": "string",
    "integer": "integer",
    "real": "number",
    "boolean": "boolean",
}
_ITEMS: dict[FieldType, FieldType] = {"texts": "text", "integers": "integer", "reals": "real"}
_MOST_TEXT = 500
_MOST_ITEMS = 100
_HEAD = '''\
"""Tools over {about}.

They read and never write. Each takes the world, a connection to an SQLite database, and the keyword
arguments that its input schema describes. What an agent may see of a refusal is the message of a
`LookupError` or `ValueError` raised here.
"""
'''


def tool_spec(tool: NewTool) -> ToolSpec:
    """Return what agents are told of a tool.

    Raises:
        SpecError: in words for the model, if it cannot be told.
    """
    data: JsonObject = {
        "name": tool.name,
        "description": " ".join(tool.description.split()),
        "input_schema": {
            "type": "object",
            "properties": {one.name: _parameter_schema(one) for one in tool.parameters},
            "required": [one.name for one in tool.parameters if one.required],
            "additionalProperties": False,
        },
        "output_schema": _output_schema(tool),
        "read_only": True,
    }
    return ToolSpec.from_json(data, what=f"tool {tool.name!r}")


def _parameter_schema(parameter: NewParameter) -> JsonObject:
    schema = _value_schema(parameter.type, bounded=True)
    if not parameter.required:
        if parameter.default is None:
            schema["type"] = [*_as_list(schema["type"]), "null"]
        schema["default"] = parameter.default
    return {**schema, "description": parameter.description}


def _value_schema(kind: FieldType, *, bounded: bool) -> JsonObject:
    if kind in _ITEMS:
        items = _value_schema(_ITEMS[kind], bounded=bounded)
        return {"type": "array", "items": items, **({"maxItems": _MOST_ITEMS} if bounded else {})}
    schema: JsonObject = {"type": _SCALARS[kind]}
    if bounded and kind == "text":
        schema["maxLength"] = _MOST_TEXT
    return schema


def _as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _output_schema(tool: NewTool) -> JsonObject:
    one = _object(
        {field.name: _field_schema(field) for field in tool.fields},
    )
    return one if tool.rows is None else _object({tool.rows: {"type": "array", "items": one}})


def _field_schema(field: NewField) -> JsonObject:
    schema = _value_schema(field.type, bounded=False)
    if field.type in _SCALARS:
        schema["type"] = [*_as_list(schema["type"]), "null"]
    return {**schema, "description": field.description}


def _object(properties: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list[Json](properties),
        "additionalProperties": False,
    }


def tools_text(about: str, tools: Iterable[NewTool]) -> str:
    """Return the text of `tools.py`: the imports of all tools, then their functions."""
    imports: set[str] = set()
    functions: list[str] = []
    for tool in tools:
        for node in ast.parse(tool.code).body:
            if isinstance(node, ast.FunctionDef):
                functions.append(ast.get_source_segment(tool.code, node) or "")
            else:
                imports.add(ast.unparse(node))
    plain = sorted(line for line in imports if line.startswith("import "))
    others = sorted(line for line in imports if not line.startswith("import "))
    parts = [_HEAD.format(about=about).rstrip("\n"), "\n".join([*plain, *others]), *functions]
    return "\n\n\n".join(part for part in parts if part) + "\n"


def tool_findings(
    tools: Iterable[NewTool],
    known: dict[str, NewTool],
    answers: Iterable[Json],
    *,
    extras: int = DEFAULT_EXTRAS,
) -> Iterator[str]:
    """Say what is wrong with new tools.

    Args:
        tools: As the model wrote them.
        known: The tools that the world has, by name.
        answers: What no document and no code may state.
        extras: So many parameters must not be required.
    """
    seen = dict(known)
    bodies = {_body(one.code): one.name for one in known.values()}
    hidden = list(answers)
    for tool in tools:
        if tool.name in seen:
            yield f"{tool.name}: there is a tool of this name; use it, or find another name"
        seen[tool.name] = tool
        yield from (f"{tool.name}: {problem}" for problem in _problems(tool, hidden, extras))
        body = _body(tool.code)
        if body and body in bodies:
            yield f"{tool.name}: its code is that of {bodies[body]}; use {bodies[body]}"
        bodies[body] = tool.name
    if len(seen) > MOST_TOOLS:
        yield f"expected up to {MOST_TOOLS} tools in one world, got {len(seen)}"


def _problems(tool: NewTool, hidden: list[Json], extras: int) -> Iterator[str]:
    names = [one.name for one in tool.parameters]
    fields = [one.name for one in tool.fields]
    for name in (*names, *fields, *([tool.rows] if tool.rows is not None else [])):
        if not name.isidentifier() or not name.islower() or keyword.iskeyword(name):
            yield f"expected names like first_year, got {name!r}"
    if len(set(names)) < len(names) or len(set(fields)) < len(fields):
        yield "expected every parameter and every field once"
    for one in tool.parameters:
        yield from _default_problems(one)
    if sum(not one.required for one in tool.parameters) < extras:
        yield (
            f"expected {extras} optional parameter{'' if extras == 1 else 's'} at least, by which "
            "a reply can be narrowed or changed"
        )
    if not any(one.required for one in tool.parameters):
        yield "expected a parameter that is required: a tool must not return everything"
    yield from _code_problems(tool)
    said = [tool.name, tool.description, tool.code]
    said += [one.description for one in (*tool.parameters, *tool.fields)]
    if any(states(text, value) for text in said for value in hidden):
        yield (
            "its document or code states what one of the sub-questions asks for; say what is "
            "found, and read it from the tables"
        )


def _default_problems(parameter: NewParameter) -> Iterator[str]:
    value = parameter.default
    if parameter.required:
        if value is not None:
            yield f"{parameter.name} is required and has a default"
    elif value is not None and not value_fits(value, parameter.type):
        yield f"{parameter.name}: its default {value!r} is no {parameter.type}"


def value_fits(value: Json, kind: FieldType) -> bool:
    """Tell whether a value is of a parameter's type.

    >>> value_fits(3, "real"), value_fits(True, "integer"), value_fits(["a"], "texts")
    (True, False, True)
    """
    match kind:
        case "text":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "real":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, list) and all(value_fits(one, _ITEMS[kind]) for one in value)


def _code_problems(tool: NewTool) -> Iterator[str]:
    try:
        tree = ast.parse(tool.code)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield f"its code cannot be parsed: {error}"
        return
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    others = [
        node
        for node in tree.body
        if not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom)
    ]
    if [one.name for one in functions] != [tool.name] or others:
        yield f"expected imports and one function {tool.name} as code, and nothing else"
        return
    for finding in static_findings(tree):
        yield finding.problem
    try:
        spec = tool_spec(tool)
    except SpecError as error:
        yield error.message
        return
    for _, problem in tool_problems(spec, Signatures(tree)):
        yield problem


def _body(code: str) -> str:
    """Return what a function does, apart from its name and what is said about it."""
    try:
        function = next(one for one in ast.parse(code).body if isinstance(one, ast.FunctionDef))
    except (SyntaxError, ValueError, RecursionError, StopIteration):
        return ""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return ast.dump(function.args) + "".join(ast.dump(one) for one in body)
