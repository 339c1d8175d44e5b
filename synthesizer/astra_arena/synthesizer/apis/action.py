"""What operations do to tables: read, list, create, update, delete."""

from dataclasses import dataclass
from typing import Literal

from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.apis.operation import Argument, Operation
from astra_arena.synthesizer.apis.reply_shapes import ReplyShape
from astra_arena.synthesizer.apis.resource import Column, Resource

ActionKind = Literal["read", "list", "create", "update", "delete"]
MatchOperator = Literal["is", "at_least", "at_most", "contains", "one_of", "any_of", "search"]
"""`any_of`: a list in the row has one of these; `search`: some text of the row contains it."""


@dataclass(frozen=True, slots=True)
class Match:
    """An argument that says something of a column."""

    argument: Argument
    column: Column | None
    """`None` for one that searches all texts."""
    operator: MatchOperator = "is"


@dataclass(frozen=True, slots=True)
class Paging:
    """Arguments that cut a list into pages; absent ones are `None`."""

    size: Argument | None
    page: Argument | None
    offset: Argument | None
    first_page: int = 1
    default_size: int = 30
    most: int = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """A property of a reply and the column that it shows."""

    name: str
    column: Column
    optional: bool
    """Whether it is left out where the row has no value."""


@dataclass(frozen=True, slots=True)
class Action:
    """An operation as what it does to a table."""

    kind: ActionKind
    operation: Operation
    resource: Resource
    shape: ReplyShape
    view: tuple[Shown, ...]
    scope: tuple[Match, ...] = ()
    """What the path says of the rows, beside the key."""
    key: Match | None = None
    filters: tuple[Match, ...] = ()
    values: tuple[Match, ...] = ()
    """What is written."""
    paging: Paging | None = None
    refused: tuple[Argument, ...] = ()
    """Optional arguments without a meaning here: a call that gives one is refused."""
    spec: ToolSpec | None = None

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.operation.name

    @property
    def tool(self) -> ToolSpec:
        """What agents are told."""
        assert self.spec is not None, "specs are made with the action"
        return self.spec

    @property
    def writes(self) -> bool:
        """Whether a call changes the world."""
        return self.kind not in ("read", "list")

    @property
    def matches(self) -> tuple[Match, ...]:
        """Everything that is said of rows."""
        return (*self.scope, *((self.key,) if self.key else ()), *self.filters)
