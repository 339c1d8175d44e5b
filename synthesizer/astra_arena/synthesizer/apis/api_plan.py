"""Plans of tasks over an API: calls, what each answers, and the words for the rows they find."""

from dataclasses import dataclass, field
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.tasks import AnswerKind, RowSelector
from astra_arena.synthesizer.apis.action import Action
from astra_arena.synthesizer.apis.made_rows import Row
from astra_arena.synthesizer.apis.resource import Resource

StepKind = Literal["find", "read", "write", "count"]


@dataclass(frozen=True, slots=True)
class OtherCall:
    """Another call whose reply holds the same row."""

    tool: str
    arguments: JsonObject
    row: str
    """Pointer to the row in its reply."""


@dataclass(frozen=True, slots=True)
class ApiStep:
    """One call of a plan."""

    id: str
    kind: StepKind
    action: Action
    arguments: JsonObject
    """Literals, and references to parents' answers."""
    phrase: str
    """The row that it finds, as people say it: `the pet named "Rex"`."""
    row: Row
    parents: tuple[str, ...] = ()
    selector: JsonObject = field(default_factory=dict)
    """Properties that single the row out in a list, with their values."""
    page: tuple[int, int] = (0, 0)
    """The row's place on the gold call's page, and how many rows that holds."""
    pointer: str = ""
    """To the answer, inside of the row; inside of the reply for a count."""
    value: Json = None
    """The answer."""
    asked: str = ""
    """The answer's name, as people say it; empty where it only leads on."""
    others: tuple[OtherCall, ...] = ()

    @property
    def resource(self) -> Resource:
        """What the row is."""
        return self.action.resource

    @property
    def row_path(self) -> str:
        """Pointer to the row in the reply."""
        path = self.action.shape.path
        return f"{path}/{self.page[0]}" if self.kind == "find" else path

    @property
    def where(self) -> RowSelector | None:
        """How the row is told from others in a reply."""
        if self.kind != "find":
            return None
        plain = {k: v for k, v in self.selector.items() if not isinstance(v, dict | list)}
        return RowSelector(
            rows=self.action.shape.path,
            equals=plain,
            field=self.pointer,
            gold_rows=max(1, self.page[1]),
        )

    @property
    def answer_kind(self) -> AnswerKind:
        """How answers are compared."""
        if isinstance(self.value, bool) or self.value is None:
            return "exact"
        if isinstance(self.value, int | float):
            return "number"
        return "text" if isinstance(self.value, str) else "exact"


@dataclass(frozen=True, slots=True)
class ApiPlan:
    """The calls of one task, and what the user says."""

    steps: tuple[ApiStep, ...]
    say: str
    shape: Literal["read", "write"]

    @property
    def hops(self) -> int:
        """Steps on the longest path."""
        depth: dict[str, int] = {}
        for step in self.steps:
            depth[step.id] = 1 + max((depth[one] for one in step.parents), default=0)
        return max(depth.values())

    @property
    def branches(self) -> int:
        """Steps that no other one needs."""
        parents = {name for step in self.steps for name in step.parents}
        return sum(step.id not in parents for step in self.steps)

    @property
    def template(self) -> str:
        """Its tools in order."""
        return " > ".join(step.action.name for step in self.steps)

    @property
    def tools(self) -> frozenset[str]:
        """The tools that its calls, and other ways to make them, name."""
        own = {step.action.name for step in self.steps}
        return frozenset(own | {one.tool for step in self.steps for one in step.others})
