"""Words for steps: the row that one finds, the rows that it searches, the question it asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.naming import joined
from astra_arena.synthesizer.tables.roles import role_of
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Row, Step
from astra_arena.synthesizer.tasks.terms import (
    named_row,
    plain_superlatives,
    spoken,
    superlatives,
)

Namer: TypeAlias = Callable[[Step], str]
"""How the row of a step is referred to where another step needs it."""

LONGEST_INSIDE = 60
"""A longer phrase stands at the end of a question."""

_METRICS = {
    "minimum": "lowest",
    "maximum": "highest",
    "mean": "average",
    "sum": "total",
}

_NAMED = {"name": "named", "title": "titled"}
"""Columns that say what a row is called, and how it is said."""


@dataclass(frozen=True)
class Phrases:
    """Words the steps of one plan."""

    catalogue: Catalogue
    plan: Plan

    def entity_of(self, step: Step) -> Entity:
        """Return the entity that a step is about."""
        return self.catalogue.by_name[step.table]

    def row(self, step: Step, name: Namer) -> str:
        """Return the noun phrase for the row that a step finds, nested parents included."""
        entity = self.entity_of(step)
        match step.kind:
            case "get":
                return self._known_row(step, name)
            case "pick":
                return f"the {entity.singular} {self._modifiers(step, name)}"
            case _:
                return f"{self.superlative(step)} of all {self.rows(step, name)}"

    def superlative(self, step: Step, *, noun: str | None = None) -> str:
        """Return "the flight with the longest delay" without what it is chosen from."""
        entity = self.entity_of(step)
        attribute = entity.by_name[step.sort_by or ""]
        word = superlatives(attribute)[0 if step.descending else 1]
        noun = noun or entity.singular
        return word.replace("{}", noun) if "{}" in word else f"the {noun} with {word}"

    def rows(self, step: Step, name: Namer) -> str:
        """Return the noun phrase for the rows that a step searches."""
        plural = self.entity_of(step).plural
        modifiers = self._modifiers(step, name)
        return f"{plural} {modifiers}" if modifiers else plural

    def question(self, step: Step, name: Namer) -> str:
        """Return the question that the step answers."""
        entity = self.entity_of(step)
        match step.kind:
            case "count":
                rows = self.rows(step, name)
                short = "How many {} are there?" if len(rows) <= LONGEST_INSIDE else ""
                form = entity.words.counted or short or "What is the number of {}?"
                return self._told_whether_included(step, form.replace("{}", rows))
            case "summary":
                return self._told_whether_included(step, self._summary_question(step, name))
            case _:
                return self._value_question(step, self.row(step, name))

    def value(self, step: Step, name: Namer) -> str:
        """Return the noun phrase for the value that a step answers."""
        label = self.entity_of(step).by_name[step.column or ""].label
        return f"the {label} of {name(step)}"

    def _value_question(self, step: Step, row: str) -> str:
        attribute = self.entity_of(step).by_name[step.column or ""]
        ask = attribute.words.ask
        # What follows a long phrase is lost on the reader.
        if ask and (len(row) <= LONGEST_INSIDE or ask.endswith("{}?")):
            return ask.replace("{}", row)
        unit = f", in {attribute.words.unit}" if attribute.words.unit else ""
        return f"What is the {attribute.label} of {row}{unit}?"

    def _told_whether_included(self, step: Step, question: str) -> str:
        """Say so where a row that the others are compared with is counted among them."""
        return f"{question[:-1]}, that one included?" if self._counts_its_parent(step) else question

    def _counts_its_parent(self, step: Step) -> bool:
        if step.metric in ("minimum", "maximum"):
            return False
        shared = [
            self.plan.step(condition.source)
            for condition in step.conditions
            if condition.source
            and condition.operator == "is"
            and not self._same_kind(step, condition)
        ]
        return any(
            parent.table == step.table
            and parent.rows
            and all(_satisfies(parent.rows[0], condition) for condition in step.conditions)
            for parent in shared
        )

    def _summary_question(self, step: Step, name: Namer) -> str:
        attribute = self.entity_of(step).by_name[step.column or ""]
        figure = _METRICS[step.metric or "mean"]
        words = attribute.words.superlatives or plain_superlatives(attribute)
        if step.metric in ("minimum", "maximum") and "{}" not in "".join(words):
            figure = words[0] if step.metric == "maximum" else words[1]
        unit = f", in {attribute.words.unit}" if attribute.words.unit else ""
        return f"What is the {figure} {attribute.label} of {self.rows(step, name)}{unit}?"

    def _known_row(self, step: Step, name: Namer) -> str:
        entity = self.entity_of(step)
        fed = [condition for condition in step.conditions if condition.source]
        if fed and len(entity.key) > 1 and not entity.words.named:
            parts = [self._key_part(entity, condition, name) for condition in step.conditions]
            return f"the {entity.singular} with {joined(parts)}"
        if not fed or len(entity.key) > 1:
            said = {
                condition.column: self._value_of(entity, condition, name)
                if condition.source
                else spoken(entity.by_name[condition.column], condition.value)
                for condition in step.conditions
            }
            return named_row(entity, said)
        return self._thing(self.plan.step(fed[0].source or ""), name)

    def _key_part(self, entity: Entity, condition: Condition, name: Namer) -> str:
        attribute = entity.by_name[condition.column]
        if condition.source is None:
            return f"{attribute.label} {spoken(attribute, condition.value)}"
        value = self._value_of(entity, condition, name)
        if entity.reference_of(condition.column) is None:
            return f"{value} as its {attribute.label}"
        return f"{value} as its {self._filter_label(entity, condition)}"

    def _thing(self, parent: Step, name: Namer) -> str:
        """Return the phrase for the thing that the parent's answer names."""
        entity = self.entity_of(parent)
        column = parent.column or ""
        row = name(parent)
        if entity.key == (column,):
            return row
        reference = entity.reference_of(column)
        words = entity.by_name[column].words
        if reference is None:
            return f"the {entity.by_name[column].label} of {row}"
        if words.possessive:
            return words.possessive.replace("{}", row)
        target = self.catalogue.by_name[reference.target]
        return f"the {words.role or role_of(entity.by_name[column], target)} of {row}"

    def _modifiers(self, step: Step, name: Namer) -> str:
        entity = self.entity_of(step)
        said: list[str] = []
        plain: list[str] = []
        fed: list[str] = []
        for condition in step.conditions:
            words = entity.by_name[condition.column].words
            value = self._value_of(entity, condition, name)
            here = fed if condition.source else said
            if condition.source and not self._same_kind(step, condition):
                here.append(self._shared(step, condition, name))
            elif words.modifier:
                here.append(words.modifier.replace("{}", value))
            elif self._owner(entity, condition) is not None:
                here.append(f"of {value}")
            elif condition.source:
                here.append(f"whose {self._filter_label(entity, condition)} is {value}")
            elif condition.column in _NAMED:
                said.append(f"{_NAMED[condition.column]} {value}")
            else:
                plain.append(f"{self._filter_label(entity, condition)} {value}")
        if plain:
            said.insert(0, f"with {joined(plain)}")
        # What other rows decide comes last, since its phrases are long.
        return " ".join([*said, joined(fed)]).strip()

    def _owner(self, entity: Entity, condition: Condition) -> Entity | None:
        """Return what a column like `customer_id` refers to, if it says no more than that."""
        reference = entity.reference_of(condition.column)
        if reference is None:
            return None
        target = self.catalogue.by_name[reference.target]
        plain = role_of(entity.by_name[condition.column], target) == target.singular
        return target if plain else None

    def _filter_label(self, entity: Entity, condition: Condition) -> str:
        attribute = entity.by_name[condition.column]
        reference = entity.reference_of(condition.column)
        if reference is not None:
            target = self.catalogue.by_name[reference.target]
            return attribute.words.role or role_of(attribute, target)
        return attribute.label

    def _same_kind(self, step: Step, condition: Condition) -> bool:
        """Whether the parent's answer names a thing, so that the thing can be spoken of."""
        if condition.operator != "is" or not self.catalogue.names_things(
            step.table, condition.column
        ):
            return False
        parent = self.plan.step(condition.source or "")
        if (parent.table, parent.column) != (step.table, condition.column):
            return True
        # Within one table "the same customer as that order" is shorter than naming the customer.
        entity = self.catalogue.by_name[step.table]
        words = entity.by_name[condition.column].words
        return words.modifier is not None and words.possessive is not None

    def _shared(self, step: Step, condition: Condition, name: Namer) -> str:
        """Return "with the same model as that plane" or a bound that another row sets."""
        attribute = self.entity_of(step).by_name[condition.column]
        row = name(self.plan.step(condition.source or ""))
        match condition.operator:
            case "is":
                label = self._filter_label(self.entity_of(step), condition)
                return f"with the same {label} as {row}"
            case "at_least":
                return f"whose {attribute.label} is at least that of {row}"
            case "at_most":
                return f"whose {attribute.label} is at most that of {row}"

    def _value_of(self, entity: Entity, condition: Condition, name: Namer) -> str:
        attribute = entity.by_name[condition.column]
        if condition.source is None:
            value = spoken(attribute, condition.value)
            owner = None if attribute.words.modifier else self._owner(entity, condition)
            return value if owner is None else named_row(owner, {owner.key[0]: value})
        parent = self.plan.step(condition.source)
        if self.catalogue.names_things(entity.name, condition.column):
            return self._thing(parent, name)
        return self.value(parent, name)


def _satisfies(row: Row, condition: Condition) -> bool:
    value, bound = row[condition.column], condition.value
    if condition.operator == "is":
        return value == bound
    if isinstance(value, str) and isinstance(bound, str):
        return value >= bound if condition.operator == "at_least" else value <= bound
    if isinstance(value, int | float) and isinstance(bound, int | float):
        return value >= bound if condition.operator == "at_least" else value <= bound
    return False
