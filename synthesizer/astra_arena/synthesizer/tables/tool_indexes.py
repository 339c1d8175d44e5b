"""Indexes that make the tools fast: on what searches filter and sort by, where it pays."""

import sqlite3

from astra_arena.synthesizer.tables.catalogue import Attribute
from astra_arena.synthesizer.tables.table_analysis import index_columns
from astra_arena.synthesizer.tables.tool_design import EntityTools

FEWEST_ROWS = 500
"""A smaller table is read whole faster than anybody notices."""
FEWEST_VALUES = 12
"""Equal values of a column with fewer are found about as fast without an index."""
MOST_INDEXES = 4
"""Each makes a search by its column 10 to 100 times faster, and the world about 5 % larger."""


def index_filters(connection: sqlite3.Connection, designs: tuple[EntityTools, ...]) -> None:
    """Index columns of every large table that its searches filter by; keys have theirs already."""
    for design in designs:
        entity = design.entity
        if entity.rows < FEWEST_ROWS:
            continue
        filtered = {rule.attribute.name: rule.attribute for rule in design.filters}
        covered = {entity.key[0], *(reference.columns[0] for reference in entity.references)}
        wanted = [
            attribute
            for name, attribute in filtered.items()
            if name not in covered
            and attribute.words.in_questions
            and attribute.profile.distinct >= FEWEST_VALUES
        ]
        wanted.sort(key=_rank)
        for attribute in wanted[:MOST_INDEXES]:
            index_columns(connection, entity.name, (attribute.name,), unique=False)
    connection.commit()


def _rank(attribute: Attribute) -> int:
    """Dates first, then what is searched by its value, then what has a range."""
    if attribute.profile.is_temporal:
        return 0
    return 2 if attribute.is_measure or attribute.profile.logical_type == "real" else 1
