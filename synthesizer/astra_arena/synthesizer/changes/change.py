"""A change that a task asks for, before it has words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.write_kinds import WriteKind, WriteTool
from astra_arena.synthesizer.tasks.task_graphs import Row, Step


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row that a change is about."""

    table: str
    row: Row
    source: str | None = None
    """The reading step whose answer is its key; `None` when the question says the key."""


@dataclass(frozen=True)
class Change:
    """One call of a tool that writes."""

    id: str
    tool: WriteTool
    table: str
    target: NamedRow | None
    """The row that is changed; `None` for one that is added."""
    others: dict[str, NamedRow] = field(default_factory=dict[str, NamedRow])
    """Further rows that are named, by the parameter that holds their key."""
    values: dict[str, SqlValue] = field(default_factory=dict[str, SqlValue])
    """What else is said, by parameter."""

    @property
    def kind(self) -> WriteKind:
        """What sort of change it is."""
        return self.tool.kind

    @property
    def rows(self) -> tuple[NamedRow, ...]:
        """All rows that it names."""
        return (*((self.target,) if self.target else ()), *self.others.values())

    @property
    def sources(self) -> tuple[str, ...]:
        """The reading steps that it needs, each once."""
        return tuple(dict.fromkeys(row.source for row in self.rows if row.source))


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """The steps of a task that changes the world: what is read first, then what is written."""

    reads: tuple[Step, ...]
    changes: tuple[Change, ...]

    def crosses(self, homes: Mapping[str, str]) -> bool:
        """Tell whether a row is changed that takes reading in another environment to find.

        Args:
            homes: The environment of each table.
        """
        by_id = {step.id: step for step in self.reads}

        def read_in(step_id: str) -> set[str]:
            step = by_id[step_id]
            return {homes[step.table]}.union(*(read_in(source) for source in step.sources))

        return any(
            read_in(source) - {homes[change.table]}
            for change in self.changes
            for source in change.sources
        )

    @property
    def template(self) -> str:
        """The kinds of its steps: `top orders > cancel orders`."""
        read = [f"{step.kind} {step.table}" for step in self.reads]
        written = [f"{change.kind} {change.table}" for change in self.changes]
        return " > ".join([*read, *written])

    @property
    def hops(self) -> int:
        """Steps on the longest path."""
        depth: dict[str, int] = {}
        for step in self.reads:
            depth[step.id] = 1 + max((depth[source] for source in step.sources), default=0)
        return max(
            1 + max((depth[source] for source in change.sources), default=0)
            for change in self.changes
        )
