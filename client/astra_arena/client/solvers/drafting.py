"""Drafts of calls: arguments that the words of a prompt and earlier replies suggest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from astra_arena.client.agent import ToolReply, ToolView
from astra_arena.client.solvers.reading import Reading, Value, words_of
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.schema import Checker

MOST_KNOWN = 12
"""Values of one field that are kept, the latest first."""
MOST_TRIED = 3
"""Values that are known of which so many are tried in one argument."""
LEAST_FIT = 3.0
"""So well must a value of the prompt fit an argument that may be left out."""

_SYNONYMS = {
    "count": {"number", "many", "count"},
    "summarise": {"average", "mean", "total", "sum", "maximum", "minimum"},
    "aggregate": {"average", "mean", "total", "sum", "maximum", "minimum"},
}
_DOWN = frozenset(
    {"most", "greatest", "highest", "longest", "latest", "largest", "last", "newest", "best"}
)
_UP = frozenset(
    {"fewest", "least", "smallest", "lowest", "shortest", "earliest", "first", "oldest", "cheapest"}
)
_ONE = ("limit", "page_size", "top", "max_results")


@dataclass(frozen=True, slots=True)
class Draft:
    """A call that might be worth making."""

    tool: str
    arguments: JsonObject
    score: float
    """How well it fits the prompt."""

    @property
    def key(self) -> bytes:
        """Equal for equal calls."""
        return canonical_bytes([self.tool, self.arguments])


@dataclass(slots=True)
class Known:
    """Scalars met in replies, by field name, the latest first."""

    values: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])

    def note(self, reply: ToolReply) -> None:
        """Remember what a reply holds."""
        if reply.structured is not None:
            self._walk("", reply.structured)

    def _walk(self, name: str, value: Json) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                self._walk(key, inner)
        elif isinstance(value, list):
            for inner in reversed(value):
                self._walk(name, inner)
        elif value is not None and name:
            kept = [value, *(one for one in self.values.get(name, []) if one != value)]
            self.values[name] = kept[:MOST_KNOWN]

    def like(self, argument: str) -> list[Json]:
        """Return the values of fields that an argument may refer to."""
        referring = [
            name
            for name in self.values
            if name == argument or argument.endswith(f"_{name}") or name.endswith(f"_{argument}")
        ]
        referring.sort(key=lambda name: name != argument)
        return [value for name in referring for value in self.values[name]]


class Parameter:
    """One argument of a tool, its schema read once."""

    def __init__(self, name: str, rule: JsonObject) -> None:
        self.name = name
        self.words = words_of(name)
        self.members = members_of(rule)
        description = rule.get("description")
        self.description = description if isinstance(description, str) else ""
        self.description_words = words_of(self.description)
        self._checker = None if "$ref" in rule else Checker(rule)
        self._known: dict[bytes, bool] = {}

    def takes(self, value: Json) -> bool:
        """Tell whether the argument may have the value."""
        if self._checker is None:
            return False
        key = canonical_bytes(value)
        if key not in self._known:
            self._known[key] = self._checker.finding(value) is None
        return self._known[key]


class Drafter:
    """Drafts calls for one prompt.

    Args:
        reading: The prompt.
        wording: Whether words choose enumerated arguments: what to sort by, which way.
    """

    def __init__(self, reading: Reading, *, wording: bool = False) -> None:
        self._reading = reading
        self._wording = wording
        self._read: dict[str, tuple[dict[str, Parameter], list[str]]] = {}

    def draft(self, tool: ToolView) -> Draft | None:
        """Return the call that the prompt alone suggests; `None` if it lacks what is required."""
        return next(self.drafts(tool, Known(), bare=True), None)

    def drafts(self, tool: ToolView, known: Known, *, bare: bool = False) -> Iterator[Draft]:
        """Give calls of a tool: with what the prompt says, and with one thing known beside it.

        Args:
            tool: The tool.
            known: What replies held.
            bare: Whether a call may do without anything that is known.
        """
        parameters, required = self._parameters(tool)
        told = self._told(parameters, required)
        missing = [name for name in required if name not in told]
        filled = {name: _fitting(known, parameters[name]) for name in missing}
        if not all(filled.values()):
            return
        base: JsonObject = {**told, **{name: values[0] for name, values in filled.items()}}
        if bare or missing:
            yield self._scored(tool, base, len(told))
        for name, parameter in parameters.items():
            if name in told or name in _ONE:
                continue
            for value in _fitting(known, parameter):
                yield self._scored(tool, {**base, name: value}, len(told) + 0.5)

    def _parameters(self, tool: ToolView) -> tuple[dict[str, Parameter], list[str]]:
        if tool.name not in self._read:
            self._read[tool.name] = _read_parameters(tool)
        return self._read[tool.name]

    def _scored(self, tool: ToolView, arguments: JsonObject, fit: float) -> Draft:
        said = self._reading.words
        verb = tool.name.partition("_")[0]
        score = 2.0 * fit + len(said & words_of(tool.name))
        score += 2.0 * bool(said & _SYNONYMS.get(verb, set()))
        score += 0.1 * len(said & words_of(tool.description))
        return Draft(tool.name, arguments, score)

    def _told(self, parameters: dict[str, Parameter], required: list[str]) -> JsonObject:
        """Return the arguments that the prompt tells; each value goes where it fits best."""
        fits: list[tuple[float, int, str, Json]] = []
        for name, parameter in parameters.items():
            for place, one in enumerate(self._reading.values):
                fit = self._fit(parameter, one)
                if fit >= (1.0 if name in required else LEAST_FIT):
                    fits.append((-fit, place, name, one.value))
        told: JsonObject = {}
        used: set[bytes] = set()
        for _, _, name, value in sorted(fits, key=lambda fit: fit[:3]):
            key = canonical_bytes(value)
            if name not in told and key not in used:
                told[name] = value
                used.add(key)
        return {**self._worded(parameters), **told} if self._wording else told

    def _fit(self, parameter: Parameter, told: Value) -> float:
        value, nearby = told.value, told.nearby
        if not parameter.takes(value):
            return 0.0
        fit = 1.0 + told.marked + 2.0 * len(parameter.words & nearby)
        fit += min(2.0, 0.5 * len(parameter.description_words & nearby))
        fit += 2.0 * (isinstance(value, str) and len(value) > 1 and value in parameter.description)
        return fit + 4.0 * (value in parameter.members)

    def _worded(self, parameters: dict[str, Parameter]) -> JsonObject:
        """Return enumerated arguments whose members the prompt names, and the order it asks for."""
        said = self._reading.words
        chosen: JsonObject = {}
        for name, parameter in parameters.items():
            members = [one for one in parameter.members if isinstance(one, str)]
            named = [one for one in members if words_of(one) and words_of(one) <= said]
            if named:
                chosen[name] = named[0]
        superlative = said & (_DOWN | _UP)
        for name, parameter in parameters.items():
            members = [one for one in parameter.members if isinstance(one, str)]
            wanted = "desc" if said & _DOWN else "asc"
            ordered = [one for one in members if one.startswith(wanted)]
            if superlative and chosen and ordered:
                chosen[name] = ordered[0]
            elif superlative and chosen and name in _ONE and parameter.takes(1):
                chosen[name] = 1
        return chosen


def members_of(rule: JsonObject) -> list[Json]:
    """Return the values of an argument's enumeration; empty without one."""
    branches: list[Json] = [rule]
    for key in ("anyOf", "oneOf"):
        inner = rule.get(key)
        branches += inner if isinstance(inner, list) else []
    found: list[Json] = []
    for branch in branches:
        listed = branch.get("enum") if isinstance(branch, dict) else None
        found += listed if isinstance(listed, list) else []
    return [one for one in found if one is not None]


def _read_parameters(tool: ToolView) -> tuple[dict[str, Parameter], list[str]]:
    properties, required = tool.input_schema.get("properties"), tool.input_schema.get("required")
    rules = {
        name: Parameter(name, rule)
        for name, rule in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(rule, dict)
    }
    needed = [str(name) for name in required] if isinstance(required, list) else []
    return rules, [name for name in needed if name in rules]


def _fitting(known: Known, parameter: Parameter) -> list[Json]:
    values = (value for value in known.like(parameter.name) if parameter.takes(value))
    return list(islice(values, MOST_TRIED))
