"""What code finds wrong with the data that a model adds to a world, in words for the model.

The author of the data knows the facts and their answers, so findings may name them.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.authored.grounding import is_supported, states
from astra_arena.synthesizer.qa.authored.step_replies import Texts, cover_findings
from astra_arena.synthesizer.qa.decomposition import Decomposition, QuestionNode
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.worlds.grown import agrees
from astra_arena.synthesizer.qa.worlds.reference_queries import (
    Answered,
    as_answer,
    parameter_of,
    parameters_in,
    run_query,
)
from astra_arena.synthesizer.qa.worlds.replies import (
    Cell,
    ColumnType,
    FactRow,
    NewRow,
    NewTable,
    WorldData,
)
from astra_arena.synthesizer.qa.worlds.shared_world import SharedWorld, WorldTable

DEFAULT_DISTRACTORS = 6
"""Rows, beside those that an instance is about, of each table that its queries read."""
MOST_ROWS = 300
MOST_TABLES = 12
MOST_COLUMNS = 16
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_KEYWORDS = frozenset(
    "all and as between by case check create default delete distinct drop else end exists from "  # noqa: SIM905 - a list of words
    "group having in index insert into is join key like limit not null on or order primary "
    "references row rows select set table then to union unique update using values when where "
    "with".split()
)
_TYPES: dict[ColumnType, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "real": (int, float),
}
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class DataCheck:
    """Looks at what is to be added to a world for one instance.

    Args:
        world: As it is.
        instance: With a decomposition that is verified.
        texts: What facts may be taken from.
        distractors: So many other rows each table must have that a query reads.
    """

    world: SharedWorld
    instance: QAInstance
    texts: Texts
    distractors: int = DEFAULT_DISTRACTORS

    def __call__(self, data: WorldData) -> list[str]:
        """Return what is wrong; nothing when it can be added."""
        wrong = list(self._form(data))
        if wrong:
            return wrong
        candidate = self.world.copy()
        candidate.add_data(data)
        wrong = [*self._conflicts(data, candidate), *self._ungrounded(data, candidate)]
        return wrong or list(self._query_findings(data, candidate))

    @property
    def steps(self) -> list[QuestionNode]:
        """The sub-questions that a tool has to answer."""
        return tool_steps(decomposition_of(self.instance))

    def _form(self, data: WorldData) -> Iterator[str]:
        new = {table.name for table in data.tables}
        if len(new) < len(data.tables):
            yield "expected every new table once"
        if len(self.world.tables) + len(new) > 40 or len(data.tables) > MOST_TABLES:
            yield f"expected up to {MOST_TABLES} new tables; use those that are there"
        for table in data.tables:
            if table.name in self.world.tables:
                yield f"the table {table.name} is there already; add rows to it"
            yield from _table_findings(table)
        told = {name: one.told for name, one in self.world.tables.items()}
        told |= {table.name: table for table in data.tables}
        rows: list[NewRow] = [*data.rows, *data.distractors]
        if len(rows) > MOST_ROWS:
            yield f"expected up to {MOST_ROWS} rows, got {len(rows)}"
        for row in rows[:MOST_ROWS]:
            table = told.get(row.table)
            if table is None:
                yield f"a row is for {row.table!r}, and there is no such table"
            else:
                yield from _row_findings(row, table)
        yield from cover_findings([one.id for one in self.steps], [one.id for one in data.queries])

    def _conflicts(self, data: WorldData, candidate: SharedWorld) -> Iterator[str]:
        """Two rows of one key must be one row, and a distractor must not be a fact."""
        for row in (*data.rows, *data.distractors):
            table = candidate.tables[row.table]
            held = table.rows[table.key_of(row.values)]
            if list(held) != list(row.values):
                yield (
                    f"{row.table} holds {list(held)}, and {list(row.values)} has the same key "
                    f"({', '.join(table.told.key)})"
                )
        facts = {(row.table, tuple(row.values)) for row in data.rows}
        for row in data.distractors:
            if (row.table, tuple(row.values)) in facts:
                yield f"{list(row.values)} of {row.table} is both a fact and a distractor"

    def _ungrounded(self, data: WorldData, candidate: SharedWorld) -> Iterator[str]:
        """Rows name what states them, and what answers have a source stands in such a row."""
        for row in data.rows:
            yield from self._source_findings(row)
        for node in self.steps:
            if node.source is None or node.answer is None:
                continue
            value = node.answer.value
            for one in value if isinstance(value, list) else [value]:
                if not isinstance(one, bool) and not _is_in_facts(one, candidate.tables):
                    yield (
                        f"{node.id}: expected {one!r}, just as it is, in a row of `rows`: "
                        "it is the answer"
                    )

    def _source_findings(self, row: FactRow) -> Iterator[str]:
        if row.fact is not None and row.quote is not None:
            yield f"{list(row.values)}: expected a fact or a quote, got both"
            return
        if row.fact is not None:
            if not 1 <= row.fact <= len(self.texts.facts):
                yield f"{list(row.values)}: there is no fact {row.fact}"
                return
            text = self.texts.facts[row.fact - 1]
        elif row.quote is not None:
            text = row.quote
            if not text or not any(text in span for span in self.texts.spans.values()):
                yield f"{list(row.values)}: expected the exact words of the text as quote"
                return
        else:
            if self.texts.are_given:
                yield f"{list(row.values)}: name the fact or quote that states it"
            return
        if not any(value is not None and is_supported(value, text) for value in row.values):
            yield f"{list(row.values)}: {text[:80]!r} states none of it"

    def _query_findings(self, data: WorldData, candidate: SharedWorld) -> Iterator[str]:
        databases = [candidate.database("all"), candidate.database("facts")]
        empty = candidate.database("none")
        with closing(databases[0]), closing(databases[1]), closing(empty):
            read: set[str] = set()
            for query in data.queries:
                try:
                    came = self._answered(query.id, query.sql, databases, empty)
                except SpecError as error:
                    yield f"{query.id}: {error.message}"
                else:
                    read |= came.tables
            yield from self._too_few(data, candidate, read)
            yield from self._broken(databases[0])

    def _answered(
        self, step: str, sql: str, databases: list[sqlite3.Connection], empty: sqlite3.Connection
    ) -> Answered:
        """Run a query on all rows, on the facts alone and on none."""
        decomposition = decomposition_of(self.instance)
        node = decomposition.node(step)
        stated = node.answer
        assert stated is not None, "the stages before see to it"
        taken = parameters_in(sql)
        known = {parameter_of(name): name for name in node.depends_on}
        if unknown := sorted(taken - set(known)):
            raise SpecError(f"it takes :{unknown[0]}, which {step} does not depend on")
        if unused := sorted(set(known) - taken):
            raise SpecError(f"it depends on {known[unused[0]]}; use :{unused[0]} in the query")
        if states(_without_questions(sql, self.instance, node), stated.value):
            raise SpecError("the query states the answer; it has to find it in the data")
        answers = parents_answers(decomposition, node)
        came = [run_query(database, sql, answers) for database in databases]
        for one, rows in zip(came, ("all rows", "the rows of facts alone"), strict=True):
            value = as_answer(one, stated)
            if not agrees(stated, value):
                raise SpecError(f"on {rows} the query gives {value!r}, not {stated.value!r}")
        if came[0].tables:
            without = run_query(empty, sql, answers)
            if without.values == came[0].values:
                raise SpecError("the query gives the answer without any row; it must read it")
        elif not taken:
            raise SpecError("the query reads no table and takes no other answer")
        return came[0]

    def _too_few(self, data: WorldData, candidate: SharedWorld, read: set[str]) -> Iterator[str]:
        own = {(row.table, tuple(row.values)) for row in data.rows}
        for name in sorted(read):
            table = candidate.tables.get(name)
            if table is None:
                continue
            others = sum((name, values) not in own for values in table.rows.values())
            if others < self.distractors:
                yield (
                    f"{name}: expected {self.distractors} distractor rows at least, got {others}; "
                    "add some that a reader could take for what is asked"
                )

    def _broken(self, database: sqlite3.Connection) -> Iterator[str]:
        """What held before must hold with the new rows."""
        for member in self.world.members:
            decomposition = decomposition_of(member.instance)
            for query in member.data.queries:
                node = decomposition.node(query.id)
                stated = node.answer
                assert stated is not None, "it is a member"
                answers = parents_answers(decomposition, node)
                try:
                    value = as_answer(run_query(database, query.sql, answers), stated)
                except SpecError:
                    value = None
                if not agrees(stated, value):
                    yield (
                        f"the new rows change what {node.question!r} of another question comes "
                        f"to: {value!r} instead of {stated.value!r}"
                    )


def decomposition_of(instance: QAInstance) -> Decomposition:
    """Return the decomposition of an instance that earlier stages let through."""
    assert instance.decomposition is not None, "the stages before see to it"
    return instance.decomposition


def tool_steps(decomposition: Decomposition) -> list[QuestionNode]:
    """Return the sub-questions that a tool has to answer."""
    return [node for node in decomposition.nodes if node.needs_tool]


def answer_of(node: QuestionNode) -> Json:
    """Return the stated answer of a sub-question."""
    assert node.answer is not None, "the stages before see to it"
    return node.answer.value


def parents_answers(decomposition: Decomposition, node: QuestionNode) -> JsonObject:
    """Return the stated answers that a sub-question depends on, by id."""
    return {name: answer_of(decomposition.node(name)) for name in node.depends_on}


def _without_questions(sql: str, instance: QAInstance, node: QuestionNode) -> str:
    """Return a query without the texts that the question itself states."""
    said = f"{instance.question} {node.question}".casefold()

    def kept(match: re.Match[str]) -> str:
        return "''" if match[0][1:-1].casefold() in said else match[0]

    return re.sub(r"'(?:[^']|'')*'", kept, sql)


def _table_findings(table: NewTable) -> Iterator[str]:
    names = [column.name for column in table.columns]
    for name in (table.name, *names):
        if not _NAME.fullmatch(name) or name in _KEYWORDS or name.startswith("sqlite_"):
            yield f"expected names like first_year, got {name!r}"
    if len(set(names)) < len(names) or len(names) > MOST_COLUMNS:
        yield f"{table.name}: expected up to {MOST_COLUMNS} columns, each once"
    if unknown := [name for name in table.key if name not in names]:
        yield f"{table.name}: the key has {unknown[0]!r}, which is no column"
    if len(set(table.key)) < len(table.key):
        yield f"{table.name}: expected every column of the key once"


def _row_findings(row: NewRow, table: NewTable) -> Iterator[str]:
    if len(row.values) != len(table.columns):
        yield (
            f"{table.name} has {len(table.columns)} columns, and {row.values} has {len(row.values)}"
        )
        return
    for column, value in zip(table.columns, row.values, strict=True):
        if value is None:
            if column.name in table.key:
                yield f"{table.name}.{column.name} is part of the key, got null in {row.values}"
        elif not _fits(value, column.type):
            yield f"{table.name}.{column.name} is {column.type}, got {value!r}"


def _fits(value: Cell, kind: ColumnType) -> bool:
    if isinstance(value, bool) or not isinstance(value, _TYPES[kind]):
        return False
    return not isinstance(value, int | float) or abs(value) < _LARGEST


def _is_in_facts(value: Json, tables: dict[str, WorldTable]) -> bool:
    return any(
        one == value for table in tables.values() for key in table.facts for one in table.rows[key]
    )
