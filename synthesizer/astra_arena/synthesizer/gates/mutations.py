"""Neighbours of an argument: values of the same kind that ask for something slightly different.

Which of them there are depends on the argument's schema and on the values that the environment's
replies hold. The same stream gives the same neighbours in the same order, the telling ones first.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, same_json
from astra_arena.core.schema import Checker
from astra_arena.synthesizer.gates.seen_values import SeenValues

MutationKind = Literal[
    "other_value", "other_member", "off_by_one", "other_day", "other_format", "null", "dropped"
]
"""`other_value`: one that replies hold in the same field. `other_member`: of the enumeration.
`other_format`: the same text in other case or with a mark added. `dropped`: the argument left out,
so that its default holds."""

MOST_OTHER_VALUES = 3
_ISO_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(.*)")
_FALLBACKS: tuple[Json, ...] = (
    *("no such value", 1, 0, 7, 1_000_000, -1_000_000, 0.5),
    *(True, False, "2000-01-01", "2000-01-01T00:00:00Z", ["no such value"], [1]),
)
"""Tried in the place of a value when replies hold none."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """An argument changed in one way."""

    argument: str
    kind: MutationKind
    value: Json
    """The new value; the default when the argument is dropped."""
    arguments: JsonObject
    """All arguments of the call, changed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a tool's schema says of one argument."""

    name: str
    rule: JsonObject
    required: bool

    @property
    def has_default(self) -> bool:
        """Whether the argument may be left out and has a value then."""
        return "default" in self.rule

    @property
    def default(self) -> Json:
        """The value that holds when it is left out."""
        return self.rule.get("default")

    @property
    def members(self) -> list[Json]:
        """The values of its enumeration; empty without one."""
        return [value for rule in _branches(self.rule) for value in _listed(rule.get("enum"))]

    def is_default(self, arguments: JsonObject) -> bool:
        """Tell whether a call leaves the argument at what holds without it."""
        if self.name not in arguments:
            return True
        return self.has_default and same_json(arguments[self.name], self.default)

    def takes(self, value: Json) -> bool:
        """Tell whether the argument may have the value."""
        return "$ref" in self.rule or Checker(self.rule).finding(value) is None


def parameters_of(input_schema: JsonObject) -> dict[str, Parameter]:
    """Return what a tool's schema says of each argument, by name, in its order."""
    properties = input_schema.get("properties")
    required = _listed(input_schema.get("required"))
    return {
        name: Parameter(name, rule, name in required)
        for name, rule in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(rule, dict)
    }


def mutations_of(
    parameter: Parameter,
    arguments: JsonObject,
    seen: SeenValues,
    stream: random.Random,
    *,
    most: int = MOST_OTHER_VALUES,
) -> Iterator[Mutation]:
    """Give the neighbours of one argument of a call, each once, all valid for its schema.

    Args:
        parameter: The argument.
        arguments: The call's, without references.
        seen: What replies of the environment hold.
        stream: Decides which of many other values are taken.
        most: How many of them.
    """
    name, value = parameter.name, arguments.get(parameter.name, parameter.default)
    given = {canonical_bytes(value)}
    for kind, other in _neighbours(parameter, value, seen, stream, most):
        key = canonical_bytes(other)
        if key not in given and parameter.takes(other):
            given.add(key)
            yield Mutation(name, kind, other, {**arguments, name: other})
    may_be_left_out = not parameter.required and not parameter.is_default(arguments)
    if may_be_left_out and canonical_bytes(parameter.default) not in given:
        left = {key: inner for key, inner in arguments.items() if key != name}
        yield Mutation(name, "dropped", parameter.default, left)


def _neighbours(
    parameter: Parameter, value: Json, seen: SeenValues, stream: random.Random, most: int
) -> Iterator[tuple[MutationKind, Json]]:
    members = [other for other in parameter.members if other is not None]
    for other in _drawn(members, parameter, stream, most):
        yield "other_member", other
    if not members:
        others = _drawn(seen.others(parameter.name, value), parameter, stream, most)
        for other in others:
            yield "other_value", other
        yield from _nearby(value)
        if not others or value is None:
            for other in _FALLBACKS:
                yield "other_value", other
    if value is not None:
        yield "null", None


def _drawn(
    values: Sequence[Json], parameter: Parameter, stream: random.Random, most: int
) -> list[Json]:
    """Return a few of the values that the argument may have."""
    drawn: list[Json] = []
    for value in stream.sample(values, k=len(values)):
        if parameter.takes(value):
            drawn.append(value)
            if len(drawn) == most:
                break
    return drawn


def _nearby(value: Json) -> Iterator[tuple[MutationKind, Json]]:
    match value:
        case bool():
            yield "other_value", not value
        case int() | float():
            yield "off_by_one", value + 1
            yield "off_by_one", value - 1
        case str():
            for day in other_days(value):
                yield "other_day", day
            for text in other_formats(value):
                yield "other_format", text
        case list() if value:
            yield "other_value", value[1:]
        case _:
            return


def other_days(text: str) -> list[str]:
    """Return the day after and the day before a date or time in ISO 8601, written as it was."""
    match = _ISO_DATE.fullmatch(text)
    if match is None:
        return []
    try:
        day = date.fromisoformat(match[1])
        if match[2]:
            datetime.fromisoformat(text)
        after, before = day + timedelta(days=1), day - timedelta(days=1)
    except (ValueError, OverflowError):
        return []
    return [after.isoformat() + match[2], before.isoformat() + match[2]]


def other_formats(text: str) -> list[str]:
    """Return a text as it may be written by mistake: in other case, with a mark added."""
    swapped = text.swapcase()
    return [other for other in (swapped, f"{text}-") if other != text]


def _branches(rule: JsonObject) -> list[JsonObject]:
    inner = [one for key in ("anyOf", "oneOf") for one in _listed(rule.get(key))]
    return [rule, *(one for one in inner if isinstance(one, dict))]


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
