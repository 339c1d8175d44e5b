"""A server's list of tools as an environment's: names that fit, schemas that can be used.

Schemas are taken as they are wherever possible. Each change is noted, so that a bundle says how its
tools differ from the server's.
"""

import hashlib
import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from mcp import types

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.core.schema import RESERVED_TOOL_NAMES, Checker, require_object_schema
from astra_arena.servers.bundles.external_world import Returns, ToolRoute
from astra_arena.servers.gateway.results import CONTENT_SCHEMA

MOST_NAME_CHARS = 63
_SHARED = ("$defs", "definitions")


@dataclass(frozen=True, slots=True)
class MappedTools:
    """The tools of a server as those of an environment."""

    specs: tuple[ToolSpec, ...]
    routes: dict[str, ToolRoute]
    notes: tuple[str, ...]
    """What was changed, tool by tool."""
    claims: JsonObject
    """The server's annotations, by our names; nobody has proved them."""


def mapped_tools(tools: Sequence[types.Tool], *, read_only: Iterable[str] = ()) -> MappedTools:
    """Map a server's tools.

    Args:
        tools: As the server lists them.
        read_only: Names at the server of tools that only read, though it does not say so.
    """
    named = _names([tool.name for tool in tools])
    said_to_read = frozenset(read_only)
    specs: list[ToolSpec] = []
    routes: dict[str, ToolRoute] = {}
    notes: list[str] = []
    claims: JsonObject = {}
    for tool, name in zip(tools, named, strict=True):
        if name != tool.name:
            notes.append(f"{tool.name}: is called {name} here")
        input_schema, found = usable_input_schema(tool.input_schema)
        notes += [f"{tool.name}: {note}" for note in found]
        output_schema, returns, found = usable_output_schema(tool.output_schema)
        notes += [f"{tool.name}: {note}" for note in found]
        hints = tool.annotations
        reads = tool.name in said_to_read or bool(hints and hints.read_only_hint)
        specs.append(
            ToolSpec(
                name=name,
                description=tool.description or tool.title or f"The tool {tool.name}.",
                input_schema=input_schema,
                output_schema=output_schema,
                read_only=reads,
            )
        )
        routes[name] = ToolRoute(calls=tool.name, returns=returns, read_only=reads)
        if hints is not None:
            claims[name] = hints.model_dump(mode="json", by_alias=True, exclude_none=True)
    return MappedTools(tuple(specs), routes, tuple(notes), claims)


def _names(theirs: Sequence[str]) -> list[str]:
    """Return a name that fits for each; those that fit keep theirs."""
    fitting = {name for name in theirs if _fits(name)}
    taken = set(fitting)
    ours: list[str] = []
    for name in theirs:
        if name in fitting:
            ours.append(name)
            continue
        base = _spelt(name)
        found, number = base, 2
        while found in taken:
            ending = f"_{number}"
            found, number = base[: MOST_NAME_CHARS - len(ending)] + ending, number + 1
        taken.add(found)
        ours.append(found)
    return ours


def _fits(name: str) -> bool:
    return re.fullmatch(
        rf"[a-z][a-z0-9_]{{0,{MOST_NAME_CHARS - 1}}}", name
    ) is not None and not _is_taken(name)


def _is_taken(name: str) -> bool:
    """Tell whether no tool may, or no function of a replay can, be called so."""
    return name in RESERVED_TOOL_NAMES or keyword.iskeyword(name)


def _spelt(name: str) -> str:
    """Return `name` as tools are named here: `getUserById` and `user.get-by-id` alike."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    spelt = re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")
    if not spelt[:1].isalpha():
        spelt = f"tool_{spelt}".rstrip("_")
    if len(spelt) > MOST_NAME_CHARS:
        spelt = f"{spelt[: MOST_NAME_CHARS - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{spelt}_tool" if _is_taken(spelt) else spelt


def usable_input_schema(schema: dict[str, object]) -> tuple[JsonObject, list[str]]:
    """Return an input schema that can be checked, and what had to be changed."""
    wanted = cast("JsonObject", dict(schema))
    notes: list[str] = []
    if wanted.setdefault("type", "object") != "object":
        notes.append(f"its input schema is for {wanted['type']!r}; any object is passed on")
        return {"type": "object"}, notes
    problem = _problem(wanted)
    if problem is not None:
        notes.append(f"its input schema cannot be used ({problem}); any object is passed on")
        return {"type": "object"}, notes
    properties = wanted.get("properties")
    if isinstance(properties, dict):
        kept, dropped = _without_wrong_defaults(wanted, properties)
        wanted["properties"] = kept
        # Defaults are filled in before a call is made, so one that its own schema refuses would
        # have every such call refused.
        notes += [
            f"the default of {name!r} breaks its own schema and is left out" for name in dropped
        ]
    return wanted, notes


def _without_wrong_defaults(
    schema: JsonObject, properties: JsonObject
) -> tuple[JsonObject, list[str]]:
    shared = {name: schema[name] for name in _SHARED if name in schema}
    kept: JsonObject = {}
    dropped: list[str] = []
    for name, rule in properties.items():
        kept[name] = rule
        if isinstance(rule, dict) and "default" in rule:
            whole: JsonObject = {"properties": {name: rule}, **shared}
            if Checker(whole).finding({name: rule["default"]}) is not None:
                kept[name] = {key: value for key, value in rule.items() if key != "default"}
                dropped.append(name)
    return kept, dropped


def usable_output_schema(schema: dict[str, object] | None) -> tuple[JsonObject, Returns, list[str]]:
    """Return a schema for what `result_object` makes of results, how it does, and the changes."""
    if schema is None:
        return CONTENT_SCHEMA, "content", []
    wanted = cast("JsonObject", dict(schema))
    problem = _problem(wanted)
    if wanted.get("type") == "object":
        if problem is None:
            return wanted, "structured", []
        note = f"its output schema cannot be used ({problem}); any object is accepted"
        return {"type": "object"}, "structured", [note]
    notes = ["its results are given below 'result', for they need not be objects"]
    shared = {name: wanted.pop(name) for name in _SHARED if name in wanted}
    if problem is not None or any(_leads_elsewhere(ref) for ref in _references(wanted)):
        notes.append(f"its output schema cannot be used ({problem or 'it refers to its root'})")
        wanted, shared = {}, {}
    wrapped: JsonObject = {
        "type": "object",
        "properties": {"result": wanted},
        "required": ["result"],
        "additionalProperties": False,
        **shared,
    }
    return wrapped, "value", notes


def _problem(schema: JsonObject) -> str | None:
    """Return why values cannot be checked against a schema."""
    try:
        require_object_schema({**schema, "type": "object"}, what="it")
        canonical_bytes(schema)
    except SpecError as error:
        return error.message.removeprefix("it: ")
    foreign = next((ref for ref in _references(schema) if not ref.startswith("#")), None)
    return None if foreign is None else f"it refers to {foreign}"


def _leads_elsewhere(reference: str) -> bool:
    return not reference.startswith(tuple(f"#/{name}/" for name in _SHARED))


def _references(schema: Json) -> Iterable[str]:
    match schema:
        case dict():
            for key, inner in schema.items():
                if key == "$ref" and isinstance(inner, str):
                    yield inner
                else:
                    yield from _references(inner)
        case list():
            for inner in schema:
                yield from _references(inner)
        case _:
            return
