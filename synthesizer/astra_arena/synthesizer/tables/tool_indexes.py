"""Indexes that make the tools fast: on what searches filter and sort by, where it pays."""

import sqlite3

from astra_arena.synthesizer.tables.catalogue import Attribute
from astra_arena.synthesizer.tables.table_analysis import index_columns
from astra_arena.synthesizer.tables.tool_design import EntityTools

FEWEST_ROWS = 500
"""A smaller table is read whole faster than anybody notices."""
FEWEST_VALUES = 12
"""Equal values of a column with fewer are found about as fast without an index."""
MOST_INDEXES = 6
"""Each costs about a tenth of the table's size, in the world and in every session's memory."""


def index_filters(connection: sqlite3.Connection, designs: tuple[EntityTools, ...]) -> None:
    """Index columns of every large table that its searches filter by; keys have theirs already."""
    for design in designs:
        entity = design.entity
        if entity.rows < FEWEST_ROWS:
            continue
        filtered = dict.fromkeys(rule.attribute.name for rule in design.filters)
        wanted = [
            entity.by_name[name]
            for name in filtered
            if (name,) not in {entity.key[:1], *(r.columns[:1] for r in entity.references)}
            and entity.by_name[name].profile.distinct >= FEWEST_VALUES
        ]
        wanted.sort(key=_rank)
        for attribute in wanted[:MOST_INDEXES]:
            index_columns(connection, entity.name, (attribute.name,), unique=False)
    connection.commit()


def _rank(attribute: Attribute) -> int:
    """Dates first, then names, then numbers."""
    if attribute.profile.is_temporal:
        return 0
    return 1 if attribute.profile.logical_type == "text" else 2
