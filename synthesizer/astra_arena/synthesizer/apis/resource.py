"""Resources: what an API holds, as tables."""

from dataclasses import dataclass, field
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.synthesizer.apis.reply_shapes import types_in

ColumnKind = Literal["text", "integer", "number", "boolean", "json"]

_KINDS: dict[str, ColumnKind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}


_LIMITS = frozenset({"enum", "const", "pattern", "format", "minLength", "maxLength"})


@dataclass(slots=True)
class Column:
    """A column of a resource's table."""

    name: str
    """The property's in replies; of a hidden one, its own."""
    schema: JsonObject
    kind: ColumnKind
    needed: bool = False
    """Whether every row holds a value."""
    unique: bool = False
    hidden: bool = False
    """Whether no reply shows it: what a path or a filter says of the rows."""
    target: str = ""
    """The resource that a value names; empty for none."""
    target_column: str = ""
    """Which of its columns holds the value."""
    target_table: str = ""
    """What the code calls that resource's table."""
    asked_by: list[JsonObject] = field(default_factory=list[JsonObject])
    """Schemas of the arguments that take its values: these must admit them."""
    embedded: bool = False
    """Whether replies show the row in place of its key."""

    @property
    def wanted(self) -> JsonObject:
        """What values must satisfy: the property's schema, and those of arguments that take it."""
        found = dict(self.schema)
        for schema in self.asked_by:
            found |= {key: value for key, value in schema.items() if key in _LIMITS}
        return found

    def refer_to(self, resource: "Resource", column: str) -> None:
        """Let the values name rows of a resource.

        Args:
            resource: The resource.
            column: Its column that holds the values.
        """
        self.target, self.target_column = resource.name, column
        self.target_table = resource.table.upper()


@dataclass(slots=True)
class Resource:
    """A thing of which an API holds many."""

    name: str
    """The noun for one, as an identifier."""
    singular: str
    plural: str
    table: str
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    key: str = ""
    """The column that names a row."""

    @property
    def key_column(self) -> Column:
        """The column that names a row."""
        return self.columns[self.key]

    @property
    def references(self) -> tuple[Column, ...]:
        """Columns whose values name rows."""
        return tuple(one for one in self.columns.values() if one.target)


def kind_of(schema: JsonObject) -> ColumnKind:
    """Return how values of a schema are stored."""
    types = types_in(schema)
    if len(types) == 1 and not {"oneOf", "anyOf", "allOf"} & schema.keys():
        return _KINDS.get(next(iter(types)), "json")
    return "json"


_WORDS = frozenset({"description", "title", "default", "format", "deprecated"})
"""Keywords that leave the values of a schema as they are."""


def is_as_strict(given: JsonObject, kept: JsonObject) -> bool:
    """Tell, for sure, whether all values of one schema satisfy another one; false where in doubt.

    Args:
        given: The schema of what is written.
        kept: The schema of what replies show.
    """
    if kind_of(kept) == "json" and types_in(kept) != frozenset({"array"}):
        return canonical_bytes(_bare(given)) == canonical_bytes(_bare(kept))
    limits = {key: value for key, value in kept.items() if key not in _WORDS | {"type"}}
    return all(_holds(key, given.get(key), value) for key, value in limits.items())


def needs_guard(given: JsonObject, column: Column) -> bool:
    """Tell whether a tool must hold a value to the members that a column has."""
    listed = column.schema.get("enum")
    return isinstance(listed, list) and not _holds("enum", given.get("enum"), listed)


def _holds(key: str, given: Json, kept: Json) -> bool:
    match key, given, kept:
        case "enum", list(), list():
            return all(one in kept for one in given)
        case (
            ("minimum" | "minLength" | "minItems" | "exclusiveMinimum"),
            int() | float(),
            int() | float(),
        ):
            return given >= kept
        case (
            ("maximum" | "maxLength" | "maxItems" | "exclusiveMaximum"),
            int() | float(),
            int() | float(),
        ):
            return given <= kept
        case "items", dict(), dict():
            return is_as_strict(given, kept)
        case _:
            return given is not None and canonical_bytes(_bare(given)) == canonical_bytes(
                _bare(kept)
            )


def _bare(schema: Json) -> Json:
    """Return a schema without words."""
    match schema:
        case dict():
            return {key: _bare(value) for key, value in schema.items() if key not in _WORDS}
        case list():
            return [_bare(item) for item in schema]
        case _:
            return schema
