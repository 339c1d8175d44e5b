"""The words of tasks over an API: rows by name, by key, by what they belong to."""

import random
from collections.abc import Mapping, Sequence

from astra_arena.core.canonical import Json
from astra_arena.synthesizer.apis.action import Action
from astra_arena.synthesizer.apis.columns import without_id
from astra_arena.synthesizer.apis.resource import Column, Resource
from astra_arena.synthesizer.tables.naming import a_or_an, joined, label_of, singular_of

_QUESTIONS = (
    "What is the {asked} of {row}?",
    "Tell me the {asked} of {row}.",
    "I need the {asked} of {row}.",
    "Please look up the {asked} of {row}.",
)
_SETS = (
    "Set the {what} of {row} to {value}.",
    "Change the {what} of {row} to {value}.",
    "Please make the {what} of {row} {value}.",
)
_DELETES = ("Delete {row}.", "Please remove {row}.", "{Row} is no longer needed: delete it.")
_CREATES = ("Create {noun} with {details}.", "Please add {noun} with {details}.")


_PARTICIPLES = frozenset({"born", "built", "lost", "made", "paid", "read", "sent", "shown", "sold"})


def label(column: Column) -> str:
    """Return a column's name in plain words, as what a row has.

    A row has a number of pages and a published date, and neither "the pages" nor "the published".
    """
    words = label_of(column.name)
    last = words.split(" ")[-1]
    if column.kind in ("integer", "number") and " " not in words and singular_of(words) != words:
        return f"number of {words}"
    if last.endswith("ed") or last in _PARTICIPLES:
        is_date = column.schema.get("format") in ("date", "date-time")
        return f"{words} {'date' if is_date else 'value'}"
    return words


def said(value: Json) -> str:
    """Return a value as people write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case list():
            return joined([said(item) for item in value])
        case _:
            return str(value)


def by_name(resource: Resource, column: str, value: str) -> str:
    """Return the words for a row that has a name."""
    words = label_of(column)
    if words in ("name", "title") or words == f"{resource.singular} name":
        return f"the {resource.singular} {'named' if 'name' in words else 'titled'} {said(value)}"
    return f"the {resource.singular} whose {words} is {said(value)}"


def by_key(resource: Resource, column: Column, value: Json) -> str:
    """Return the words for a row that a key names."""
    return f"the {resource.singular} with the {label(column)} {said(value)}"


def referred(column: Column, target: Resource, row: str) -> str:
    """Return the words for what a row refers to."""
    if column.hidden:
        return f"the {target.singular} of {row}"
    role = without_id(column.name) or label_of(column.name)
    return f"the {role} of {row}"


def of_parent(resource: Resource, words: str, row: str) -> str:
    """Return the words for one of the rows that belong to another one."""
    if words.startswith('"'):
        return f"the {resource.singular} {words} among the {resource.plural} of {row}"
    return f"the {resource.singular} with {words} among all {resource.plural} of {row}"


def extreme(column: Column, *, most: bool) -> str:
    """Return the words for the row with the highest or lowest value."""
    if column.schema.get("format") in ("date", "date-time"):
        return f"the {'latest' if most else 'earliest'} {label(column)}"
    return f"the {'highest' if most else 'lowest'} {label(column)}"


def scoped(row: str, action: Action, given: Mapping[str, Json]) -> str:
    """Return the words for a row with what must be said besides to find it."""
    details: list[str] = []
    for match in (*action.scope, *action.filters):
        value = given.get(match.argument.name)
        if value is None or isinstance(value, dict):
            continue
        words = label_of(match.argument.name)
        plain = value[0] if isinstance(value, list) and len(value) == 1 else value
        if match.operator == "any_of":
            details.append(f"tagged {said(plain)}" if "tag" in words else f"{words} {said(plain)}")
        else:
            details.append(f"{words} {said(plain)}")
    return f"{row} ({', '.join(details)})" if details else row


def question(asked: str, row: str, stream: random.Random) -> str:
    """Return what a user asks of a row."""
    return stream.choice(_QUESTIONS).format(asked=asked, row=row)


def deletion(row: str, stream: random.Random) -> str:
    """Return how a user asks for a row to go."""
    return stream.choice(_DELETES).format(row=row, Row=row[:1].upper() + row[1:])


def update(row: str, values: Sequence[tuple[str, Json]], stream: random.Random) -> str:
    """Return how a user asks for other values in a row."""
    if len(values) == 1:
        ((what, value),) = values
        return stream.choice(_SETS).format(what=what, row=row, value=said(value))
    told = joined([f"the {what} to {said(value)}" for what, value in values])
    return f"For {row}, set {told}."


def creation(resource: Resource, details: Sequence[str], stream: random.Random) -> str:
    """Return how a user asks for a new row."""
    noun = a_or_an(f"new {resource.singular}")
    return stream.choice(_CREATES).format(noun=noun, details=joined(list(details)))
