"""Resources: what an API holds, as tables."""

from dataclasses import dataclass, field
from typing import Literal

from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.apis.reply_shapes import types_in

ColumnKind = Literal["text", "integer", "number", "boolean", "json"]

_KINDS: dict[str, ColumnKind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}


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
