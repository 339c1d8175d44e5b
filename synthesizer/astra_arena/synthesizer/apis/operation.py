"""What an API offers, whichever document described it."""

from dataclasses import dataclass
from typing import Literal

from astra_arena.core.canonical import JsonObject

Method = Literal["get", "post", "put", "patch", "delete"]
Place = Literal["path", "query", "body"]


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter, or a property of the body."""

    name: str
    """As the document spells it, and as the tool takes it."""
    place: Place
    schema: JsonObject
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of an API."""

    name: str
    """The tool's name."""
    method: Method
    path: str
    """For a tool of a list, one that is put together from its name."""
    description: str
    arguments: tuple[Argument, ...]
    reply: JsonObject | None
    """Schema of a good reply, complete in itself; `None` for one without content."""
    row_name: str = ""
    """What the document calls the schema of what the reply holds; empty where it has no name."""
    body_name: str = ""
    """What the document calls the body's schema."""
    tags: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """How people name it."""
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True, slots=True)
class Uncovered:
    """An operation that becomes no tool, and why."""

    name: str
    where: str
    reason: str
