"""Tools that change the world, as data: what each takes, changes and refuses.

A reply shows rows as they became, under `/row`. A refusal leaves no trace: `LookupError` for rows
that are not there, `ValueError` for everything else.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.references import Reference

WriteKind: TypeAlias = Literal[
    "create", "update", "set_status", "cancel", "remove", "reassign", "move_amount"
]
_Key: TypeAlias = tuple[tuple[str, Attribute], ...]


@dataclass(frozen=True, slots=True)
class WrittenValue:
    """A parameter whose value is written to a column."""

    parameter: str
    attribute: Attribute
    required: bool
    """Whether it must be given; otherwise it is `None`: NULL in a new row, no change in an old."""
    choices: tuple[str | int, ...] = ()
    """The only values accepted, where they are few."""
    at_least_zero: bool = False


@dataclass(frozen=True, slots=True)
class CheckedReference:
    """A row that must be there, and the parameters that name it in the order of its key."""

    reference: Reference
    target: Entity
    parameters: tuple[str, ...]
    optional: bool
    """Whether it is looked for only when it is given."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """The part of a key that a new row gets by counting on from the largest there is."""

    attribute: Attribute
    prefix: str = ""
    """What keys begin with before their digits: "SKU-"; empty for integers."""
    digits: int = 0
    """How many digits at least; 0 for integers."""
    within: tuple[tuple[str, Attribute], ...] = ()
    """Parameters of the key's other columns: lines are counted within an order."""


@dataclass(frozen=True, slots=True)
class StatusSteps:
    """What a status can become."""

    attribute: Attribute
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    """Each value with those that may follow it."""
    initial: str
    """What new rows get."""

    @property
    def final(self) -> tuple[str, ...]:
        """Values that nothing follows."""
        return tuple(value for value, following in self.steps if not following)

    def before(self, wanted: str) -> tuple[str, ...]:
        """Return the values that `wanted` may follow."""
        return tuple(value for value, following in self.steps if wanted in following)


@dataclass(frozen=True, slots=True)
class CreateTool:
    """Adds a row; refuses a key that is taken, rows referred to that are missing, wrong values."""

    kind: ClassVar[WriteKind] = "create"
    name: str
    values: tuple[WrittenValue, ...]
    numbering: Numbering | None
    """Absent when the key is given."""
    status: StatusSteps | None
    """The status that is set to its initial value; no parameter holds it."""
    references: tuple[CheckedReference, ...]


@dataclass(frozen=True, slots=True)
class UpdateTool:
    """Changes columns of one row; refuses when nothing would change, and wrong values."""

    kind: ClassVar[WriteKind] = "update"
    name: str
    key_parameters: _Key
    values: tuple[WrittenValue, ...]


@dataclass(frozen=True, slots=True)
class SetStatusTool:
    """Moves one row to another status; refuses steps that are not among the allowed ones."""

    kind: ClassVar[WriteKind] = "set_status"
    name: str
    key_parameters: _Key
    status: StatusSteps
    parameter: str
    choices: tuple[str, ...]
    """Values that can be asked for; the one that a cancelling tool sets is not among them."""


@dataclass(frozen=True, slots=True)
class CancelTool:
    """Sets one row's status to `value`; refuses rows whose status does not allow it."""

    kind: ClassVar[WriteKind] = "cancel"
    name: str
    key_parameters: _Key
    status: StatusSteps
    value: str


@dataclass(frozen=True, slots=True)
class RemoveTool:
    """Deletes one row that nothing refers to, and returns it as it was."""

    kind: ClassVar[WriteKind] = "remove"
    name: str
    key_parameters: _Key


@dataclass(frozen=True, slots=True)
class ReassignTool:
    """Gives one row another parent; refuses the one that it has, and rows with a final status."""

    kind: ClassVar[WriteKind] = "reassign"
    name: str
    key_parameters: _Key
    reference: Reference
    target: Entity
    role: str
    parameter: str
    """Holds the key of the new parent."""
    status: StatusSteps | None


@dataclass(frozen=True, slots=True)
class MoveAmountTool:
    """Moves a part of a column's value from one row to another: `/from/FIELD`, `/to/FIELD`.

    Takes `amount`. The sum over all rows stays, and no value becomes negative: it refuses amounts
    of 0 or less, more than there is, and a row that gives to itself.
    """

    kind: ClassVar[WriteKind] = "move_amount"
    name: str
    source: _Key
    destination: _Key
    attribute: Attribute
    digits: int
    """Digits after the point that an amount may have."""


WriteTool: TypeAlias = (
    CreateTool
    | UpdateTool
    | SetStatusTool
    | CancelTool
    | RemoveTool
    | ReassignTool
    | MoveAmountTool
)
