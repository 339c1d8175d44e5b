"""What operations must reply, worked out from the rows and the document, apart from tool code."""

from collections.abc import Mapping, Sequence
from functools import cache

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.pointers import escape_token
from astra_arena.synthesizer.apis.action import Action, Match, Shown
from astra_arena.synthesizer.apis.made_rows import MadeRows, Row
from astra_arena.synthesizer.apis.resource import Column, Resource


class Reference:
    """Answers what operations are asked.

    Args:
        resources: The resources by noun.
        made: Their rows.
    """

    def __init__(self, resources: Mapping[str, Resource], made: MadeRows) -> None:
        self.made = made
        self.by_name = {one.name: one for one in resources.values()}
        self.unique_values = cache(self._unique_values)

    def rows(self, resource: Resource) -> list[Row]:
        """Return all rows of a resource, in the order of their keys."""
        return self.made.of(resource)

    def named(self, resource: Resource, column: str, value: Json) -> Row | None:
        """Return the row with a value."""
        return next((row for row in self.rows(resource) if row[column] == value), None)

    def listed(self, action: Action, arguments: Mapping[str, Json]) -> list[Row]:
        """Return all rows that a list holds, on whatever page."""
        matches = [
            one for one in (*action.scope, *action.filters) if one.argument.name in arguments
        ]
        return [
            row
            for row in self.rows(action.resource)
            if all(_fits(action, one, row, arguments[one.argument.name]) for one in matches)
        ]

    def first_page(self, action: Action, arguments: Mapping[str, Json]) -> list[Row]:
        """Return the rows of a list's first page."""
        rows = self.listed(action, arguments)
        return rows if action.paging is None else rows[: action.paging.default_size]

    def shown(self, shown: Shown, row: Row) -> Json:
        """Return what a reply shows of a column; the key alone of a row that stands in it."""
        return row[shown.column.name]

    def _unique_values(self, resource: str, column: str) -> frozenset[Json]:
        """Return the values of a column that one row alone has."""
        values = [row[column] for row in self.rows(self.by_name[resource])]
        plain = [one for one in values if isinstance(one, str | int | float)]
        return frozenset(one for one in plain if plain.count(one) == 1)


def _fits(action: Action, match: Match, row: Row, asked: Json) -> bool:
    if match.column is None:
        texts = [
            row[one.name]
            for one in action.resource.columns.values()
            if one.kind == "text" and not one.hidden and not one.target
        ]
        return any(str(asked).lower() in str(text).lower() for text in texts if text is not None)
    value = row[match.column.name]
    if value is None:
        return False
    match match.operator:
        case "is":
            return value == asked
        case "at_least":
            return as_sorted(value) >= as_sorted(asked)
        case "at_most":
            return as_sorted(value) <= as_sorted(asked)
        case "contains":
            return str(asked).lower() in str(value).lower()
        case "one_of":
            return isinstance(asked, list) and value in asked
        case "any_of":
            return bool(set(labels_in(value)) & set(labels_in(asked)))
        case "search":
            return False


def as_sorted(value: Json) -> tuple[float, str]:
    """Return what values of one column are compared by: numbers, or texts."""
    if isinstance(value, int | float):
        return float(value), ""
    return 0.0, str(value)


def labels_in(value: Json) -> list[str]:
    """Return the texts in a list, and the names of objects in it."""
    found: list[str] = []
    for item in value if isinstance(value, list) else []:
        name = item.get("name") if isinstance(item, dict) else item
        if isinstance(name, str):
            found.append(name)
    return found


def pointer_in_row(shown: Shown, inner: str = "") -> str:
    """Return the pointer, inside of a row, to what shows a column.

    Args:
        shown: What shows it.
        inner: The property of the row that stands in its place, where one does.
    """
    own = f"/{escape_token(shown.name)}"
    return f"{own}/{escape_token(inner)}" if shown.column.embedded and inner else own


def asked_of(match: Match, row: Row) -> Json:
    """Return what an argument must be so that a row satisfies it; `None` where nothing can be."""
    if match.column is None:
        return None
    value = row[match.column.name]
    match match.operator:
        case "one_of":
            return None if value is None else [value]
        case "any_of":
            return list[Json](labels_in(value)[:1]) or None
        case _:
            return value


def required_of(action: Action, row: Row) -> JsonObject | None:
    """Return the required arguments of a list that holds a row; `None` where it cannot."""
    found: JsonObject = {}
    for one in (*action.scope, *action.filters):
        if one.argument.required:
            asked = asked_of(one, row)
            if asked is None:
                return None
            found[one.argument.name] = asked
    return found


def naming_columns(resource: Resource, names: Sequence[str]) -> list[Column]:
    """Return the columns that people name rows by, of those that are shown."""
    words = ("name", "title", "username", "email", "handle", "subject", "label", "slug", "login")
    return [
        column
        for word in words
        for column in resource.columns.values()
        if column.name in names
        and not column.hidden
        and column.kind == "text"
        and column.name.lower().endswith(word)
    ]
