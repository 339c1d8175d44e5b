"""What a question can leave out so that only the user can tell it: the key or name of a row."""

import random
from collections.abc import Sequence
from dataclasses import replace

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import Filling, Task
from astra_arena.synthesizer.changes.change import Change, ChangePlan
from astra_arena.synthesizer.changes.change_wording import TARGET, ChangeWording
from astra_arena.synthesizer.tables.catalogue import Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.grammar import grammar_of
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tables.write_kinds import UpdateTool
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.questions import Storyteller, gives_away
from astra_arena.synthesizer.tasks.task_graphs import Plan, Step
from astra_arena.synthesizer.tasks.terms import spoken
from astra_arena.synthesizer.variants.missing_parameter import MOST_TRIED, Unsaid


class UnsaidValues:
    """Finds values that tasks can leave out.

    Args:
        catalogue: The entities.
        designs: Their tools.
        queries: Lists what else a value could be.
    """

    def __init__(
        self, catalogue: Catalogue, designs: Sequence[EntityTools], queries: GoldQueries
    ) -> None:
        self._catalogue = catalogue
        self._designs = designs
        self._queries = queries

    def of_question(self, task: Task, plan: Plan, stream: random.Random) -> Unsaid | None:
        """Return the task's question without the name or key of the row that it starts from.

        Args:
            task: The task.
            plan: Its plan, from which the question is worded anew.
            stream: Decides what is left out and how the rest is worded.
        """
        roots = [step for step in plan.steps if _names_a_row(step)]
        for step in stream.sample(roots, k=len(roots)):
            hidden = replace(step.conditions[0], unsaid=True)
            steps = tuple(
                replace(one, conditions=(hidden,)) if one.id == step.id else one
                for one in plan.steps
            )
            wording = Storyteller(self._catalogue, replace(plan, steps=steps), stream).tell()
            value = step.conditions[0].value
            if gives_away(wording.question, value):
                continue
            argument = self._argument(task, step, value)
            if argument is not None:
                entity = self._catalogue.by_name[step.table]
                attribute = entity.by_name[step.conditions[0].column]
                return self.unsaid(
                    entity, attribute, step.id, argument, value, wording.question, stream
                )
        return None

    def of_change(self, task: Task, plan: ChangePlan, stream: random.Random) -> Unsaid | None:
        """Return a request without the key of the row that it changes, or without a new value.

        Args:
            task: The task.
            plan: What it changes; nothing but one change is looked at.
            stream: Decides what is left out and how the rest is worded.
        """
        if len(plan.changes) != 1:
            return None
        change = plan.changes[0]
        entity = self._catalogue.by_name[change.table]
        question = next(q for q in task.sub_questions if q.id == change.id)
        attribute, argument, unsaid = self._left_out(change, entity)
        if attribute is None or argument not in question.arguments:
            return None
        prompt = ChangeWording(self._catalogue, plan, stream, unsaid=unsaid).request()
        value = question.arguments[argument]
        if not isinstance(value, int | float | str) or gives_away(prompt, value):
            return None
        return self.unsaid(entity, attribute, change.id, argument, value, prompt, stream)

    def _left_out(self, change: Change, entity: Entity) -> tuple[Attribute | None, str, str]:
        """Return the column, the argument and what the wording leaves out; no column if nothing."""
        if isinstance(change.tool, UpdateTool) and len(change.values) == 1:
            (parameter,) = change.values
            written = next(one for one in change.tool.values if one.parameter == parameter)
            return written.attribute, parameter, parameter
        keys = getattr(change.tool, "key_parameters", ())
        if change.target is None or change.target.source is not None or len(keys) != 1:
            return None, "", ""
        ((parameter, _),) = keys
        return entity.key_attributes[0], parameter, TARGET

    def unsaid(
        self,
        entity: Entity,
        attribute: Attribute,
        question: str,
        argument: str,
        value: Json,
        prompt: str,
        stream: random.Random,
    ) -> Unsaid:
        """Describe a value of a column that a prompt leaves out.

        Args:
            entity: The table.
            attribute: The column.
            question: The sub-question whose call needs the value.
            argument: The argument that takes it.
            value: The gold's.
            prompt: What the user says instead.
            stream: Decides which other values are tried.
        """
        label = grammar_of(entity, attribute).label
        noun = entity.singular
        slot = label if noun in label else f"{noun} {label}"
        values = self._queries.values(entity.name, attribute.name)
        others = [other for other in values if other != value]
        candidates = stream.sample(others, k=min(len(others), MOST_TRIED))
        said = spoken(attribute, value if isinstance(value, int | float | str) else None)
        return Unsaid(
            question=question,
            argument=argument,
            slot=slot,
            aliases=(f"{label} of the {noun}", f"which {noun}", f"{noun}'s {label}"),
            tell=f"The {slot} is {said}.",
            prompt=prompt,
            fills=self.fills(entity, attribute),
            candidates=tuple(candidates),
        )

    def fills(self, entity: Entity, attribute: Attribute) -> tuple[Filling, ...]:
        """Return every argument of every tool that takes a value of the column."""
        found: list[Filling] = []
        for design in self._designs:
            own = design.entity
            for parameter, key in design.key_parameters:
                if self._same(entity, attribute, own, key):
                    tools = [design.get, *(w.name for w in design.writes if _keyed(w, parameter))]
                    found += [Filling(tool=tool, argument=parameter) for tool in tools]
            searching = [
                design.find,
                design.count,
                *([design.summarise] if design.summarise else []),
            ]
            for rule in design.filters:
                if rule.operator == "is" and self._same(entity, attribute, own, rule.attribute):
                    found += [Filling(tool=t, argument=rule.parameter) for t in searching]
        return tuple(found)

    def _same(self, entity: Entity, attribute: Attribute, other: Entity, column: Attribute) -> bool:
        return self._catalogue.same_things(entity.name, attribute.name, other.name, column.name)

    def _argument(self, task: Task, step: Step, value: Json) -> str | None:
        """Return the argument of the step's gold call that holds the value."""
        question = next(q for q in task.sub_questions if q.id == step.id)
        holding = [
            n for n, given in question.arguments.items() if given == value and given is not None
        ]
        return holding[0] if len(holding) == 1 else None


def _names_a_row(step: Step) -> bool:
    """Whether a step starts from one row that the question names by one value."""
    return (
        step.kind in ("get", "pick")
        and len(step.conditions) == 1
        and step.conditions[0].source is None
        and step.conditions[0].operator == "is"
    )


def _keyed(write: object, parameter: str) -> bool:
    pairs = getattr(write, "key_parameters", ())
    return any(name == parameter for name, _ in pairs)
