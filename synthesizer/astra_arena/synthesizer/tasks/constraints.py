"""What rows must satisfy, as it is said after their noun: "flights from JFK in March"."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from astra_arena.synthesizer.tables.catalogue import Entity
from astra_arena.synthesizer.tables.grammar import BEFORE, ColumnGrammar, grammar_of
from astra_arena.synthesizer.tables.naming import joined
from astra_arena.synthesizer.tables.roles import role_of
from astra_arena.synthesizer.tasks.task_graphs import Condition, Step
from astra_arena.synthesizer.tasks.terms import named_row, span, spoken
from astra_arena.synthesizer.tasks.things import deed_of

_MONTHS = "|".join(f"{date(2000, month, 1):%B}" for month in range(1, 13))
_PLACE = re.compile(rf"in ((?!the |{_MONTHS}|\d).+)")
_PREPOSITION = re.compile(r"(?:to|from|scheduled|flown|operated)\b")

if TYPE_CHECKING:
    from astra_arena.synthesizer.tasks.phrases import Namer, Phrases


def agreeing(phrase: str, *, plural: bool) -> str:
    """Return a phrase with its verbs in the number of the noun before it."""
    return phrase.replace("{are}", "are" if plural else "is").replace(
        "{have}", "have" if plural else "has"
    )


class Constraints:
    """Words the conditions of the steps of one plan.

    Args:
        phrases: The phrases that they are a part of.
    """

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases
        self._catalogue = phrases.catalogue
        self._plan = phrases.plan

    def noun(self, step: Step, name: Namer, *, plural: bool) -> str:
        """Return the noun for rows of a step with all that they must satisfy after it."""
        entity = self._catalogue.by_name[step.table]
        noun = entity.plural if plural else entity.singular
        day, others = _day_of(entity, step.conditions)
        said: list[str] = [day] if day else []
        fed: list[str] = []
        columns = dict.fromkeys(condition.column for condition in others)
        for column in columns:
            of_column = [one for one in others if one.column == column]
            for phrase, comes_last in self._of_column(step, of_column, name):
                (fed if comes_last else said).append(agreeing(phrase, plural=plural))
        before = [phrase.removeprefix(BEFORE) for phrase in said if phrase.startswith(BEFORE)]
        said = [phrase for phrase in said if not phrase.startswith(BEFORE)]
        # What other rows decide comes last, since its phrases are long; but a clause goes on.
        clauses = [phrase for phrase in said if phrase.startswith(("that ", "whose "))]
        if clauses and all(phrase.startswith("of ") for phrase in fed):
            said, fed = [one for one in said if one not in clauses] + fed, clauses
        return " ".join([*before, noun, *_in_order(said), _together(fed)]).strip()

    def _of_column(
        self, step: Step, conditions: list[Condition], name: Namer
    ) -> list[tuple[str, bool]]:
        entity = self._catalogue.by_name[step.table]
        attribute = entity.by_name[conditions[0].column]
        grammar = grammar_of(entity, attribute)
        free = [condition for condition in conditions if condition.source is None]
        if len(free) == 2 and {one.operator for one in free} == {"at_least", "at_most"}:
            low, high = sorted(free, key=lambda one: one.operator)
            if attribute.profile.is_temporal and grammar.during:
                when = span(str(low.value), str(high.value))
                return [(grammar.during.replace("{}", when), False)]
            ends = (spoken(attribute, low.value), spoken(attribute, high.value))
            unit = f" {grammar.unit}" if grammar.unit else ""
            return [(f"with a {grammar.label} between {ends[0]} and {ends[1]}{unit}", False)]
        return [
            (self._one(step, condition, grammar, name), condition.source is not None)
            for condition in conditions
        ]

    def _one(self, step: Step, condition: Condition, grammar: ColumnGrammar, name: Namer) -> str:
        entity = self._catalogue.by_name[step.table]
        attribute = entity.by_name[condition.column]
        if condition.source and not self.names_its_thing(step, condition):
            return self._shared(step, condition, grammar, name)
        if condition.operator != "is":
            forms = grammar.at_least if condition.operator == "at_least" else grammar.at_most
            form = self._phrases.choose(forms, step.id, condition.column)
            value = spoken(attribute, condition.value)
            return form.replace("{}", f"{value} {grammar.unit}" if grammar.unit else value)
        if attribute.profile.logical_type == "boolean" and grammar.negated:
            return grammar.holds[0] if condition.value else grammar.negated
        value = self.value_of(step, condition, name)
        related = self._related(entity, condition, value)
        if related is not None:
            return self._phrases.choose(related, step.id, condition.column)
        form = self._phrases.choose(grammar.holds, step.id, condition.column)
        if condition.source and (grammar.label in form or not form.endswith("{}")):
            # "In the category the category with the most products" would say it twice.
            preposition = form.partition(" ")[0]
            form = f"{preposition} {{}}" if preposition in ("in", "of") else "with {}"
        unit = grammar.unit if grammar.unit and not attribute.words.modifiers else ""
        return form.replace("{}", f"{value} {unit}" if unit and grammar.unit not in form else value)

    def _related(self, entity: Entity, condition: Condition, value: str) -> tuple[str, ...] | None:
        """Return how rows are said to belong to what their reference names."""
        attribute = entity.by_name[condition.column]
        reference = entity.reference_of(condition.column)
        if attribute.words.modifiers:
            return None
        if reference is None:
            if condition.source and self._catalogue.names_things(entity.name, condition.column):
                return (f"whose {attribute.label} is {value}",)
            return None
        deed = deed_of(attribute)
        if deed:
            return (f"{deed} by {value}",)
        target = self._catalogue.by_name[reference.target]
        role = attribute.words.role or role_of(attribute, target)
        if role == target.singular:
            return (f"of {value}",)
        return (f"whose {role} is {value}",)

    def owner_phrase(self, step: Step, condition: Condition, name: Namer) -> str | None:
        """Return what rows belong to, where their reference says no more than that."""
        entity = self._catalogue.by_name[step.table]
        owner = self._owner(entity, condition)
        attribute = entity.by_name[condition.column]
        if owner is None or attribute.words.modifiers or deed_of(attribute):
            return None
        if condition.source and not self.names_its_thing(step, condition):
            return None
        return self.value_of(step, condition, name)

    def _owner(self, entity: Entity, condition: Condition) -> Entity | None:
        """Return what a column like `customer_id` refers to, if it says no more than that."""
        reference = entity.reference_of(condition.column)
        if reference is None:
            return None
        target = self._catalogue.by_name[reference.target]
        plain = role_of(entity.by_name[condition.column], target) == target.singular
        return target if plain else None

    def _filter_label(self, entity: Entity, condition: Condition) -> str:
        attribute = entity.by_name[condition.column]
        reference = entity.reference_of(condition.column)
        if reference is not None:
            target = self._catalogue.by_name[reference.target]
            return attribute.words.role or role_of(attribute, target)
        return grammar_of(entity, attribute).label

    def names_its_thing(self, step: Step, condition: Condition) -> bool:
        """Whether the parent's answer names a thing, so that the thing can be spoken of."""
        parent = self._plan.step(condition.source or "")
        if condition.operator == "is" and parent.kind == "group":
            return True
        if condition.operator != "is" or not self._catalogue.names_things(
            step.table, condition.column
        ):
            return False
        if (parent.table, parent.column) != (step.table, condition.column):
            return True
        # Within one table "the same customer as that order" is shorter than naming the customer.
        entity = self._catalogue.by_name[step.table]
        words = entity.by_name[condition.column].words
        return bool(words.modifiers) and words.possessive is not None

    def _shared(self, step: Step, condition: Condition, grammar: ColumnGrammar, name: Namer) -> str:
        """Return "with the same model as that plane" or a bound that another row sets."""
        row = name(self._plan.step(condition.source or ""))
        match condition.operator:
            case "is":
                entity = self._catalogue.by_name[step.table]
                label = self._filter_label(entity, condition)
                form = grammar.holds[0]
                same = f"the same {label} as {row}"
                owned = self._owner(entity, condition) and not deed_of(
                    entity.by_name[condition.column]
                )
                if owned and not entity.by_name[condition.column].words.modifiers:
                    return f"of {same}"
                # "In the same city as", but not "with the city the same city as".
                fits = form.endswith(" {}") and label not in form and form.count("{") == 1
                fits = fits and form not in ("named {}", "titled {}")
                return form.replace("{}", same) if fits else f"with {same}"
            case "at_least":
                return grammar.as_much.replace("{}", row)
            case "at_most":
                return grammar.as_little.replace("{}", row)

    def value_of(self, step: Step, condition: Condition, name: Namer) -> str:
        """Return how the value of a condition is said, a parent's by what it names."""
        entity = self._catalogue.by_name[step.table]
        attribute = entity.by_name[condition.column]
        if condition.source is None:
            value = spoken(attribute, condition.value)
            reference = entity.reference_of(condition.column)
            if attribute.words.modifiers or reference is None:
                return value
            target = self._catalogue.by_name[reference.target]
            return named_row(target, {target.key[0]: value}) if len(target.key) == 1 else value
        parent = self._plan.step(condition.source)
        if self._catalogue.names_things(entity.name, condition.column):
            return self._phrases.thing(parent, name)
        return self._phrases.value(parent, name)


def _together(fed: list[str]) -> str:
    """Return constraints that other rows decide, with "and" where none begins like the next."""
    ordered = sorted(fed, key=lambda one: not one.startswith("of "))
    if all(_PREPOSITION.match(one) for one in ordered):
        return " ".join(ordered)
    return joined(ordered)


def _day_of(entity: Entity, conditions: tuple[Condition, ...]) -> tuple[str, tuple[Condition, ...]]:
    """Take a month and a day of it together: "on 25 June"; return this and what else there is."""
    stated = {c.column.casefold(): c for c in conditions if c.source is None and c.operator == "is"}
    if not {"month", "day"} <= stated.keys():
        return "", conditions
    month, day = stated["month"], stated["day"]
    named = entity.by_name[month.column].words.values.get(str(month.value), "")
    if not named:
        number = month.value
        if not (isinstance(number, int) and 1 <= number <= 12):
            return "", conditions
        named = f"{date(2000, number, 1):%B}"
    others = tuple(condition for condition in conditions if condition not in (month, day))
    return f"on {day.value} {named}", others


def _in_order(said: list[str]) -> list[str]:
    """Return constraints in the order of speech: with, of, in or by, and what a clause says."""
    with_them = [phrase for phrase in said if phrase.startswith("with ")]
    owners = [phrase for phrase in said if phrase.startswith("of ")]
    clauses = [phrase for phrase in said if phrase.startswith(("that ", "whose "))]
    taken = {*with_them, *owners, *clauses}
    others = [phrase for phrase in said if phrase not in taken]
    together = joined([re.sub(r"^with ", "", phrase) for phrase in with_them])
    ordered = [*([f"with {together}"] if together else []), *owners, *_places(others)]
    clause = (
        joined([clauses[0], *(re.sub(r"^that ", "", one) for one in clauses[1:])])
        if clauses
        else ""
    )
    return [*ordered, clause] if clause else ordered


def _places(phrases: list[str]) -> list[str]:
    """Return "in Lima" and "in Peru" as "in Lima, Peru"."""
    merged: list[str] = []
    for phrase in phrases:
        plain = _PLACE.fullmatch(phrase)
        if plain and merged and _PLACE.fullmatch(merged[-1]):
            merged[-1] += f", {plain[1]}"
        else:
            merged.append(phrase)
    return merged
