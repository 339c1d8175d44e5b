"""What the tools are, as data: for code, schemas and tasks; nobody has to parse a schema.

One `EntityTools` holds all tools whose replies show the rows of one table. Parameters that hold
values of columns name the column; each kind says where in its reply an answer stands.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.references import Reference
from astra_arena.synthesizer.tables.write_kinds import WriteKind, WriteTool

Operator: TypeAlias = Literal["is", "at_least", "at_most"]
FilterOperator: TypeAlias = Operator | Literal["contains", "starts_with", "one_of"]
"""`contains` and `starts_with` do not tell capitals from small letters (A to Z); `one_of` takes a
list of values."""

ToolKind: TypeAlias = (
    Literal["get", "find", "count", "summarise"]
    | Literal["related", "group", "compare", "period", "around_date", "distance", "nearest"]
    | WriteKind
)

KeyParameters: TypeAlias = tuple[tuple[str, Attribute], ...]
"""Parameters that together name one row, each with the column of the key that it holds."""

DEFAULT_LIMIT = 5
MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """An optional parameter that keeps some of the rows."""

    parameter: str
    attribute: Attribute
    operator: FilterOperator


@dataclass(frozen=True, slots=True)
class RelatedTool:
    """Lists the rows that refer to one row of another table, in pages.

    The reply is that of a search: `/total`, `/rows/N/FIELD`, `/truncated`. A parent that is not
    there is refused.
    """

    kind: ClassVar[ToolKind] = "related"
    name: str
    reference: Reference
    """From the rows listed to the parent."""
    parent: Entity
    role: str
    """What the parent is to the rows: "customer", "destination airport"."""
    key_parameters: KeyParameters
    """The key of the parent."""
    sorted_by: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class GroupTool:
    """Counts and summarises the rows that satisfy filters by the values of a column.

    Takes `by`, `column` (absent without measures, `None` for counts alone), the entity's filters,
    `sort_by` (a figure), `order`, `limit` and `offset`. The reply holds `/total` groups and
    `/groups/N/FIGURE` with `value` and `count`, and the figures of `column`.
    """

    kind: ClassVar[ToolKind] = "group"
    name: str
    by: tuple[Attribute, ...]
    measures: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class CompareTool:
    """Compares two rows: `/comparison/FIELD/` with `first`, `second`, `difference` and `larger`.

    The difference is the second value minus the first, of dates in days; `larger` is "first",
    "second", "neither", or null when a value is missing.
    """

    kind: ClassVar[ToolKind] = "compare"
    name: str
    first: KeyParameters
    second: KeyParameters
    compared: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class PeriodTool:
    """Days between two dates of one row: `/days`, `/start`, `/end`.

    Takes the key, and the fields of two columns as `start` and `end`.
    """

    kind: ClassVar[ToolKind] = "period"
    name: str
    key_parameters: KeyParameters
    dates: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class AroundDateTool:
    """Lists rows at most `days` days before or after `day`; the reply is that of a search.

    Takes `column` when there are several; rows come by date.
    """

    kind: ClassVar[ToolKind] = "around_date"
    name: str
    dates: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class DistanceTool:
    """Kilometres between two rows that have coordinates: `/kilometres`, with one digit."""

    kind: ClassVar[ToolKind] = "distance"
    name: str
    first: KeyParameters
    second: KeyParameters
    latitude: Attribute
    longitude: Attribute


@dataclass(frozen=True, slots=True)
class NearestTool:
    """Lists the rows nearest to one row: `/places/N/kilometres` and `/places/N/row/FIELD`.

    Takes the key, `within_km` and `limit`; `/total` counts those within the distance.
    """

    kind: ClassVar[ToolKind] = "nearest"
    name: str
    key_parameters: KeyParameters
    latitude: Attribute
    longitude: Attribute


ReadTool: TypeAlias = (
    RelatedTool | GroupTool | CompareTool | PeriodTool | AroundDateTool | DistanceTool | NearestTool
)


@dataclass(frozen=True)
class EntityTools:
    """The tools of one entity."""

    entity: Entity
    get: str
    """Takes the key; `/row/FIELD`."""
    find: str
    """Takes filters, sorting and a page; `/total`, `/rows/N/FIELD`, `/truncated`."""
    count: str
    """Takes filters; `/total`."""
    summarise: str | None
    """Takes `column` and filters; `/minimum`, `/maximum`, `/mean`, `/sum`. Absent when there is
    nothing to average."""
    key_parameters: KeyParameters
    filters: tuple[Filter, ...]
    sorted_by: tuple[Attribute, ...]
    measures: tuple[Attribute, ...]
    reads: tuple[ReadTool, ...] = ()
    """Further tools that read."""
    writes: tuple[WriteTool, ...] = ()
    """Tools that change rows of the table."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tools."""
        return tuple(self.kinds)

    @cached_property
    def kinds(self) -> dict[str, ToolKind]:
        """The kinds of all tools by name, in order."""
        kinds: dict[str, ToolKind] = {self.get: "get", self.find: "find", self.count: "count"}
        if self.summarise:
            kinds[self.summarise] = "summarise"
        for tool in (*self.reads, *self.writes):
            kinds[tool.name] = tool.kind
        return kinds

    @cached_property
    def _filters(self) -> dict[tuple[str, FilterOperator], Filter]:
        return {(rule.attribute.name, rule.operator): rule for rule in self.filters}

    def filter_on(self, column: str, operator: FilterOperator = "is") -> Filter | None:
        """Return the filter on a column, if there is one."""
        return self._filters.get((column, operator))


def group_tool(design: EntityTools) -> GroupTool | None:
    """Return the tool that groups an entity's rows, if there is one."""
    return next((tool for tool in design.reads if isinstance(tool, GroupTool)), None)


def period_tool(design: EntityTools) -> PeriodTool | None:
    """Return the tool that counts the days between two dates of a row, if there is one."""
    return next((tool for tool in design.reads if isinstance(tool, PeriodTool)), None)


def related_tools(design: EntityTools, column: str) -> tuple[RelatedTool, ...]:
    """Return the tools that list an entity's rows by what one of their columns refers to."""
    return tuple(
        tool
        for tool in design.reads
        if isinstance(tool, RelatedTool) and tool.reference.columns == (column,)
    )
