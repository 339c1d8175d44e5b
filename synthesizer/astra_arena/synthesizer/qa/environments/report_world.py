"""Reports with a table and texts: figures are found by the names of row and column.

All reports of a source share one world; the tables of the others are what a wrong look-up finds.
"""

import sqlite3
from collections import Counter

from astra_arena.core.canonical import digest_of
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.environments.arithmetic_tools import ALL
from astra_arena.synthesizer.qa.environments.code_parts import tools_text
from astra_arena.synthesizer.qa.environments.question_world import PlannedTask
from astra_arena.synthesizer.qa.environments.report_questions import ReportQuestions
from astra_arena.synthesizer.qa.environments.report_schemas import REPORT_SPECS
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.number_text import cell_number, plain_number
from astra_arena.synthesizer.qa.printed_table import PrintedTable

_TABLES = (
    "CREATE TABLE reports (report_id TEXT PRIMARY KEY, title TEXT NOT NULL)",
    "CREATE TABLE table_rows (report_id TEXT NOT NULL REFERENCES reports, position INTEGER NOT "
    "NULL, label TEXT NOT NULL, PRIMARY KEY (report_id, position))",
    "CREATE TABLE table_columns (report_id TEXT NOT NULL REFERENCES reports, position INTEGER NOT "
    "NULL, label TEXT NOT NULL, PRIMARY KEY (report_id, position))",
    "CREATE TABLE cells (report_id TEXT NOT NULL, row_position INTEGER NOT NULL, column_position "
    "INTEGER NOT NULL, text TEXT NOT NULL, value NUMERIC, unit TEXT NOT NULL, "
    "PRIMARY KEY (report_id, row_position, column_position))",
    "CREATE TABLE passages (report_id TEXT NOT NULL REFERENCES reports, passage INTEGER NOT NULL, "
    "text TEXT NOT NULL, PRIMARY KEY (report_id, passage))",
)
_MOST_TITLE_WORDS = 14
_FEWEST_TITLE_WORDS = 2


class ReportWorld:
    """The world of reports."""

    kind = "reports"
    title = "Figures and texts of reports"
    description = (
        "Pages of reports, each a table with texts; figures are found and calculated with."
    )
    specs = (*REPORT_SPECS, *(tool.spec for tool in ALL))

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._titles: dict[str, str] = {}

    @property
    def tools_py(self) -> str:
        """The code of the tools."""
        names = [spec.name for spec in self.specs]
        about = "Tools that find figures and passages of reports, and calculate."
        return tools_text(about, ("report_code", "arithmetic_code"), names)

    def create(self, world: sqlite3.Connection) -> None:
        """Make the tables."""
        for statement in _TABLES:
            world.execute(statement)

    def add(self, instance: QAInstance, world: sqlite3.Connection) -> None:
        """Add a report, once for all questions about it."""
        key = _key(instance)
        if instance.table is None or key in self._ids:
            return
        name = self._ids[key] = f"R{len(self._ids) + 1:04}"
        table = PrintedTable(instance.table.rows)
        self._titles[name] = _title(instance, table)
        world.execute("INSERT INTO reports VALUES (?, ?)", (name, self._titles[name]))
        below = range(table.headings, len(table.rows))
        rows = [(name, position, table.row_labels[position]) for position in below]
        columns = [(name, n, label) for n, label in enumerate(table.column_labels) if n]
        world.executemany("INSERT INTO table_rows VALUES (?, ?, ?)", rows)
        world.executemany("INSERT INTO table_columns VALUES (?, ?, ?)", columns)
        world.executemany(
            "INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?)",
            [
                (name, row, column, text.strip(), *_held(text))
                for row in below
                for column, text in enumerate(table.rows[row])
                if column and text.strip()
            ],
        )
        texts = [(name, n, one.text) for n, one in enumerate(instance.paragraphs, start=1)]
        world.executemany("INSERT INTO passages VALUES (?, ?, ?)", texts)

    def plan(self, instance: QAInstance, environment: str, *, indirect: bool) -> PlannedTask:
        """Return the task of a question about a report; see `QuestionWorld.plan`."""
        if _key(instance) not in self._ids:
            raise SpecError("expected a table, got none")
        name = self._ids[_key(instance)]
        title = self._titles[name]
        alone = Counter(one.casefold() for one in self._titles.values())[title.casefold()] == 1
        found_by = title if indirect and alone and title else None
        return ReportQuestions(instance, environment, name, found_by).plan()


def _key(instance: QAInstance) -> str:
    if instance.group:
        return instance.group
    return digest_of([] if instance.table is None else [list(row) for row in instance.table.rows])


def _held(text: str) -> tuple[int | float | None, str]:
    held = cell_number(text)
    return (None, "") if held is None else (plain_number(held.value), held.unit)


def _title(instance: QAInstance, table: PrintedTable) -> str:
    """Return what a report is about: a short first text, else the heading of its table."""
    texts = [paragraph.text for paragraph in instance.paragraphs[:2]]
    corner = [row[0] for row in table.rows[: table.headings]]
    for text in [*texts, *corner, table.row_labels[min(table.headings, len(table.rows) - 1)]]:
        plain = " ".join(text.split()).strip(" .:")
        if _FEWEST_TITLE_WORDS <= len(plain.split()) <= _MOST_TITLE_WORDS:
            return plain
    return ""
