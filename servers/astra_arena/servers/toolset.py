"""An environment's tools as an episode uses them: schemas compiled once, values checked both ways.

Everything an agent sends is checked here before it reaches a session, and everything a tool returns
before it reaches the agent. What passes can be logged, compared, sent and stored by every other
part: it is finite JSON of bounded size and depth, in Unicode text.
"""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, normalised
from astra_arena.core.environment import Environment, ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.core.schema import Checker, with_defaults

MAX_DEPTH = 64
"""Deepest nesting of arguments and results. Validators and encoders recurse; clients do, too."""

MAX_ARGUMENT_BYTES = 256 * 1024
"""Largest arguments of a call, as canonical JSON. The log keeps them."""

_REMEMBERED_RESULTS = 4096


@dataclass(frozen=True, slots=True)
class Accepted:
    """Arguments that may be given to the tool."""

    arguments: JsonObject
    """Defaults filled in, numbers normalised."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Arguments that may not."""

    reason: str
    """For the agent: what was expected and what came."""
    arguments: Json
    """For the log: what came, or a note where it cannot be stored."""


class Tool:
    """One tool with its compiled schemas."""

    __slots__ = ("_input", "_output", "_seen", "spec")

    def __init__(self, spec: ToolSpec) -> None:
        self.spec = spec
        self._input = Checker(spec.input_schema)
        self._output = Checker(spec.output_schema)
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def accept(self, arguments: Json) -> Accepted | Refused:
        """Check arguments as they came from an agent."""
        problem, stored = storable(arguments)
        if problem is not None:
            return Refused(f"invalid arguments for {self.spec.name!r}: {problem}", stored)
        if not isinstance(arguments, dict):
            came = type(arguments).__name__
            return Refused(
                f"invalid arguments for {self.spec.name!r}: expected an object, got {came}", stored
            )
        finding = self._input.finding(arguments)
        if finding is not None:
            return Refused(f"invalid arguments for {self.spec.name!r}: {finding}", stored)
        filled = normalised(with_defaults(self.spec.input_schema, arguments))
        assert isinstance(filled, dict)
        return Accepted(filled)

    def read(self, result: JsonObject) -> str:
        """Return a result as the text that the agent reads; equal results, equal text.

        Raises:
            SpecError: if the result breaks the output schema or cannot be sent at all.
        """
        try:
            text = json.dumps(result, sort_keys=True, allow_nan=False, ensure_ascii=False)
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


def storable(value: Json) -> tuple[str | None, Json]:
    """Tell why a value cannot be logged, if so, and return what the log keeps in its place."""
    if _too_deep(value, MAX_DEPTH):
        return f"expected at most {MAX_DEPTH} levels of nesting, got more", "(nested too deeply)"
    try:
        data = canonical_bytes(value)
    except SpecError as error:
        return error.message, "(not JSON)"
    except ValueError:
        return "expected numbers of at most 4300 digits", "(not JSON)"
    if len(data) > MAX_ARGUMENT_BYTES:
        return f"expected at most {MAX_ARGUMENT_BYTES} bytes, got {len(data)}", "(too large)"
    # Canonical JSON escapes everything beyond ASCII, so a lone surrogate shows as an escape.
    if b"\\ud" in data and not _is_unicode(value):
        return "expected Unicode text, got a lone surrogate", "(not Unicode)"
    return None, value


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
