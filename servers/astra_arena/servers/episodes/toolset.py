"""An environment's tools as an episode uses them: schemas compiled once, values checked both ways.

Everything an agent sends is checked here before it reaches a session, and everything a tool returns
before it reaches the agent. What passes can be logged, compared, sent and stored by every other
part: it is finite JSON of bounded size and depth, in Unicode text.
"""

import hashlib
import json
from collections import OrderedDict
from copy import copy
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, normalised
from astra_arena.core.environment import Environment, ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.core.schema import Checker, with_defaults

MAX_DEPTH = 64
"""Deepest nesting of arguments and results. Validators and encoders recurse; clients do, too."""

MAX_ARGUMENT_BYTES = 256 * 1024
"""Largest arguments of a call, as canonical JSON. The log keeps them."""

MESSAGE_CHARS = 4000
"""Longest text that the log and the agent get of a call that failed."""

NUMBER_LIMIT = 2**63
"""Numbers in arguments lie below it in magnitude, at any depth and whatever a schema says.

Beyond it every float is whole, `1e300` and the integer of 301 digits are one JSON value, and
databases cannot store that.
"""

_REMEMBERED_RESULTS = 4096
_READABLE = json.JSONEncoder(sort_keys=True, allow_nan=False, ensure_ascii=False)
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Arguments that may be given to the tool."""

    arguments: JsonObject
    """Defaults filled in, numbers normalised."""
    size: int = field(default=0, compare=False)
    """Of what came, in bytes of canonical JSON."""


class Stored(NamedTuple):
    """A value as the log can keep it."""

    problem: str | None
    """Why it cannot be kept as it came, if so."""
    value: Json
    """The value, or a note in its place."""
    data: bytes
    """The canonical bytes of `value`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Arguments that may not."""

    reason: str
    """For the agent: what was expected and what came."""
    arguments: Json
    """For the log: what came, or a note where it cannot be stored."""


class Tool:
    """One tool with its compiled schemas."""

    __slots__ = ("_input", "_last", "_output", "_seen", "spec")

    def __init__(self, spec: ToolSpec) -> None:
        self.spec = spec
        self._input = Checker(spec.input_schema)
        self._output = Checker(spec.output_schema)
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._last: tuple[JsonObject, str] | None = None

    def told_as(self, spec: ToolSpec) -> "Tool":
        """Return the same tool as an agent is told of it: by another name, or with other words."""
        told = copy(self)
        told.spec = spec
        return told

    def accept(self, arguments: Json) -> Accepted | Refused:
        """Check arguments as they came from an agent."""
        problem, stored, data = storable(arguments)
        if problem is None:
            problem = _number_problem(arguments)
        if problem is not None:
            return Refused(f"invalid arguments for {self.spec.name!r}: {problem}", stored)
        if not isinstance(arguments, dict):
            came = _KINDS.get(type(arguments), "something else")
            return Refused(
                f"invalid arguments for {self.spec.name!r}: expected an object, got {came}", stored
            )
        finding = self._input.finding(arguments)
        if finding is not None:
            return Refused(f"invalid arguments for {self.spec.name!r}: {finding}", stored)
        filled = normalised(with_defaults(self.spec.input_schema, arguments))
        assert isinstance(filled, dict)
        return Accepted(filled, len(data))

    def read(self, result: JsonObject) -> str:
        """Return a result as the text that the agent reads; equal results, equal text.

        Raises:
            SpecError: if the result breaks the output schema or cannot be sent at all.
        """
        # A result is checked where it comes from the sandbox, and read again where it is logged.
        if self._last is not None and self._last[0] is result:
            return self._last[1]
        text = self._checked(result)
        self._last = (result, text)
        return text

    def _checked(self, result: JsonObject) -> str:
        try:
            text = _READABLE.encode(result)
            key = hashlib.sha256(text.encode("utf-8")).digest()
        except (ValueError, TypeError, RecursionError) as error:
            raise SpecError(f"the result cannot be written as JSON: {error}") from None
        # Episodes of one task return the same results again and again, and validation costs more
        # than the rest of a call together.
        if key in self._seen:
            self._seen.move_to_end(key)
            return text
        if _too_deep(result, MAX_DEPTH):
            raise SpecError(f"the result is nested deeper than {MAX_DEPTH} levels")
        finding = self._output.finding(result)
        if finding is not None:
            raise SpecError(f"the result breaks the output schema: {finding}")
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED_RESULTS:
            self._seen.popitem(last=False)
        return text


class Toolset:
    """All tools of an environment, in the order of its manifest."""

    def __init__(self, environment: Environment) -> None:
        self.tools = {spec.name: Tool(spec) for spec in environment.tools}

    def get(self, name: str) -> Tool | None:
        """Return the tool called `name`, or `None`."""
        return self.tools.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names, in order."""
        return tuple(self.tools)


def storable(value: Json) -> Stored:
    """Tell why a value cannot be logged, if so, and return what the log keeps in its place."""
    if _too_deep(value, MAX_DEPTH):
        problem = f"expected at most {MAX_DEPTH} levels of nesting, got more"
        return _note(problem, "(nested too deeply)")
    try:
        data = canonical_bytes(value)
    except SpecError as error:
        return _note(_number_problem(value) or error.message, "(not JSON)")
    if len(data) > MAX_ARGUMENT_BYTES:
        problem = f"expected at most {MAX_ARGUMENT_BYTES} bytes, got {len(data)}"
        return _note(problem, "(too large)")
    # Canonical JSON escapes everything beyond ASCII, so a lone surrogate shows as an escape.
    if b"\\ud" in data and not _is_unicode(value):
        return _note("expected Unicode text, got a lone surrogate", "(not Unicode)")
    return Stored(None, value, data)


def _note(problem: str, note: str) -> Stored:
    return Stored(problem, note, canonical_bytes(note))


def _number_problem(value: Json) -> str | None:
    if type(value) is str:
        return None
    match value:
        case bool():
            return None
        case int() | float():
            if abs(value) < NUMBER_LIMIT or (isinstance(value, float) and not isfinite(value)):
                return None
            return "expected numbers below 2**63 in magnitude, got a larger one"
        case list():
            return next(filter(None, map(_number_problem, value)), None)
        case dict():
            return next(filter(None, map(_number_problem, value.values())), None)
        case _:
            return None


def printable(text: str, limit: int) -> str:
    """Return text that can be stored and sent whatever was in it, cut to `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut.encode("utf-8", "replace").decode("utf-8")


def _too_deep(value: Json, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_too_deep(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_too_deep(item, levels - 1) for item in value)
    return False


def _is_unicode(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
