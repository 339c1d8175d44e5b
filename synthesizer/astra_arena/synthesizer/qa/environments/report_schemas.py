"""What agents are told of the tools over reports."""

from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.qa.environments.question_world import (
    object_schema,
    rows_schema,
    text_schema,
)

_REPORT: JsonObject = {"report_id": text_schema("The report's number, like R0012.")}
_TEXT: JsonObject = {"type": "string"}
_TEXTS: JsonObject = {"type": "array", "items": _TEXT}

FIND_REPORTS = ToolSpec(
    name="find_reports",
    description="Find reports by words that follow each other in their title.",
    input_schema=object_schema({"title": text_schema("The title or a part of it.")}, ["title"]),
    output_schema=rows_schema("reports", {"report_id": _TEXT, "title": _TEXT}),
    read_only=True,
)
DESCRIBE_TABLE = ToolSpec(
    name="describe_table",
    description="List what the rows and columns of a report's table are called; no figures.",
    input_schema=object_schema(_REPORT, _REPORT),
    output_schema=object_schema({"rows": _TEXTS, "columns": _TEXTS}, ["rows", "columns"]),
    read_only=True,
)
FIND_CELLS = ToolSpec(
    name="find_cells",
    description=(
        "Find figures in a report's table by what their row and column are called. A name that is "
        "given whole finds that row or column alone, a part of it all that hold it."
    ),
    input_schema=object_schema(
        {
            **_REPORT,
            "row": text_schema("What the row is called, or a part of it."),
            "column": text_schema("What the column is called, or a part of it."),
        },
        ["report_id", "row", "column"],
    ),
    output_schema=rows_schema(
        "cells",
        {
            "row": _TEXT,
            "column": _TEXT,
            "value": {"type": ["number", "null"], "description": "The figure; null for words."},
            "unit": {"type": "string", "description": "A currency or a percent sign."},
            "text": {"type": "string", "description": "As it is printed."},
        },
    ),
    read_only=True,
)
SEARCH_PASSAGES = ToolSpec(
    name="search_passages",
    description="Find passages of a report's text that hold every one of some words.",
    input_schema=object_schema(
        {**_REPORT, "words": text_schema("Words, in any order.")}, ["report_id", "words"]
    ),
    output_schema=rows_schema("passages", {"passage": {"type": "integer"}, "text": _TEXT}),
    read_only=True,
)
REPORT_SPECS = (FIND_REPORTS, DESCRIBE_TABLE, FIND_CELLS, SEARCH_PASSAGES)
