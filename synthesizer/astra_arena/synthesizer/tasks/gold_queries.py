"""Answers steps by SQL of its own, without the tools.

What the tools say can thus be held against an answer that owes them nothing.
"""

import sqlite3
from dataclasses import replace
from datetime import date
from typing import cast

from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.profile import EXACT_LIMIT, SqlValue
from astra_arena.synthesizer.tables.schema_parts import MEAN_DIGITS
from astra_arena.synthesizer.tables.tool_design import MOST_ROWS, EntityTools, Operator
from astra_arena.synthesizer.tasks.scans import scanned
from astra_arena.synthesizer.tasks.task_graphs import Condition, Row, Step

SHOWN_ROWS = 5
"""Rows of a search that an accepted call may show; what they hold counts as known by then."""
DRAWABLE_ROWS = 5_000
"""Rows of one table that plans start from."""
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
        self._drawable: dict[str, tuple[Row, ...]] = {}
        self._answered: dict[object, list[tuple[SqlValue, ...]]] = {}
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
            case "period":
                rows = self.rows(step, limit=SHOWN_ROWS)
                days = _days(step, rows[0]) if len(rows) == 1 else None
                return replace(step, answer=days, rows=rows) if days else None
            case "count":
                total = self.count(step)
                return replace(step, answer=total) if total else None
            case "summary":
                return self._summary(step)
            case "group":
                return self._group(step)
            case "scan":
                return scanned(self._entity(step), step, self.rows(step, limit=MOST_ROWS + 1))

    def answer(self, step: Step) -> SqlValue:
        """Return what the step's call would answer, ties and all; `None` for nothing."""
        match step.kind:
            case "get" | "pick" | "top":
                rows = self.rows(step, limit=1)
                return rows[0][step.column or ""] if rows else None
            case "period":
                rows = self.rows(step, limit=1)
                return _days(step, rows[0]) if rows else None
            case "count":
                return self.count(step)
            case "summary":
                summary = self._summary(step)
                return None if summary is None else summary.answer
            case "group":
                groups = self._groups(step)
                return groups[0][0] if groups else None
            case "scan":
                found = self.solve(step)
                return None if found is None else found.answer

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
        found = self._ask(query, values)
        return tuple(dict(zip(names, row, strict=True)) for row in found)

    def count(self, step: Step) -> int:
        """Return how many rows satisfy the step's conditions."""
        entity = self._entity(step)
        where, values = self._where(entity, step.conditions, counted=True)
        query = f"SELECT count(*) FROM {entity.sql} WHERE {where}"
        return cast(int, self._ask(query, values)[0][0])

    def drawable_rows(self, entity: Entity) -> tuple[Row, ...]:
        """Return rows to draw from: all of a small table, every n-th of a large one."""
        if entity.name not in self._drawable:
            names = [attribute.name for attribute in entity.attributes]
            listed = ", ".join(attribute.sql for attribute in entity.attributes)
            order = ", ".join(attribute.sql for attribute in entity.key_attributes)
            stride = -(-entity.rows // DRAWABLE_ROWS)
            query = f"""
                SELECT {listed} FROM (
                    SELECT *, row_number() OVER (ORDER BY {order}) AS "place of row"
                    FROM {entity.sql}
                ) WHERE "place of row" % {stride} = 0 ORDER BY "place of row"
            """
            found = self._connection.execute(query)
            rows = tuple(dict(zip(names, row, strict=True)) for row in found)
            self._drawable[entity.name] = rows
        return self._drawable[entity.name]

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
        value, rows = self._ask(query, values)[0]
        # The figure of one or two rows is no summary but a value that a search shows as well.
        if value is None or cast(int, rows) < FEWEST_COMPARED:
            return None
        # Beyond, a float holds no exact sum, and JSON's other readers lose digits.
        if abs(cast(float, value)) >= EXACT_LIMIT:
            return None
        return replace(step, answer=value)

    def _group(self, step: Step) -> Step | None:
        groups = self._groups(step)
        if len(groups) < FEWEST_COMPARED or groups[0][0] is None:
            return None
        first, second = (groups[place][1] for place in (0, 1))
        return None if first is None or first == second else replace(step, answer=groups[0][0])

    def _groups(self, step: Step) -> list[tuple[SqlValue, ...]]:
        """Return the first groups by their figure; groups without one come last in a reply."""
        entity = self._entity(step)
        column = entity.by_name[step.column or ""].sql
        figure = "count(*)"
        if step.sort_by is not None:
            figure = _FIGURES[step.metric or "mean"].format(entity.by_name[step.sort_by].sql)
        where, values = self._where(entity, step.conditions)
        way = "DESC" if step.descending else "ASC"
        query = f"""
            SELECT {column}, {figure} AS figure FROM {entity.sql} WHERE {where}
            GROUP BY 1 ORDER BY figure IS NULL, figure {way}, 1 LIMIT {FEWEST_COMPARED}
        """
        return self._ask(query, values)

    def _ask(self, query: str, values: list[SqlValue]) -> list[tuple[SqlValue, ...]]:
        """Run a query, once: plans that differ in one step share the others."""
        asked = (query, *((type(value), value) for value in values))
        if asked not in self._answered:
            self._answered[asked] = self._connection.execute(query, values).fetchall()
        return self._answered[asked]

    def _entity(self, step: Step) -> Entity:
        return self._catalogue.by_name[step.table]

    def _where(
        self, entity: Entity, conditions: tuple[Condition, ...], *, counted: bool = False
    ) -> tuple[str, list[SqlValue]]:
        # A range seldom leaves few rows: reading them by an index takes longer than reading all.
        # The plus keeps SQLite from it, but where the index alone gives the count.
        plus = "+" if len(conditions) > 1 or not counted else ""
        parts = [
            f"{'' if c.operator == 'is' else plus}{entity.by_name[c.column].sql} "
            f"{_SQL[c.operator]} ?"
            for c in conditions
        ]
        return " AND ".join(parts) or "TRUE", [condition.value for condition in conditions]


def _days(step: Step, row: Row) -> int | None:
    """Return the days of a period by the calendar, whatever hour its dates have."""
    first, last = row[step.beside or ""], row[step.column or ""]
    if not (isinstance(first, str) and isinstance(last, str)):
        return None
    return (date.fromisoformat(last[:10]) - date.fromisoformat(first[:10])).days


def _answered(step: Step, rows: tuple[Row, ...]) -> Step | None:
    answer = rows[0][step.column or ""]
    return None if answer is None else replace(step, answer=answer, rows=rows)
