"""Answers steps by SQL of its own, without the tools.

What the tools say can thus be held against an answer that owes them nothing.
"""

import sqlite3
from dataclasses import replace

from astra_arena.synthesizer.catalogue import Catalogue, Entity
from astra_arena.synthesizer.profile import SqlValue
from astra_arena.synthesizer.table_info import quote_identifier
from astra_arena.synthesizer.task_graphs import Condition, Row, Step
from astra_arena.synthesizer.tool_design import EntityTools, Operator
from astra_arena.synthesizer.tool_schemas import MEAN_DIGITS

SHOWN_ROWS = 5
"""Rows of a search that an accepted call may show; what they hold counts as known by then."""
FEWEST_COMPARED = 3
"""A superlative among fewer rows is no choice."""

_SQL: dict[Operator, str] = {"is": "IS", "at_least": ">=", "at_most": "<="}
_FIGURES = {
    "minimum": "min({0})",
    "maximum": "max({0})",
    "mean": f"round(avg({{0}}), {MEAN_DIGITS})",
    "sum": f"round(total({{0}}), {MEAN_DIGITS})",
}


class GoldQueries:
    """Reads the world of a catalogue."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._values: dict[tuple[str, str], list[SqlValue]] = {}

    def prepare(self, designs: tuple[EntityTools, ...]) -> None:
        """Index what plans ask for: thousands of queries are made, most of them for nothing.

        The indexes are for drawing alone; the world that is shipped does not have them.
        """
        for design in designs:
            searched = {rule.attribute.name: rule.attribute for rule in design.filters}
            for number, attribute in enumerate(searched.values()):
                name = quote_identifier(f"draw_{design.entity.name}_{number}")
                self._connection.execute(
                    f"CREATE INDEX IF NOT EXISTS {name} ON {design.entity.sql} ({attribute.sql})"
                )
        self._connection.execute("ANALYZE")

    def solve(self, step: Step) -> Step | None:
        """Return the step with its answer and the rows shown; `None` when it has no sound answer.

        An answer is sound when it is not NULL, when one row alone is meant, and when a superlative
        has no tie.
        """
        match step.kind:
            case "get" | "pick":
                rows = self.rows(step, limit=SHOWN_ROWS)
                return _answered(step, rows) if len(rows) == 1 else None
            case "top":
                rows = self.rows(step, limit=SHOWN_ROWS)
                if len(rows) < FEWEST_COMPARED or step.sort_by is None:
                    return None
                first, second = (row[step.sort_by] for row in rows[:2])
                return _answered(step, rows) if first is not None and first != second else None
            case "count":
                total = self.count(step)
                return replace(step, answer=total) if total else None
            case "summary":
                return self._summary(step)

    def answer(self, step: Step) -> SqlValue:
        """Return what the step's call would answer, ties and all; `None` for nothing."""
        match step.kind:
            case "get" | "pick" | "top":
                rows = self.rows(step, limit=1)
                return rows[0][step.column or ""] if rows else None
            case "count":
                return self.count(step)
            case "summary":
                summary = self._summary(step)
                return None if summary is None else summary.answer

    def rows(self, step: Step, *, limit: int) -> tuple[Row, ...]:
        """Return the first rows that satisfy the step's conditions, in its order.

        Rows without a value to sort by come last in a tool's reply; here they are left out.
        """
        entity = self._entity(step)
        names = [attribute.name for attribute in entity.attributes]
        listed = ", ".join(attribute.sql for attribute in entity.attributes)
        order = ", ".join(attribute.sql for attribute in entity.key_attributes)
        where, values = self._where(entity, step.conditions)
        if step.sort_by is not None:
            by = entity.by_name[step.sort_by].sql
            where += f" AND {by} IS NOT NULL"
            order = f"{by} {'DESC' if step.descending else 'ASC'}, {order}"
        query = f"SELECT {listed} FROM {entity.sql} WHERE {where} ORDER BY {order} LIMIT {limit}"
        found = self._connection.execute(query, values)
        return tuple(dict(zip(names, row, strict=True)) for row in found)

    def count(self, step: Step) -> int:
        """Return how many rows satisfy the step's conditions."""
        entity = self._entity(step)
        where, values = self._where(entity, step.conditions)
        query = f"SELECT count(*) FROM {entity.sql} WHERE {where}"
        total: int = self._connection.execute(query, values).fetchone()[0]
        return total

    def row_at(self, entity: Entity, place: int) -> Row:
        """Return the row at a place in the order of the key."""
        names = [attribute.name for attribute in entity.attributes]
        listed = ", ".join(attribute.sql for attribute in entity.attributes)
        key = [attribute.sql for attribute in entity.key_attributes]
        joined = " AND ".join(f"{name} = (SELECT {name} FROM chosen)" for name in key)
        # The place is found in the index of the key, and the row read once.
        query = f"""
            WITH chosen AS MATERIALIZED (
                SELECT {", ".join(key)} FROM {entity.sql}
                ORDER BY {", ".join(key)} LIMIT 1 OFFSET ?
            )
            SELECT {listed} FROM {entity.sql} WHERE {joined}
        """
        found = self._connection.execute(query, (place,)).fetchone()
        return dict(zip(names, found, strict=True))

    def values(self, table: str, column: str) -> list[SqlValue]:
        """Return the distinct values of a column, in order."""
        if (table, column) not in self._values:
            entity = self._catalogue.by_name[table]
            name = entity.by_name[column].sql
            query = f"""
                SELECT DISTINCT {name} FROM {entity.sql} WHERE {name} IS NOT NULL ORDER BY 1
            """
            self._values[table, column] = [value for (value,) in self._connection.execute(query)]
        return self._values[table, column]

    def _summary(self, step: Step) -> Step | None:
        entity = self._entity(step)
        column = entity.by_name[step.column or ""].sql
        where, values = self._where(entity, step.conditions)
        figure = _FIGURES[step.metric or "mean"].format(column)
        query = f"SELECT {figure}, count({column}) FROM {entity.sql} WHERE {where}"
        value, rows = self._connection.execute(query, values).fetchone()
        # The figure of one or two rows is no summary but a value that a search shows as well.
        if value is None or rows < FEWEST_COMPARED:
            return None
        return replace(step, answer=value)

    def _entity(self, step: Step) -> Entity:
        return self._catalogue.by_name[step.table]

    def _where(
        self, entity: Entity, conditions: tuple[Condition, ...]
    ) -> tuple[str, list[SqlValue]]:
        parts = [f"{entity.by_name[c.column].sql} {_SQL[c.operator]} ?" for c in conditions]
        return " AND ".join(parts) or "TRUE", [condition.value for condition in conditions]


def _answered(step: Step, rows: tuple[Row, ...]) -> Step | None:
    answer = rows[0][step.column or ""]
    return None if answer is None else replace(step, answer=answer, rows=rows)
