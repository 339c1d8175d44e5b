"""Writes the `tools.py` of an API: one short function for each operation, to be read by people.

The code is written from the document alone; it never sees a task or its gold.
"""

import ast
import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.apis.action import Action
from astra_arena.synthesizer.apis.action_body import body_of
from astra_arena.synthesizer.apis.operation import Argument
from astra_arena.synthesizer.apis.reply_shapes import admits_null, types_in
from astra_arena.synthesizer.apis.resource import Resource
from astra_arena.synthesizer.apis.view_code import Views
from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.code_text import text

_SHARED = Path(__file__).with_name("shared_api.py")
_HEAD = '''\
"""Tools of {title}, over rows that were made up.

Each takes the world, a connection to an SQLite database, and the keyword arguments that its input
schema describes; those whose names Python cannot spell, or that may be null, come in `given`. What
an agent may see of a refusal is the message of a `LookupError` or `ValueError` raised here.
"""

'''
_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list[Json]",
    "object": "dict[str, Json]",
}
_OWN = frozenset({"world", "given", "found", "row", "values", "conditions", "page"})
"""Names that the functions use themselves."""


def write_api_tools(
    title: str, resources: Mapping[str, Resource], actions: Sequence[Action]
) -> str:
    """Return the text of `tools.py`."""
    used = _used(resources, actions)
    views = Views({one.name: one for one in resources.values()})
    functions = [_function(action, views) for action in actions]
    tables = "".join(_table(one, used) for one in used)
    body = "\n\n".join(functions)
    shared = _shared_functions(body)
    plain = " ".join(title.replace("\\", " ").replace('"', "'").split())
    return (
        f"{_HEAD.format(title=plain)}{_shared_head(body + shared)}\n{tables}\n"
        f"{views.code()}\n\n{shared}\n\n{body}"
    )


def without_doubles(
    resources: Mapping[str, Resource], actions: Sequence[Action]
) -> tuple[list[Action], list[tuple[Action, Action]]]:
    """Return the actions with code of their own, and each other one with that whose code it has."""
    views = Views({one.name: one for one in resources.values()})
    first: dict[str, Action] = {}
    doubles: list[tuple[Action, Action]] = []
    for action in actions:
        function = ast.parse(_function(action, views)).body[0]
        assert isinstance(function, ast.FunctionDef), "each action is one function"
        key = ast.dump(function.args) + "".join(map(ast.dump, function.body[1:]))
        known = first.setdefault(key, action)
        if known is not action:
            doubles.append((action, known))
    return list(first.values()), doubles


def _used(resources: Mapping[str, Resource], actions: Sequence[Action]) -> list[Resource]:
    """Return the resources with a tool, and what these refer to, the latter first."""
    by_name = {one.name: one for one in resources.values()}
    wanted: dict[str, Resource] = {}

    def add(resource: Resource) -> None:
        if resource.name not in wanted:
            wanted[resource.name] = resource
            for column in resource.references:
                add(by_name[column.target])

    for action in actions:
        add(action.resource)
    return [wanted[name] for name in sorted(wanted)]


def constant(resource: Resource) -> str:
    """Return the name of a resource's table in the code."""
    return resource.table.upper()


def _table(resource: Resource, others: Sequence[Resource]) -> str:
    kinds = {
        column.name: column.kind
        for column in resource.columns.values()
        if column.kind in ("boolean", "json")
    }
    referred = [
        f"({text(other.plural)}, {text(quote_identifier(other.table))}, {text(column.name)}),"
        for other in others
        for column in other.references
        if column.target == resource.name and column.target_column == resource.key
    ]
    lines = "".join(f"        {text(name)}: {text(kind)},\n" for name, kind in kinds.items())
    inside = "".join(f"        {one}\n" for one in referred)
    return (
        f"\n{constant(resource)} = Table(\n"
        f"    sql={text(quote_identifier(resource.table))},\n"
        f"    key={text(resource.key)},\n"
        f"    noun={text(resource.singular)},\n"
        + (f"    kinds={{\n{lines}    }},\n" if kinds else "    kinds={},\n")
        + (f"    referred=(\n{inside}    ),\n" if referred else "    referred=(),\n")
        + ")\n"
    )


def _function(action: Action, views: Views) -> str:
    spec = action.tool
    properties = spec.input_schema.get("properties")
    rules = properties if isinstance(properties, dict) else {}
    named: list[str] = []
    spelled: dict[str, str] = {}
    for argument in action.operation.arguments:
        rule = rules.get(argument.name)
        schema = rule if isinstance(rule, dict) else {}
        if _is_plain(argument, schema):
            named.append(_parameter(argument, schema))
            spelled[argument.name] = argument.name
        else:
            get = (
                f"given[{text(argument.name)}]"
                if argument.required
                else (f"given.get({text(argument.name)}{_default(schema)})")
            )
            spelled[argument.name] = get
    takes_given = len(spelled) > len(named)
    parameters = [*(["*", *named] if named else []), *(["**given: Json"] if takes_given else [])]
    body = "\n".join(f"    {line}" if line else "" for line in body_of(action, spelled, views))
    return f"{_signature(action.name, parameters)}{_docstring(spec.description)}{body}\n"


def _default(schema: JsonObject) -> str:
    return f", {schema['default']!r}" if "default" in schema else ""


def _is_plain(argument: Argument, schema: JsonObject) -> bool:
    """Tell whether an argument can be a parameter that says all of it."""
    name = argument.name
    is_name = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
    types = types_in(schema)
    whole = len(types) == 1 and not {"oneOf", "anyOf", "allOf"} & schema.keys()
    absent_is_null = not argument.required and "default" not in schema and admits_null(schema)
    # A list or an object as a default would be shared by all calls.
    shared = isinstance(schema.get("default"), list | dict)
    return is_name and name not in _OWN and whole and not absent_is_null and not shared


def _parameter(argument: Argument, schema: JsonObject) -> str:
    kind = _TYPES[next(iter(types_in(schema)))]
    if admits_null(schema):
        kind += " | None"
    if "default" in schema and not argument.required:
        default: Json = schema["default"]
        spelled = text(default) if isinstance(default, str) else repr(default)
        return f"{argument.name}: {kind} = {spelled}"
    return (
        f"{argument.name}: {kind}"
        if argument.required
        else f"{argument.name}: {kind} | None = None"
    )


def _signature(name: str, parameters: Sequence[str]) -> str:
    line = f"def {name}({', '.join(['world: sqlite3.Connection', '/', *parameters])}) -> Reply:\n"
    if len(line) <= 101:
        return line
    broken = "".join(f"    {one},\n" for one in ("world: sqlite3.Connection", "/", *parameters))
    return f"def {name}(\n{broken}) -> Reply:\n"


def _docstring(words: str) -> str:
    plain = words.replace("\\", "\\\\").replace('"', "'")
    lines = textwrap.wrap(plain, width=88)
    told = "\n    ".join(lines)
    return f'    """{told}"""\n' if len(lines) == 1 else f'    """{told}\n    """\n'


@cache
def _defined() -> dict[str, str]:
    source = _SHARED.read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    }


def _shared_functions(code: str) -> str:
    """Return the shared functions that code calls, and those that these call."""
    defined = _defined()
    wanted: set[str] = set()
    new = _called(code) & set(defined)
    while new:
        wanted |= new
        new = {name for one in new for name in _called(defined[one])} & set(defined) - wanted
    return "\n\n\n".join(defined[name] for name in defined if name in wanted) + "\n"


def _called(code: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])(_[a-z]\w*)\(", code))


def _shared_head(code: str) -> str:
    """Return imports, types and classes that every file has, as they stand in the source."""
    source = _SHARED.read_text(encoding="utf-8")
    start, end = source.index("import json"), source.index("\n\n\ndef ")
    return "\n".join(_needed(source[start:end].splitlines(), code)) + "\n"


def _needed(lines: list[str], code: str) -> Iterator[str]:
    needs = {"import uuid": "uuid.", "from datetime import": "datetime.", "import json": "json."}
    for line in lines:
        use = next((one for start, one in needs.items() if line.startswith(start)), None)
        if use is None or use in code:
            yield line
