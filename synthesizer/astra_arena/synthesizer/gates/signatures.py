"""Reads the signatures of tool functions from their source, which is parsed and never imported."""

import ast
from dataclasses import dataclass
from typing import TypeAlias, cast

from astra_arena.core.canonical import Json, normalised
from astra_arena.core.errors import SpecError

MAX_ALIASES = 8
"""How many names deep a type alias is followed."""

_SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "None": "null",
}
_CONTAINERS = {
    "list": "array",
    "tuple": "array",
    "Sequence": "array",
    "Iterable": "array",
    "dict": "object",
    "Mapping": "object",
    "TypedDict": "object",
}
_ANY = frozenset({"Any", "object", "Json", "JsonValue"})


class NotLiteral:
    """Stands for a default that is not written out."""


NOT_LITERAL = NotLiteral()

Default: TypeAlias = Json | NotLiteral


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a type annotation admits, in terms of JSON."""

    types: frozenset[str]
    """JSON types; `number` where integers are admitted, too."""
    values: tuple[Json, ...] | None = None
    """With `Literal` alone: the values."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a tool function, beside the world."""

    name: str
    line: int
    required: bool
    default: Default = None
    annotation: Annotation | None = None
    """`None` where there is none, or none that could be read."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A tool function's signature."""

    name: str
    line: int
    parameters: tuple[Parameter, ...]
    takes_world: bool
    """Whether there is a first parameter that takes the world by position."""
    takes_any: bool
    """Whether there is a `**` parameter."""


class Signatures:
    """The functions of a module by name.

    Args:
        tree: The module, parsed.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._values = dict(_assigned(tree))

    def definitions(self, name: str) -> list[ast.FunctionDef]:
        """Return all top-level definitions of a function; the last one counts."""
        return [
            node
            for node in self._tree.body
            if isinstance(node, ast.FunctionDef) and node.name == name
        ]

    def signature(self, function: ast.FunctionDef) -> Signature:
        """Read one function."""
        taken = function.args
        by_position = [*taken.posonlyargs, *taken.args]
        late = len(by_position) - len(taken.defaults)
        defaults: list[ast.expr | None] = [None] * late + list(taken.defaults)
        pairs = list(zip(by_position, defaults, strict=True))[1:]
        pairs += zip(taken.kwonlyargs, taken.kw_defaults, strict=True)
        return Signature(
            function.name,
            function.lineno,
            tuple(self._parameter(argument, default) for argument, default in pairs),
            takes_world=bool(by_position),
            takes_any=taken.kwarg is not None,
        )

    def _parameter(self, argument: ast.arg, default: ast.expr | None) -> Parameter:
        annotation = None
        if argument.annotation is not None:
            annotation = self._annotation(argument.annotation, 0)
        return Parameter(
            argument.arg,
            argument.lineno,
            required=default is None,
            default=None if default is None else self._literal(default),
            annotation=annotation,
        )

    def _literal(self, default: ast.expr) -> Default:
        if isinstance(default, ast.Name):
            default = self._values.get(default.id, default)
        try:
            return normalised(ast.literal_eval(default))
        except (ValueError, SpecError):
            return NOT_LITERAL

    def _annotation(self, node: ast.expr, depth: int) -> Annotation | None:
        if depth > MAX_ALIASES:
            return None
        match node:
            case ast.Constant(value=None):
                return Annotation(frozenset({"null"}))
            case ast.Constant(value=str(text)):
                return self._quoted(text, depth)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return self._named(name, depth)
            case ast.BinOp(op=ast.BitOr()):
                return _union(
                    [self._annotation(side, depth + 1) for side in (node.left, node.right)]
                )
            case ast.Subscript():
                return self._subscripted(node, depth)
            case _:
                return None

    def _quoted(self, text: str, depth: int) -> Annotation | None:
        try:
            return self._annotation(ast.parse(text, mode="eval").body, depth + 1)
        except SyntaxError:
            return None

    def _named(self, name: str, depth: int) -> Annotation | None:
        if name in _SCALARS:
            return Annotation(frozenset({_SCALARS[name]}))
        if name in _CONTAINERS:
            return Annotation(frozenset({_CONTAINERS[name]}))
        if name not in _ANY and name in self._values:
            return self._annotation(self._values[name], depth + 1)
        return None

    def _subscripted(self, node: ast.Subscript, depth: int) -> Annotation | None:
        name = node.value.attr if isinstance(node.value, ast.Attribute) else ""
        name = node.value.id if isinstance(node.value, ast.Name) else name
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        match name:
            case "Literal":
                return _literals(inner)
            case "Optional":
                found = [self._annotation(inner[0], depth + 1), Annotation(frozenset({"null"}))]
                return _union(found)
            case "Union":
                return _union([self._annotation(part, depth + 1) for part in inner])
            case "Annotated":
                return self._annotation(inner[0], depth + 1)
            case _ if name in _CONTAINERS:
                return Annotation(frozenset({_CONTAINERS[name]}))
            case _:
                return None


def json_type(value: Json) -> str:
    """Return the JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _union(parts: list[Annotation | None]) -> Annotation | None:
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    types = frozenset[str]().union(*(part.types for part in known))
    listed = [part.values for part in known if part.values is not None]
    if len(listed) == len(known):
        return Annotation(types, tuple(value for values in listed for value in values))
    if len(listed) == 1 and types - {"null"} <= _types_of(listed[0]):
        return Annotation(types, (*listed[0], None))
    return Annotation(types)


def _types_of(values: tuple[Json, ...]) -> frozenset[str]:
    return frozenset(json_type(value) for value in values)


def _literals(parts: list[ast.expr]) -> Annotation | None:
    try:
        values = tuple(cast("Json", ast.literal_eval(part)) for part in parts)
    except ValueError:
        return None
    return Annotation(_types_of(values), values)


def _assigned(tree: ast.Module) -> list[tuple[str, ast.expr]]:
    """Return what module-level names stand for: constants and type aliases."""
    found: list[tuple[str, ast.expr]] = []
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.append((name, value))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found.append((name, value))
            case _:
                pass
    return found
