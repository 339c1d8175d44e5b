"""Plans: the steps of a task before it has words, and where values flow between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.tool_design import Operator

Kind: TypeAlias = Literal["get", "pick", "top", "count", "summary", "group", "scan", "period"]
"""`get`: a row by its key. `pick`: the one row that satisfies conditions. `top`: the row with an
extreme value among those that do. `count`: how many do. `summary`: a figure over those that do.
`group`: the value of a column that most of those have, or for which the figure of another column,
`sort_by`, is extreme. `scan`: the row that stands out among those by what no tool compares, so that
all have to be read. `period`: the days between two dates of a row by its key."""

Metric: TypeAlias = Literal["minimum", "maximum", "mean", "sum"]
Topology: TypeAlias = Literal[
    "single_hop", "parallel_single_hop", "multi_hop", "parallel_multi_hop"
]
"""Whether steps build on each other, and whether what the user wants falls into separate parts."""
Shape: TypeAlias = Literal["single", "singles", "chain", "fork", "join", "branches"]
"""How the steps hang together, finer than the topology."""

TOPOLOGY_OF: dict[Shape, Topology] = {
    "single": "single_hop",
    "singles": "parallel_single_hop",
    "chain": "multi_hop",
    "fork": "multi_hop",
    "join": "multi_hop",
    "branches": "parallel_multi_hop",
}
Row: TypeAlias = dict[str, SqlValue]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must satisfy."""

    column: str
    operator: Operator
    value: SqlValue
    source: str | None = None
    """The step whose answer the value is; `None` when the question says it."""
    unsaid: bool = False
    """Whether the question leaves the value out, and so which row is meant."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a task's plan, and once solved its answer."""

    id: str
    kind: Kind
    table: str
    conditions: tuple[Condition, ...]
    column: str | None = None
    """The column of the answer; `None` for counts."""
    sort_by: str | None = None
    descending: bool = False
    metric: Metric | None = None
    beside: str | None = None
    """For a scan: the column that `sort_by` is to exceed; `None` for the length of its text. For a
    period: the column of its first date; `column` is that of the last."""
    place: int = 0
    """For a scan: where its row stands in the reply."""
    answer: SqlValue = None
    rows: tuple[Row, ...] = field(default=())
    """Rows that an accepted call may show."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Parents, each once, in the order of the conditions."""
        named = (condition.source for condition in self.conditions if condition.source)
        return tuple(dict.fromkeys(named))

    def with_value(self, source: str, value: SqlValue) -> "Step":
        """Return the step with another value from one parent."""
        return replace(
            self,
            conditions=tuple(
                replace(condition, value=value) if condition.source == source else condition
                for condition in self.conditions
            ),
        )

    def without_source(self, source: str) -> "Step":
        """Return the step without the conditions that take their value from one parent."""
        kept = tuple(condition for condition in self.conditions if condition.source != source)
        return replace(self, conditions=kept)

    @property
    def call(self) -> tuple[object, ...]:
        """What tells the step's gold call from others."""
        asked = tuple((c.column, c.operator, c.value) for c in self.conditions)
        name = self.kind if self.kind != "pick" else "top"
        figure = (self.column, self.metric) if self.kind == "group" else None
        figure = self.column if self.kind == "summary" else figure
        return (name, self.table, asked, self.sort_by, self.descending, figure, self.beside)


@dataclass(frozen=True)
class Plan:
    """All steps of a task, parents before children."""

    shape: Shape
    steps: tuple[Step, ...]

    @property
    def topology(self) -> Topology:
        """The topology that the shape belongs to."""
        return TOPOLOGY_OF[self.shape]

    def step(self, step_id: str) -> Step:
        """Return the step with this id."""
        return next(step for step in self.steps if step.id == step_id)

    @property
    def leaves(self) -> tuple[Step, ...]:
        """Steps whose answers the user wants: those that feed no other."""
        feeding = {source for step in self.steps for source in step.sources}
        return tuple(step for step in self.steps if step.id not in feeding)

    @property
    def inner(self) -> tuple[Step, ...]:
        """Steps that feed others."""
        leaves = {step.id for step in self.leaves}
        return tuple(step for step in self.steps if step.id not in leaves)

    def ancestors(self, step: Step) -> frozenset[str]:
        """Return the ids of all steps that the step depends on, directly or not."""
        above: set[str] = set()
        for source in step.sources:
            above |= {source} | self.ancestors(self.step(source))
        return frozenset(above)

    @property
    def hops(self) -> int:
        """Steps on the longest path."""
        depth: dict[str, int] = {}
        for step in self.steps:
            depth[step.id] = 1 + max((depth[source] for source in step.sources), default=0)
        return max(depth.values())

    def crosses(self, homes: Mapping[str, str]) -> bool:
        """Tell whether a step takes a value from a step in another environment.

        Args:
            homes: The environment of each table.
        """
        tables = {step.id: step.table for step in self.steps}
        return any(
            homes[tables[source]] != homes[step.table]
            for step in self.steps
            for source in step.sources
        )

    @property
    def template(self) -> str:
        """The shape with the kinds of its steps: `chain: top flights > get planes`."""
        return f"{self.shape}: " + " > ".join(f"{s.kind} {s.table}" for s in self.steps)
