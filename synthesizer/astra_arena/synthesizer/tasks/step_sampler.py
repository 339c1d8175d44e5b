"""Draws single steps: where a task may start, and what may follow from an answer."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from astra_arena.synthesizer.tables.catalogue import MANY_VALUES, Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.naming import words_of
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tables.tool_design import (
    EntityTools,
    PeriodTool,
    group_tool,
    period_tool,
)
from astra_arena.synthesizer.tasks.answer_uses import AnswerUses, Use
from astra_arena.synthesizer.tasks.gold_queries import FEWEST_COMPARED, GoldQueries
from astra_arena.synthesizer.tasks.spans import bounds, spanned
from astra_arena.synthesizer.tasks.task_graphs import Condition, Kind, Metric, Row, Step

MOST_GUESSABLE_SHARE = 0.25
"""A column whose most frequent value is held by more of its rows is never a final answer."""
FEWEST_ANSWERS = 12
MOST_FILTER_VALUES = 400
"""A column with more distinct values is no criterion that a person would name."""
PERIOD_SHARE = 0.3
"""How often a row looked up is asked for the days between two of its dates."""
LONGEST_ANSWER = 80

_T = TypeVar("_T")
_NAMING_WORDS = frozenset({"name", "title", "label", "caption", "subject", "email"})


class StepSampler:
    """Draws steps over a catalogue; what it draws is solved, or nothing.

    Args:
        catalogue: The entities.
        designs: Their tools; a step asks for nothing that these do not offer.
        queries: Answers the steps.
        uses: What can be done with answers.
        stream: Decides every draw.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        queries: GoldQueries,
        uses: AnswerUses,
        stream: random.Random,
    ) -> None:
        self._catalogue = catalogue
        self._designs = {design.entity.name: design for design in designs}
        self._queries = queries
        self._uses = uses
        self._stream = stream

    def root(self, step_id: str, *, answers: Sequence[tuple[str, str]] = ()) -> Step | None:
        """Draw a step without parents whose answer something can be done with.

        Args:
            step_id: Its id.
            answers: The (table, column) pairs to choose the answer from; any useful one if empty.
        """
        choices = list(answers) or self._uses.useful_answers
        if not choices:
            return None
        # Tables first: a table with many columns would drown the others.
        table = self._pick(sorted({table for table, _ in choices}))
        entity = self._catalogue.by_name[table]
        column = self._useful_column(entity, [column for name, column in choices if name == table])
        makers = (self._top_root, self._top_root, self._pick_root, self._get_root, self._group_root)
        return self._pick(makers)(step_id, entity, column)

    def single(self, step_id: str) -> Step | None:
        """Draw a step without parents whose answer is what the user wants to know."""
        entity = self._catalogue.by_name[self._pick(sorted(self._designs))]
        if self._stream.random() < 0.4:
            conditions = self.criteria(entity, (), most=3)
            # A number of rows without any criterion is the size of the table.
            if not conditions:
                return None
            return self.searching(step_id, entity.name, conditions, final=True)
        column = self._answer_column(entity, (), final=True)
        if column is None:
            return None
        makers = (self._top_root, self._top_root, self._pick_root, self._get_root, self._group_root)
        return self._pick(makers)(step_id, entity, column)

    def producer(
        self, step_id: str, answers: Sequence[tuple[str, str]], wanted: SqlValue
    ) -> Step | None:
        """Draw a root that answers with one of these columns, with a wanted value if it can."""
        keys = [
            (table, column)
            for table, column in answers
            if self._catalogue.by_name[table].key == (column,)
        ]
        if keys and wanted is not None and self._stream.random() < 0.6:
            table, column = self._pick(keys)
            return self._pick_root(step_id, self._catalogue.by_name[table], column, wanted)
        return self.root(step_id, answers=answers)

    def following(self, step_id: str, parent: Step, *, final: bool) -> Step | None:
        """Draw a step that needs the parent's answer.

        Args:
            step_id: Its id.
            parent: A solved step.
            final: Whether its answer is one that the user wants; otherwise something can be done
                with it.
        """
        if parent.column is None or parent.kind in ("count", "summary"):
            return None
        uses = self._uses.of(parent.table, parent.column)
        use = self._weighted(uses, final=final)
        if use is None:
            return None
        if use.kind == "lookup":
            return self._lookup(step_id, parent, use, final=final)
        condition = Condition(use.column, use.operator, parent.answer, parent.id)
        return self.searching(step_id, use.table, (condition,), final=final)

    def _weighted(self, uses: tuple[Use, ...], *, final: bool) -> Use | None:
        """Draw a use; bounds are an end at most."""
        weights = [use.weight for use in uses]
        for place, use in enumerate(uses):
            if use.operator != "is":
                weights[place] = int(final)
        return self._stream.choices(uses, weights)[0] if any(weights) else None

    def _lookup(self, step_id: str, parent: Step, use: Use, *, final: bool) -> Step | None:
        entity = self._catalogue.by_name[use.table]
        said = {
            c.column: c.value for c in parent.conditions if c.operator == "is" and c.source is None
        }
        # The other parts of the key must stand in the question, else they would come from nowhere.
        if any(own not in said for _, own in use.beside):
            return None
        known = {key: said[own] for key, own in use.beside}
        conditions = tuple(
            Condition(name, "is", parent.answer, parent.id)
            if name == use.column
            else Condition(name, "is", known[name])
            for name in entity.key
        )
        return self.getting(step_id, entity, conditions, final=final)

    def getting(
        self, step_id: str, entity: Entity, conditions: tuple[Condition, ...], *, final: bool
    ) -> Step | None:
        """Draw a step that looks a row up by its whole key."""
        tool = period_tool(self._designs[entity.name]) if final else None
        if tool is not None and self._stream.random() < PERIOD_SHARE:
            return self._period(step_id, tool, entity, conditions)
        column = self._answer_column(entity, conditions, final=final)
        if column is None:
            return None
        return self._queries.solve(Step(step_id, "get", entity.name, conditions, column))

    def _period(
        self, step_id: str, tool: PeriodTool, entity: Entity, conditions: tuple[Condition, ...]
    ) -> Step | None:
        """Draw the days between two dates of a row."""
        dates = [a for a in tool.dates if a.words.in_questions]
        if len(dates) < 2:
            return None
        first, last = self._stream.sample(dates, k=2)
        step = Step(step_id, "period", entity.name, conditions, last.name, beside=first.name)
        solved = self._queries.solve(step)
        # Nobody asks how many days something took that ended before it began.
        return solved if solved and isinstance(solved.answer, int) and solved.answer > 0 else None

    def searching(
        self, step_id: str, table: str, conditions: tuple[Condition, ...], *, final: bool
    ) -> Step | None:
        """Draw a step over the rows that satisfy the conditions, and maybe one more."""
        entity = self._catalogue.by_name[table]
        design = self._designs[table]
        if self._stream.random() < 0.5:
            conditions = (*conditions, *self.criteria(entity, conditions, most=1))
        kinds: list[Kind] = ["top", "top"]
        if final:
            kinds = ["count", "top", *(["summary"] if self._measures(entity) else []), "group"]
        match self._pick(kinds):
            case "count":
                return self._queries.solve(Step(step_id, "count", table, conditions))
            case "summary":
                return self._summary(step_id, entity, conditions)
            case "group":
                column = self._answer_column(entity, conditions, final=final)
                return self._group(step_id, entity, conditions, column)
            case _:
                column = self._answer_column(entity, conditions, final=final)
                return self._top(step_id, design, conditions, column)

    def _group_root(self, step_id: str, entity: Entity, column: str) -> Step | None:
        conditions = self.criteria(entity, (), most=1, avoid=column)
        return self._group(step_id, entity, conditions, column)

    def _group(
        self, step_id: str, entity: Entity, conditions: tuple[Condition, ...], column: str | None
    ) -> Step | None:
        tool = group_tool(self._designs[entity.name])
        if tool is None or column is None or entity.key == (column,):
            return None
        if column not in [attribute.name for attribute in tool.by]:
            return None
        step = Step(step_id, "group", entity.name, conditions, column, descending=True)
        measures = [a for a in tool.measures if a.words.in_questions and a.name != column]
        if measures and self._stream.random() < 0.4:
            measure = self._pick(measures)
            metric: Metric = "sum" if measure.is_additive else "mean"
            # "The fewest orders" would leave out who has none; the lowest average does not.
            highest = metric == "sum" or self._stream.random() < 0.7
            step = replace(step, sort_by=measure.name, metric=metric, descending=highest)
        return self._queries.solve(step)

    def _summary(
        self, step_id: str, entity: Entity, conditions: tuple[Condition, ...]
    ) -> Step | None:
        measure = self._pick(self._measures(entity))
        metrics: tuple[Metric, ...] = ("mean", "mean", "maximum", "minimum")
        if measure.is_additive:
            metrics = (*metrics, "sum", "sum")
        # A summary of the very column that the rows were kept by says little beyond the limit.
        if any(condition.column == measure.name for condition in conditions):
            return None
        step = Step(step_id, "summary", entity.name, conditions, measure.name)
        return self._queries.solve(replace(step, metric=self._pick(metrics)))

    def _measures(self, entity: Entity) -> list[Attribute]:
        return [a for a in self._designs[entity.name].measures if a.words.in_questions]

    def _top(
        self,
        step_id: str,
        design: EntityTools,
        conditions: tuple[Condition, ...],
        column: str | None,
    ) -> Step | None:
        fixed = {condition.column for condition in conditions}
        sortable = [
            attribute
            for attribute in design.sorted_by
            if attribute.words.in_questions and attribute.name not in fixed | {column}
        ]
        if column is None or not sortable:
            return None
        return self._queries.solve(
            Step(
                step_id,
                "top",
                design.entity.name,
                conditions,
                column,
                sort_by=self._pick(sortable).name,
                descending=self._stream.random() < 0.7,
            )
        )

    def _answer_column(
        self, entity: Entity, conditions: tuple[Condition, ...], *, final: bool
    ) -> str | None:
        fixed = {condition.column for condition in conditions}
        columns = [
            attribute.name
            for attribute in entity.attributes
            if attribute.name not in fixed
            and attribute.words.in_questions
            and (
                self._is_final_answer(attribute)
                if final
                else bool(self._uses.of(entity.name, attribute.name))
            )
        ]
        if not columns:
            return None
        return self._pick(columns) if final else self._useful_column(entity, columns)

    def _useful_column(self, entity: Entity, columns: list[str]) -> str:
        """Draw a column to go on from; one that names things leads further than a number."""
        weights = [
            4 if self._catalogue.names_things(entity.name, column) else 1 for column in columns
        ]
        return self._stream.choices(columns, weights)[0]

    def _is_final_answer(self, attribute: Attribute) -> bool:
        profile = attribute.profile
        few = profile.logical_type == "integer" and profile.distinct <= MANY_VALUES
        if few and not attribute.is_measure:
            return False
        return (
            profile.distinct >= FEWEST_ANSWERS
            and profile.top_share <= MOST_GUESSABLE_SHARE
            and profile.longest <= LONGEST_ANSWER
            and profile.logical_type != "boolean"
        )

    def _top_root(self, step_id: str, entity: Entity, column: str) -> Step | None:
        design = self._designs[entity.name]
        conditions = self.criteria(entity, (), most=2, avoid=column)
        return self._top(step_id, design, conditions, column)

    def _pick_root(
        self, step_id: str, entity: Entity, column: str, wanted: SqlValue = None
    ) -> Step | None:
        """Draw a step that finds a row by a name that no other row bears.

        Args:
            step_id: Its id.
            entity: Where to look.
            column: The column of the answer.
            wanted: The answer; the row is drawn when it is left out.
        """
        design = self._designs[entity.name]
        naming = [
            attribute
            for attribute in entity.attributes
            if attribute.name not in (*entity.key, column)
            and _NAMING_WORDS.intersection(words_of(attribute.name))
            and design.filter_on(attribute.name) is not None
        ]
        if not naming:
            return None
        attribute = self._pick(naming)
        row = self.random_row(entity) if wanted is None else self._row(entity, column, wanted)
        if row is None:
            return None
        conditions = (Condition(attribute.name, "is", row[attribute.name]),)
        if row[attribute.name] is None:
            return None
        return self._queries.solve(Step(step_id, "pick", entity.name, conditions, column))

    def _get_root(self, step_id: str, entity: Entity, column: str) -> Step | None:
        if column in entity.key:
            return None
        row = self.random_row(entity)
        conditions = tuple(Condition(name, "is", row[name]) for name in entity.key)
        return self._queries.solve(Step(step_id, "get", entity.name, conditions, column))

    def criteria(
        self, entity: Entity, given: tuple[Condition, ...], *, most: int, avoid: str = ""
    ) -> tuple[Condition, ...]:
        """Draw conditions that the question states, all satisfied by one row at least."""
        taken = {condition.column for condition in given} | {avoid}
        columns = [
            rule.attribute
            for rule in self._designs[entity.name].filters
            if rule.operator == "is"
            and rule.attribute.name not in taken
            and self._is_criterion(entity, rule.attribute)
        ]
        design = self._designs[entity.name]
        spans = [a for a in spanned(entity, design) if a.name not in taken]
        columns += [attribute for attribute in spans if attribute not in columns]
        chosen = self._stream.sample(columns, k=min(len(columns), self._stream.randint(0, most)))
        row = self.random_row(entity)
        # In the order of the columns, in which tables are usually described best.
        named = [a for a in entity.attributes if a in chosen and row[a.name] is not None]
        return tuple(
            condition
            for attribute in named
            for condition in (
                bounds(attribute, row[attribute.name], self._stream)
                if attribute in spans
                else (Condition(attribute.name, "is", row[attribute.name]),)
            )
        )

    def _is_criterion(self, entity: Entity, attribute: Attribute) -> bool:
        profile = attribute.profile
        return (
            attribute.words.in_questions
            and not profile.is_temporal
            and profile.distinct <= min(MOST_FILTER_VALUES, max(2, profile.rows // FEWEST_COMPARED))
            and entity.key != (attribute.name,)
        )

    def _row(self, entity: Entity, column: str, value: SqlValue) -> Row | None:
        condition = Condition(column, "is", value)
        rows = self._queries.rows(Step("", "get", entity.name, (condition,)), limit=1)
        return rows[0] if rows else None

    def random_row(self, entity: Entity) -> Row:
        """Draw a row."""
        return self._pick(self._queries.drawable_rows(entity))

    def _pick(self, choices: Sequence[_T]) -> _T:
        return self._stream.choice(choices)
