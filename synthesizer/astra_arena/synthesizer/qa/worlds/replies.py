"""What a model replies when it builds a world: tables and rows, reference queries, tools, calls."""

from typing import Literal, TypeAlias

from pydantic import Field

from astra_arena.core.model import Model

ColumnType = Literal["text", "integer", "real"]
FieldType = Literal["text", "integer", "real", "boolean", "texts", "integers", "reals"]
"""Of parameters and of what a tool returns; the plural is a list."""
Cell: TypeAlias = str | int | float | None


class NewColumn(Model):
    """A column of a table."""

    name: str
    type: ColumnType
    description: str = Field(min_length=1)


class NewTable(Model):
    """A table that the world has not had so far."""

    name: str
    description: str = Field(min_length=1)
    columns: list[NewColumn] = Field(min_length=2)
    key: list[str] = Field(min_length=1)
    """The columns that single a row out."""


class NewRow(Model):
    """A row that other instances may share."""

    table: str
    values: list[Cell]
    """One for each column of the table, in its order."""


class FactRow(NewRow):
    """A row that a sub-question is about."""

    fact: int | None
    """Number of the fact that states it, from 1."""
    quote: str | None
    """The words of the text that state it."""


class ReferenceQuery(Model):
    """How a sub-question's answer follows from the data, apart from any tool."""

    id: str
    """Of the sub-question."""
    sql: str = Field(min_length=1)
    """One SELECT; `:q1` stands for the answer of `q1`, a list as JSON."""


class WorldData(Model):
    """What an instance adds to its world's data."""

    tables: list[NewTable]
    rows: list[FactRow]
    distractors: list[NewRow]
    queries: list[ReferenceQuery] = Field(min_length=1)


class NewParameter(Model):
    """A parameter of a tool."""

    name: str
    type: FieldType
    description: str = Field(min_length=1)
    required: bool
    default: str | int | float | bool | None
    """Of one that is not required; `null` leaves it out of consideration."""


class NewField(Model):
    """A field of what a tool returns."""

    name: str
    type: FieldType
    description: str = Field(min_length=1)


class NewTool(Model):
    """A tool that the world has not had so far: its document and its code."""

    name: str
    description: str = Field(min_length=1)
    parameters: list[NewParameter]
    rows: str | None
    """Name of the list of objects that it returns; `null` where it returns one object."""
    fields: list[NewField] = Field(min_length=1)
    """Of the object, or of each object in the list."""
    code: str = Field(min_length=1)
    """Imports, if any, and one function: `def NAME(world, *, …)`."""


class WorldTools(Model):
    """What an instance adds to its world's tools; nothing where those that are there do."""

    tools: list[NewTool]


class NewArgument(Model):
    """An argument of a call: a value of the question, or the answer of another sub-question."""

    name: str
    value: str | int | float | bool | list[str | int | float] | None
    answer_of: str | None
    """Id of the sub-question whose answer it is; then there is no value."""
    item: int | None
    """Which item of that answer, from 1, where it is a list and one of it is meant."""


class StepCall(Model):
    """The call by which a sub-question is answered."""

    id: str
    """Of the sub-question."""
    tool: str
    arguments: list[NewArgument]


class StepCalls(Model):
    """The calls of all sub-questions that need a tool."""

    calls: list[StepCall] = Field(min_length=1)


class ToolCluster(Model):
    """Tools that serve one intent."""

    intent: str = Field(min_length=1)
    tools: list[str] = Field(min_length=1)
    """Names."""


class ToolClusters(Model):
    """All tools of a world, those of one intent together."""

    clusters: list[ToolCluster] = Field(min_length=1)


class MergedTool(Model):
    """One tool in the place of several, and the calls that change thereby."""

    tool: NewTool
    calls: list["MemberCall"] = Field(min_length=1)


class MemberCall(Model):
    """How the merged tool answers what a tool that it replaces answered."""

    call: int
    """Number of the call, from 1."""
    arguments: list[NewArgument]


MergedTool.model_rebuild()
