"""Where a reply holds what was asked for: one row, several or none; and what is around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.tables.naming import words_of

ShapeKind = Literal["row", "rows", "nothing"]
Meaning = Literal["total", "shown", "page", "size", "offset", "more", "pages", "first", "last"]

WRAPPED = "result"
"""Under this name a reply holds a list that the document has at the root."""
EMPTY: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}
"""The output schema of a tool whose operation replies without content."""

_MEANINGS: dict[str, Meaning] = {
    **dict.fromkeys(
        (
            *("total", "total count", "total elements", "total results", "total items"),
            *("count", "num results", "total size", "record count", "items count"),
        ),
        "total",
    ),
    **dict.fromkeys(("number of elements", "page count items", "returned"), "shown"),
    **dict.fromkeys(("page", "page number", "current page", "page index"), "page"),
    **dict.fromkeys(("per page", "page size", "limit", "size", "max results"), "size"),
    **dict.fromkeys(("offset", "skip", "start", "start at"), "offset"),
    **dict.fromkeys(("has more", "has next", "has next page", "truncated"), "more"),
    **dict.fromkeys(("total pages", "pages", "page count", "last page"), "pages"),
    **dict.fromkeys(("first page",), "first"),
}
_KEYS = frozenset({"id", "uuid", "uid", "key", "slug"})
_HOLDERS = frozenset(
    {"data", "result", "item", "response", "value", "attributes", "body", "row", "meta"}
)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that stands in every reply."""

    value: Json


@dataclass(frozen=True, slots=True)
class ReplyShape:
    """How a reply is put together."""

    kind: ShapeKind
    path: str
    """Pointer to the row, or to the list of rows."""
    row: JsonObject
    """Schema of one row."""
    around: tuple["_Beside", ...]
    """What stands beside the rows, by pointer."""
    output_schema: JsonObject
    """The tool's."""

    @property
    def properties(self) -> dict[str, JsonObject]:
        """What a row may hold, by name."""
        held = self.row.get("properties")
        items = held.items() if isinstance(held, dict) else ()
        return {name: rule for name, rule in items if isinstance(rule, dict)}

    @property
    def required(self) -> frozenset[str]:
        """What every row holds."""
        listed = self.row.get("required")
        return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()

    def total(self) -> str | None:
        """Return the pointer to how many rows there are on all pages."""
        return next((path for path, meaning in self.around if meaning == "total"), None)


def shape_of(reply: JsonObject | None) -> ReplyShape:
    """Return the shape of replies of a schema.

    Raises:
        SpecError: if they are neither rows nor nothing.
    """
    if reply is None or reply == {} or (_is_object(reply) and not _properties(reply)):
        if reply and reply.get("additionalProperties") not in (None, False):
            raise SpecError("its reply is a map of free names, no row of a table")
        return ReplyShape("nothing", "", {}, (), _root(reply) if reply else EMPTY)
    if types_in(reply) == frozenset({"array"}):
        row = _row(reply.get("items"))
        if row is None:
            raise SpecError("its reply is a list of plain values, no rows of a table")
        output: JsonObject = {
            "type": "object",
            "properties": {WRAPPED: reply},
            "required": [WRAPPED],
            "additionalProperties": False,
        }
        return ReplyShape("rows", f"/{WRAPPED}", row, (), output)
    row = _row(reply)
    if row is None:
        raise SpecError("its reply is a plain value, no row of a table")
    wrapped = _wrapped(row)
    if wrapped is None:
        return ReplyShape("row", "", row, (), _root(reply))
    kind, path, inner, around = wrapped
    return ReplyShape(kind, path, inner, around, _root(reply))


def _root(reply: JsonObject) -> JsonObject:
    # Clients of older revisions want the type said at the root.
    return {**reply, "type": "object"}


_Beside: TypeAlias = tuple[str, Meaning | Fixed]
_Wrapped: TypeAlias = tuple[ShapeKind, str, JsonObject, tuple[_Beside, ...]]


def _wrapped(row: JsonObject, *, deeper: bool = True) -> _Wrapped | None:
    """Return where an object holds rows, or one row, inside of something else."""
    properties = _properties(row)
    if _KEYS & {name.casefold() for name in properties}:
        return None
    lists = {
        name: inner
        for name, rule in properties.items()
        if types_in(rule) == frozenset({"array"}) and (inner := _row(rule.get("items"))) is not None
    }
    kind: ShapeKind = "rows"
    inside = lists
    if len(lists) != 1:
        kind, inside = "row", dict(_held(properties))
    if len(inside) != 1:
        return None
    ((name, inner),) = inside.items()
    beside = {other: rule for other, rule in properties.items() if other != name}
    around = tuple(_around("", beside))
    required = row.get("required")
    for other in required if isinstance(required, list) else ():
        known = any(path == f"/{other}" or path.startswith(f"/{other}/") for path, _ in around)
        if other != name and not known:
            return None
    if kind == "row" and deeper:
        further = _wrapped(inner, deeper=False)
        if further is not None:
            deep: tuple[_Beside, ...] = tuple(
                (f"/{name}{path}", meaning) for path, meaning in further[3]
            )
            return further[0], f"/{name}{further[1]}", further[2], (*around, *deep)
    return kind, f"/{name}", inner, around


def _held(properties: dict[str, JsonObject]) -> Iterator[tuple[str, JsonObject]]:
    """Give the properties that may be the row that a reply wraps."""
    beside = len(properties) > 1
    for name, rule in properties.items():
        inner = _row(rule) if types_in(rule) == frozenset({"object"}) else None
        keyed = inner is not None and bool(_KEYS & {key.casefold() for key in _properties(inner)})
        if inner is not None and (keyed or not beside or name.casefold() in _HOLDERS):
            yield name, inner


def _around(path: str, properties: dict[str, JsonObject]) -> Iterator[tuple[str, Meaning | Fixed]]:
    for name, rule in properties.items():
        meaning = _MEANINGS.get(" ".join(words_of(name)))
        listed = rule.get("enum")
        if "const" in rule or (isinstance(listed, list) and len(listed) == 1):
            fixed = rule.get("const", listed[0] if isinstance(listed, list) else None)
            yield f"{path}/{name}", Fixed(fixed)
        elif meaning is not None and types_in(rule) <= frozenset({"integer", "number", "boolean"}):
            if (meaning == "more") == (types_in(rule) == frozenset({"boolean"})):
                yield f"{path}/{name}", meaning
        elif types_in(rule) == frozenset({"object"}) and not path:
            inner = _properties(rule)
            found = list(_around(f"{path}/{name}", inner))
            needed = rule.get("required")
            told = {one.rpartition("/")[2] for one, _ in found}
            if found and set(needed if isinstance(needed, list) else ()) <= told:
                yield from found


def types_in(schema: Json) -> frozenset[str]:
    """Return the JSON types that a schema names, null apart."""
    if not isinstance(schema, dict):
        return frozenset()
    named = schema.get("type")
    if isinstance(named, str):
        return frozenset({named})
    if isinstance(named, list):
        return frozenset(str(one) for one in named) - {"null"}
    if "properties" in schema:
        return frozenset({"object"})
    if "items" in schema:
        return frozenset({"array"})
    return frozenset()


def admits_null(schema: JsonObject) -> bool:
    """Tell whether a schema names null."""
    named = schema.get("type")
    return isinstance(named, list) and "null" in named


def _is_object(schema: Json) -> bool:
    return types_in(schema) == frozenset({"object"})


def _properties(schema: JsonObject) -> dict[str, JsonObject]:
    held = schema.get("properties")
    items = held.items() if isinstance(held, dict) else ()
    return {name: rule for name, rule in items if isinstance(rule, dict)}


def _row(schema: Json) -> JsonObject | None:
    """Return the schema of an object with properties; the first one where there is a choice."""
    if not isinstance(schema, dict):
        return None
    if _is_object(schema) and _properties(schema):
        return schema
    for key in ("oneOf", "anyOf"):
        branches = schema.get(key)
        if isinstance(branches, list) and branches:
            return _row(branches[0])
    return None
