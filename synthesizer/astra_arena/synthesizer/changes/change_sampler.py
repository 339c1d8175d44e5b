"""Draws changes: which tool writes what to which row; execution decides whether they go through."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from astra_arena.synthesizer.changes.change import Change, ChangePlan, NamedRow
from astra_arena.synthesizer.changes.change_rows import RowFinder, crosses
from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.write_kinds import (
    CancelTool,
    CreateTool,
    MoveAmountTool,
    ReassignTool,
    RemoveTool,
    SetStatusTool,
    UpdateTool,
    WriteTool,
    WrittenValue,
)
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.task_graphs import Row, Step

MOST_UPDATED = 2
"""Columns that one update changes."""
UNIQUE_SHARE = 0.9
"""A text column with more distinct values names its rows: nothing of another row fits there."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    steps: tuple[Step, ...]
    target: NamedRow | None
    others: dict[str, NamedRow]
    values: dict[str, SqlValue]


class ChangeSampler:
    """Draws plans of changes.

    Args:
        catalogue: The entities.
        designs: Their tools.
        queries: Answers what is read.
        stream: Decides every draw.
        homes: The environment of each table, where there are several; then rows are found by way of
            another one.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        queries: GoldQueries,
        stream: random.Random,
        homes: Mapping[str, str] | None = None,
    ) -> None:
        self._homes = homes or {}
        self._catalogue = catalogue
        self._designs = {design.entity.name: design for design in designs}
        self._stream = stream
        self._finder = RowFinder(catalogue, self._designs, queries, stream, self._homes)

    @property
    def tools(self) -> list[tuple[str, WriteTool]]:
        """All tools that write, with their tables."""
        return [(name, tool) for name, design in self._designs.items() for tool in design.writes]

    def draw(self, table: str, tool: WriteTool, *, number: int = 1) -> ChangePlan | None:
        """Draw a plan with one change by this tool; `None` when the draw came to nothing.

        Args:
            table: The tool's.
            tool: The tool.
            number: What its first step is numbered.
        """
        drawn = self._drawn(self._catalogue.by_name[table], tool, number)
        if drawn is None:
            return None
        identifier = f"q{number + len(drawn.steps)}"
        change = Change(identifier, tool, table, drawn.target, drawn.others, drawn.values)
        return ChangePlan(drawn.steps, (change,))

    def _drawn(self, entity: Entity, tool: WriteTool, number: int) -> _Drawn | None:
        match tool:
            case CreateTool():
                return self._create(entity, tool, number)
            case UpdateTool():
                return self._update(entity, tool, number)
            case SetStatusTool():
                return self._set_status(entity, tool, number)
            case CancelTool():
                column, before = tool.status.attribute.name, tool.status.before(tool.value)
                return self._of_one_row(entity, number, lambda row: row[column] in before)
            case RemoveTool():
                return self._of_one_row(entity, number, lambda row: True)
            case ReassignTool():
                return self._reassign(entity, tool, number)
            case MoveAmountTool():
                return self._move(entity, tool, number)

    def _of_one_row(
        self, entity: Entity, number: int, fits: Callable[[Row], bool]
    ) -> _Drawn | None:
        found = self._finder.find(entity, number, fits=fits)
        return None if found is None else _Drawn(found[0], found[1], {}, {})

    def _set_status(self, entity: Entity, tool: SetStatusTool, number: int) -> _Drawn | None:
        column = tool.status.attribute.name
        following = dict(tool.status.steps)

        def next_of(row: Row) -> list[str]:
            return [v for v in following.get(str(row[column]), ()) if v in tool.choices]

        drawn = self._of_one_row(entity, number, lambda row: bool(next_of(row)))
        if drawn is None or drawn.target is None:
            return None
        value = self._finder.pick(next_of(drawn.target.row))
        return replace(drawn, values={tool.parameter: value})

    def _update(self, entity: Entity, tool: UpdateTool, number: int) -> _Drawn | None:
        drawn = self._of_one_row(entity, number, lambda row: True)
        # What the row is found by is not what is changed: it would be found no more.
        fixed = self._found_by(drawn.steps, entity.name) if drawn else set[str]()
        usable = [v for v in tool.values if _is_said(v) and v.attribute.name not in fixed]
        if drawn is None or drawn.target is None or not usable:
            return None
        count = min(len(usable), self._stream.choices((1, 2), (3, 1))[0], MOST_UPDATED)
        values: dict[str, SqlValue] = {}
        for written in self._stream.sample(usable, k=count):
            value = self._other_value(entity, written, drawn.target.row[written.attribute.name])
            if value is None:
                return None
            values[written.parameter] = value
        return replace(
            drawn,
            values={v.parameter: values[v.parameter] for v in tool.values if v.parameter in values},
        )

    def _found_by(self, steps: tuple[Step, ...], table: str) -> set[str]:
        return {
            column
            for step in steps
            if step.table == table
            for column in (*(c.column for c in step.conditions), step.sort_by or "")
        }

    def _other_value(self, entity: Entity, written: WrittenValue, current: SqlValue) -> SqlValue:
        """Draw a value that the column may take and that another row has; `None` for none."""
        if written.choices:
            others = [choice for choice in written.choices if choice != current]
            return self._finder.pick(others) if others else None
        value = self._finder.row(entity)[written.attribute.name]
        return None if value == current else value

    def _create(self, entity: Entity, tool: CreateTool, number: int) -> _Drawn | None:
        steps: list[Step] = []
        others: dict[str, NamedRow] = {}
        for parameter, target in (*_checked(tool), *self._elsewhere(entity, tool)):
            named = self._finder.named(target, number + len(steps), fits=lambda row: True)
            if named is None:
                return None
            steps += named[0]
            others[parameter] = named[1]
        values: dict[str, SqlValue] = {}
        for written in tool.values:
            if written.parameter in others or not written.required:
                continue
            if not _is_said(written):
                return None
            value = self._other_value(entity, written, None)
            if value is None:
                return None
            values[written.parameter] = value
        return _Drawn(tuple(steps), None, others, values)

    def _elsewhere(self, entity: Entity, tool: CreateTool) -> Iterator[tuple[str, Entity]]:
        """Give the parameters that name rows of other environments, with their tables."""
        for written in tool.values:
            reference = entity.reference_of(written.attribute.name)
            if reference is not None and crosses(self._homes, entity.name, reference.target):
                yield written.parameter, self._catalogue.by_name[reference.target]

    def _reassign(self, entity: Entity, tool: ReassignTool, number: int) -> _Drawn | None:
        final = tool.status.final if tool.status else ()
        column = tool.reference.columns[0]

        def fits(row: Row) -> bool:
            ended = tool.status is not None and row[tool.status.attribute.name] in final
            return not ended

        drawn = self._of_one_row(entity, number, fits)
        if drawn is None or drawn.target is None:
            return None
        if column in self._found_by(drawn.steps, entity.name):
            return None
        current = drawn.target.row[column]
        key = tool.reference.target_columns[0]
        named = self._finder.named(
            tool.target, number + len(drawn.steps), fits=lambda row: row[key] != current
        )
        if named is None:
            return None
        return replace(drawn, steps=(*drawn.steps, *named[0]), others={tool.parameter: named[1]})

    def _move(self, entity: Entity, tool: MoveAmountTool, number: int) -> _Drawn | None:
        column = tool.attribute.name
        giver = self._finder.named(entity, number, fits=lambda row: _amount(row, column) > 1)
        if giver is None or len(tool.destination) != 1:
            return None
        key = entity.key[0]
        taker = self._finder.named(
            entity,
            number + len(giver[0]),
            fits=lambda row: row[column] is not None and row[key] != giver[1].row[key],
        )
        if taker is None:
            return None
        most = int(min(_amount(giver[1].row, column), 1_000_000))
        amount = self._stream.randint(1, most)
        return _Drawn(
            (*giver[0], *taker[0]), giver[1], {tool.destination[0][0]: taker[1]}, {"amount": amount}
        )


def _checked(tool: CreateTool) -> Iterator[tuple[str, Entity]]:
    for checked in tool.references:
        if len(checked.parameters) == 1 and not checked.optional:
            yield checked.parameters[0], checked.target


def _amount(row: Row, column: str) -> float:
    value = row[column]
    return float(value) if isinstance(value, int | float) else 0.0


def _is_said(written: WrittenValue) -> bool:
    """Whether a value of another row can be asked for without being a name or a text of its own."""
    attribute = written.attribute
    profile = attribute.profile
    if not attribute.words.in_questions or not profile.is_exact:
        return False
    if written.choices or profile.logical_type != "text":
        return True
    filled = profile.rows - profile.nulls
    return bool(filled) and profile.distinct < UNIQUE_SHARE * filled
