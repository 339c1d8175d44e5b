"""Words changes as plain requests."""

import random

from astra_arena.core.randomness import random_stream
from astra_arena.synthesizer.changes.change import Change, ChangePlan, NamedRow
from astra_arena.synthesizer.tables.catalogue import Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.grammar import grammar_of
from astra_arena.synthesizer.tables.naming import a_or_an, joined
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.write_kinds import (
    CancelTool,
    CreateTool,
    MoveAmountTool,
    ReassignTool,
    RemoveTool,
    SetStatusTool,
    UpdateTool,
    WrittenValue,
)
from astra_arena.synthesizer.tasks.phrases import Phrases
from astra_arena.synthesizer.tasks.questions import capitalised, within_sentence
from astra_arena.synthesizer.tasks.task_graphs import Plan, Step
from astra_arena.synthesizer.tasks.terms import named_row, spoken

TARGET = "the row that is changed"

_CANCEL = ("Please cancel {row}.", "Cancel {row}.", "I need {row} cancelled.")
_REMOVE = ("Please remove {row}.", "Remove {row}.", "{Row} has to go; please remove it.")
_STATUS = (
    "Mark {row} as {value}.",
    "Please set the {label} of {row} to {value}.",
    "{Row} is {value} now; please record that.",
)
_UPDATE = (
    "Please update {row}: set {changes}.",
    "Some details of {row} are wrong. Set {changes}.",
)
_UPDATE_ONE = (
    "Change the {label} of {row} to {value}.",
    "Please set the {label} of {row} to {value}.",
    "The {label} of {row} should be {value}; please correct it.",
)
_REASSIGN = (
    "Make {other} the {role} of {row}.",
    "Please reassign {row}: the {role} should be {other}.",
)
_MOVE = (
    "Move {value} of the {label} of {row} to {other}.",
    "Please transfer {value} from the {label} of {row} to that of {other}.",
)
_CREATE = (
    "Add {noun}, with {details}.",
    "Please create {noun}, with {details}.",
    "We need {noun}, with {details}. Please add it.",
)
_UPDATE_UNSAID = (
    "Please change the {label} of {row}.",
    "The {label} of {row} is wrong; please correct it.",
)
_SECOND = ("Also, {}", "After that, {}", "Then {}")


class ChangeWording:
    """Words one plan of changes.

    Args:
        catalogue: The entities.
        plan: What is read and changed.
        stream: Decides which of several ways to say a thing is taken.
        unsaid: What is left out: `TARGET` for the row that is changed, or a parameter.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        plan: ChangePlan,
        stream: random.Random,
        *,
        unsaid: str | None = None,
    ) -> None:
        self._unsaid = unsaid
        self._catalogue = catalogue
        self._plan = plan
        self._salt = stream.getrandbits(32)
        self._phrases = Phrases(catalogue, Plan("chain", plan.reads), salt=self._salt)

    def request(self) -> str:
        """Return what the user asks for."""
        first, *others = (self.sentence(change) for change in self._plan.changes)
        said = [first]
        for place, other in enumerate(others):
            lowered = within_sentence(other)
            said.append(self._choose(_SECOND, f"second {place}").format(lowered))
        return " ".join(said)

    def read_question(self, step: Step) -> str:
        """Return the question that a reading step answers."""
        return self._phrases.question(step, self._nested)

    def sentence(self, change: Change) -> str:
        """Return the request for one change."""
        match change.tool:
            case CancelTool():
                return self._filled(_CANCEL, change)
            case RemoveTool():
                return self._filled(_REMOVE, change)
            case SetStatusTool() as tool:
                value = self._said(tool.status.attribute, change.values[tool.parameter])
                label = self._label(self._catalogue.by_name[change.table], tool.status.attribute)
                return self._filled(_STATUS, change, label=label, value=value)
            case UpdateTool() as tool:
                return self._update(change, tool)
            case ReassignTool() as tool:
                other = self._row(change.others[tool.parameter])
                return self._filled(_REASSIGN, change, role=tool.role, other=other)
            case MoveAmountTool() as tool:
                (other,) = change.others.values()
                value = self._said(tool.attribute, change.values["amount"])
                label = self._label(self._catalogue.by_name[change.table], tool.attribute)
                return self._filled(_MOVE, change, label=label, value=value, other=self._row(other))
            case CreateTool() as tool:
                return self._create(change, tool)

    def _update(self, change: Change, tool: UpdateTool) -> str:
        entity = self._catalogue.by_name[change.table]
        written = [value for value in tool.values if value.parameter in change.values]
        said = [
            (
                self._label(entity, one.attribute),
                self._said(one.attribute, change.values[one.parameter]),
            )
            for one in written
        ]
        if len(said) == 1:
            ((label, value),) = said
            if self._unsaid is not None and self._unsaid in change.values:
                return self._filled(_UPDATE_UNSAID, change, label=label)
            return self._filled(_UPDATE_ONE, change, label=label, value=value)
        changes = joined([f"the {label} to {value}" for label, value in said])
        return self._filled(_UPDATE, change, changes=changes)

    def _create(self, change: Change, tool: CreateTool) -> str:
        entity = self._catalogue.by_name[change.table]
        details = [
            f"{self._row(named)} as the {self._role(entity, parameter, tool.values)}"
            for parameter, named in change.others.items()
        ]
        details += [
            f"{self._said(one.attribute, change.values[one.parameter])} as the "
            f"{self._label(entity, one.attribute)}"
            for one in tool.values
            if one.parameter in change.values
        ]
        form = self._choose(_CREATE, change.id)
        return form.format(noun=a_or_an(f"new {entity.singular}"), details=joined(details))

    def _role(self, entity: Entity, parameter: str, values: tuple[WrittenValue, ...]) -> str:
        attribute = next(one.attribute for one in values if one.parameter == parameter)
        reference = entity.reference_of(attribute.name)
        if reference is None or reference.target not in self._catalogue.by_name:
            return self._label(entity, attribute)
        return attribute.words.role or self._catalogue.by_name[reference.target].singular

    def _filled(self, forms: tuple[str, ...], change: Change, **words: str) -> str:
        row = self._target(change)
        form = self._choose(forms, change.id)
        return form.format(row=row, Row=capitalised(row), **words)

    def _target(self, change: Change) -> str:
        if self._unsaid == TARGET:
            return a_or_an(self._catalogue.by_name[change.table].singular)
        return self._row(change.target)

    def _row(self, named: NamedRow | None) -> str:
        assert named is not None, "only new rows have no target"
        if named.source is not None:
            step = next(step for step in self._plan.reads if step.id == named.source)
            return self._nested(step)
        entity = self._catalogue.by_name[named.table]
        said = {name: self._said(entity.by_name[name], named.row[name]) for name in entity.key}
        return named_row(entity, said)

    def _label(self, entity: Entity, attribute: Attribute) -> str:
        return grammar_of(entity, attribute).label

    def _said(self, attribute: Attribute, value: SqlValue) -> str:
        return spoken(attribute, value)

    def _nested(self, step: Step) -> str:
        return self._phrases.row(step, self._nested)

    def _choose(self, options: tuple[str, ...], about: str) -> str:
        return random_stream(self._salt, "change", about).choice(options)
