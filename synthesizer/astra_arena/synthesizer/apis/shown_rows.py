"""Rows as replies show them, held to the schemas of the document."""

from collections.abc import Mapping, Sequence

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.schema import Checker
from astra_arena.synthesizer.apis.action import Action, Shown
from astra_arena.synthesizer.apis.made_rows import MadeRows, Row
from astra_arena.synthesizer.apis.operation import Uncovered
from astra_arena.synthesizer.apis.resource import Resource
from astra_arena.synthesizer.apis.view_code import embedded_view


def covered_actions(
    actions: Sequence[Action], resources: Mapping[str, Resource], made: MadeRows
) -> tuple[list[Action], list[Uncovered]]:
    """Return the actions whose rows satisfy the document's schemas, and the others with reasons."""
    by_name = {one.name: one for one in resources.values()}
    kept: list[Action] = []
    broken: list[Uncovered] = []
    for action in actions:
        finding = _finding(action, by_name, made)
        if finding is None:
            kept.append(action)
        else:
            operation = action.operation
            broken.append(
                Uncovered(operation.name, operation.where, f"no row could be made up: {finding}")
            )
    return kept, broken


def _finding(action: Action, resources: Mapping[str, Resource], made: MadeRows) -> str | None:
    if action.shape.kind == "nothing":
        return None
    checker = Checker(_row_schema(action))
    for row in made.of(action.resource):
        finding = checker.finding(shown_row(action.view, row, resources, made))
        if finding is not None:
            return finding
    return None


def _row_schema(action: Action) -> JsonObject:
    """Return the schema of a row as it stands in the tool's, where there may be a choice."""
    schema: Json = action.shape.output_schema
    for name in action.shape.path.split("/")[1:]:
        properties = schema.get("properties") if isinstance(schema, dict) else None
        schema = properties.get(name) if isinstance(properties, dict) else None
    if isinstance(schema, dict) and action.shape.kind == "rows":
        schema = schema.get("items", schema)
    return schema if isinstance(schema, dict) else action.shape.row


def shown_row(
    view: Sequence[Shown], row: Row, resources: Mapping[str, Resource], made: MadeRows
) -> JsonObject:
    """Return a row as a reply shows it."""
    reply: JsonObject = {}
    for shown in view:
        value = row[shown.column.name]
        if value is None and shown.optional:
            continue
        if value is not None and shown.column.embedded:
            target = resources[shown.column.target]
            inner = next(one for one in made.of(target) if one[shown.column.target_column] == value)
            value = shown_row(embedded_view(shown.column, target), inner, resources, made)
        reply[shown.name] = value
    return reply
