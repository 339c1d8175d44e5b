"""Python text: literals, signatures, docstrings, calls; lines no longer than people read."""

from collections.abc import Sequence

from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.schema_parts import json_type
from astra_arena.synthesizer.tables.tool_design import KeyParameters

LINE = 100


def text(value: str) -> str:
    """Return a Python string literal, in single quotes where the value holds double ones."""
    literal = repr(value)
    if literal[0] == "'" and '"' not in value and "'" not in value:
        return f'"{literal[1:-1]}"'
    return literal


def constant(entity: Entity) -> str:
    """Return the name of an entity's table in the code."""
    return entity.many.upper()


def alias(entity: Entity, suffix: str) -> str:
    """Return the name of a type of an entity: `OrdersSortBy`."""
    return camel(entity.many) + suffix


def camel(identifier: str) -> str:
    """Return an identifier in the form of a type's name."""
    return "".join(word.capitalize() for word in identifier.split("_"))


def python_type(attribute: Attribute) -> str:
    """Return the type of a column's values."""
    return {"integer": "int", "number": "float", "string": "str"}[json_type(attribute)]


def key_signature(parameters: KeyParameters) -> list[str]:
    """Return parameters that name a row, for a signature."""
    return [f"{name}: {python_type(attribute)}" for name, attribute in parameters]


def key_values(parameters: KeyParameters) -> list[str]:
    """Return the names of parameters that name a row."""
    return [name for name, _ in parameters]


def choices(name: str, values: Sequence[str | int]) -> str:
    """Return the definition of a type that is one of some values."""
    listed = [text(value) if isinstance(value, str) else repr(value) for value in values]
    line = f"{name}: TypeAlias = Literal[{', '.join(listed)}]"
    if len(line) <= LINE:
        return f"{line}\n"
    lines = "".join(f"    {one},\n" for one in listed)
    return f"{name}: TypeAlias = Literal[\n{lines}]\n"


def function(spec: ToolSpec, parameters: list[str], body: str) -> str:
    """Return a tool's function."""
    return f"{_signature(spec.name, parameters)}{_docstring(spec.description)}{body}"


def statement(lead: str, name: str, arguments: Sequence[str], *, tail: str = "") -> str:
    """Return a line of a body that calls `name`, broken where it is long."""
    line = f"    {lead}{name}({', '.join(arguments)}){tail}"
    if len(line) <= LINE:
        return f"{line}\n"
    broken = "".join(f"        {argument},\n" for argument in arguments)
    return f"    {lead}{name}(\n{broken}    ){tail}\n"


def tuple_of(values: Sequence[str]) -> str:
    """Return the literal of a tuple of texts."""
    listed = ", ".join(text(value) for value in values)
    return f"({listed},)" if len(values) == 1 else f"({listed})"


def mapping(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the literal of a dict from texts to code."""
    return f"{{{', '.join(f'{text(name)}: {code}' for name, code in pairs)}}}"


def _signature(name: str, parameters: list[str]) -> str:
    lines = "".join(f"    {parameter},\n" for parameter in parameters)
    star = "    *,\n" if parameters else ""
    head = f"def {name}(\n    world: sqlite3.Connection,\n{star}{lines}"
    return f"{head}) -> dict[str, object]:\n"


def _docstring(description: str) -> str:
    safe = description.replace("\\", "\\\\").replace('"""', '\\"""').rstrip('"')
    first, _, rest = safe.partition(". ")
    if rest:
        first += "."
    head = wrapped(first, width=92)
    if not rest and len(head) == 1:
        return f'    """{head[0]}"""\n'
    lines = [f'    """{head[0]}', *(f"    {line}" for line in head[1:])]
    if rest:
        lines += ["", *(f"    {line}" for line in wrapped(rest, width=92))]
    return "\n".join([*lines, '    """\n'])


def wrapped(sentence: str, *, width: int) -> list[str]:
    """Return a text in lines of at most `width` characters, where its words allow."""
    lines = [""]
    for word in sentence.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
