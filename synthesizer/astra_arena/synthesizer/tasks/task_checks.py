"""What makes a task worth giving: every value needed, no way around, nothing given away.

Each check returns why a plan fails, or `None`. They look at the data only; what the question says
is checked where it is worded.
"""

import random
from dataclasses import replace

from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.tool_design import EntityTools
from astra_arena.synthesizer.tasks.gold_queries import SHOWN_ROWS, GoldQueries
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Step

REPLACEMENTS = 12
"""Other values that are put in the place of a parent's answer."""
FEWEST_REPLACEMENTS = 3
CHANGED_SHARE = 0.8
"""The share of other values that must change the child's answer."""


class PlanChecks:
    """Checks plans against the world.

    Args:
        catalogue: The entities.
        designs: Their tools.
        queries: Answers steps that were changed.
        stream: Decides which other values are tried.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        queries: GoldQueries,
        stream: random.Random,
    ) -> None:
        self._catalogue = catalogue
        self._designs = {design.entity.name: design for design in designs}
        self._queries = queries
        self._stream = stream

    def finding(self, plan: Plan) -> str | None:
        """Return why the plan is no good task; the cheap checks come first."""
        return (
            _doubled_call(plan)
            or _repeated_answer(plan)
            or _shown_too_early(plan)
            or self._needless_parent(plan)
            or self._way_around(plan)
            or self._deaf_child(plan)
        )

    def _needless_parent(self, plan: Plan) -> str | None:
        """A search that answers the same without a parent's value does not need the parent."""
        for step in plan.steps:
            if step.kind in ("get", "period"):
                continue
            for source in step.sources:
                if self._queries.answer(step.without_source(source)) == step.answer:
                    return f"{step.id} answers the same without {source}"
        return None

    def _way_around(self, plan: Plan) -> str | None:
        """A value that was shown two steps above must not lead to the answer in one step."""
        for step in plan.steps:
            for source in step.sources:
                for above in sorted(plan.ancestors(plan.step(source))):
                    column = self._shortcut(step, source, plan.step(above))
                    if column is not None:
                        return f"{step.id} can be answered by {column!r} of {above}"
        return None

    def _shortcut(self, step: Step, source: str, above: Step) -> str | None:
        """Return the column shown by `above` whose value does instead of the source's answer."""
        bare = step.without_source(source)
        for rule in self._designs[step.table].filters:
            for column in above.rows[0] if above.rows else ():
                if rule.operator != "is" or not self._catalogue.same_things(
                    above.table, column, step.table, rule.attribute.name
                ):
                    continue
                for value in dict.fromkeys(row[column] for row in above.rows):
                    if value is not None and self._answers(bare, rule.attribute.name, value, step):
                        return column
        return None

    def _answers(self, bare: Step, column: str, value: SqlValue, step: Step) -> bool:
        from_above = Condition(column, "is", value)
        tried = replace(bare, conditions=(*bare.conditions, from_above))
        if step.kind in ("count", "summary", "group", "period"):
            return self._queries.answer(tried) == step.answer
        rows = self._queries.rows(tried, limit=SHOWN_ROWS)
        return any(row[step.column or ""] == step.answer for row in rows)

    def _deaf_child(self, plan: Plan) -> str | None:
        """Other values of a parent must lead to other answers."""
        for step in plan.steps:
            for source in step.sources:
                share = self.changed_share(step, plan.step(source))
                if share is None or share < CHANGED_SHARE:
                    return f"{step.id} hardly depends on {source}: {share}"
        return None

    def changed_share(self, step: Step, parent: Step) -> float | None:
        """Return the share of other answers of the parent that change the step's answer.

        `None` when the parent could not have answered much else.
        """
        values = self._queries.values(parent.table, parent.column or "")
        others = [value for value in values if value != parent.answer]
        if len(others) < FEWEST_REPLACEMENTS:
            # Of two or three values in all, each can be tried; all must matter.
            tried = others
        else:
            tried = self._stream.sample(others, k=min(REPLACEMENTS, len(others)))
        if not tried:
            return None
        changed = [
            self._queries.answer(step.with_value(parent.id, value)) != step.answer
            for value in tried
        ]
        return sum(changed) / len(changed)


def _doubled_call(plan: Plan) -> str | None:
    calls = [step.call for step in plan.steps]
    doubled = [step.id for step in plan.steps if calls.count(step.call) > 1]
    return f"{' and '.join(doubled)} make the same call" if doubled else None


def _repeated_answer(plan: Plan) -> str | None:
    answers = [step.answer for step in plan.steps]
    doubled = [step.id for step in plan.steps if answers.count(step.answer) > 1]
    return f"{' and '.join(doubled)} have the same answer" if doubled else None


def _shown_too_early(plan: Plan) -> str | None:
    """A reply must not hold the answer of a step that its call does not depend on."""
    for step in plan.steps:
        for other in plan.steps:
            if other.id == step.id or step.id in plan.ancestors(other):
                continue
            if step.answer in shown_values(other):
                return f"the reply to {other.id} holds the answer of {step.id}"
    return None


def shown_values(step: Step) -> set[SqlValue]:
    """Return all values that an accepted reply to the step may show."""
    values = {value for row in step.rows for value in row.values()}
    return values | {step.answer}
