"""Asking the user for what a call lacks, where a task lets the host do so."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.offers import ToolRef, slots_of_arguments
from astra_arena.core.tasks import Slot, Task
from astra_arena.core.user import telling
from astra_arena.servers.episodes.toolset import Accepted, Refused, Tool

_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What a client's user said when asked for what a call lacks."""

    accepted: bool
    """Whether the user agreed to tell."""
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    """By slot, the values that the user typed. What an agent's side says it cannot be known to have
    from a user, so it counts as if the agent had put it into the call itself; the host's user tells
    the slots that are missing here."""


@dataclass(frozen=True, slots=True)
class Lack:
    """What a call lacks, and nothing else is wrong with it."""

    arguments: tuple[str, ...]
    slots: tuple[Slot, ...]
    """What the user knows of them; each once."""
    bound: Mapping[str, Slot]
    """The slot of each argument."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of asking."""

    checked: Accepted | Refused
    """The call with what it lacked, as far as that was told."""
    told: JsonObject
    """By slot, what the host's user said."""
    given: JsonObject
    """By slot, what the client's user typed."""


def lack_of(task: Task, ref: ToolRef, tool: Tool, arguments: Json) -> Lack | None:
    """Return what a refused call lacks, if it lacks nothing but what the user knows.

    Args:
        task: The task.
        ref: The tool that was called.
        tool: The same with its schemas.
        arguments: As they came.
    """
    required = tool.spec.input_schema.get("required")
    if not isinstance(arguments, dict) or not isinstance(required, list):
        return None
    bound = slots_of_arguments(task, ref)
    missing = tuple(str(name) for name in required if str(name) not in arguments)
    if not missing or not bound.keys() >= set(missing):
        return None
    needed = {name: bound[name] for name in missing}
    whole = {**arguments, **{name: slot.value for name, slot in needed.items()}}
    if not isinstance(tool.accept(whole), Accepted):
        return None
    slots = {slot.name: slot for slot in needed.values()}
    return Lack(missing, tuple(slots.values()), needed)


def filled(
    lack: Lack, tool: Tool, arguments: JsonObject, form: FormAnswer | None, refused: Refused
) -> Told:
    """Return a call with what it lacked.

    Args:
        lack: What that is.
        tool: The tool that was called.
        arguments: As they came.
        form: What the client's user said; `None` asks the host's user alone.
        refused: What the call is if nobody tells.
    """
    if form is not None and not form.accepted:
        return Told(refused, {}, {})
    typed = _NOTHING if form is None else form.given
    given: JsonObject = {slot.name: typed[slot.name] for slot in lack.slots if slot.name in typed}
    told: JsonObject = {slot.name: telling(slot) for slot in lack.slots if slot.name not in given}
    values = {
        name: _typed_value(tool, name, typed[slot.name]) if slot.name in given else slot.value
        for name, slot in lack.bound.items()
    }
    return Told(tool.accept({**arguments, **values}), told, given)


def _typed_value(tool: Tool, argument: str, text: str) -> Json:
    """Return what a user has typed as the kind of value that an argument takes."""
    properties = tool.spec.input_schema.get("properties")
    schema = properties.get(argument) if isinstance(properties, dict) else None
    kinds = schema.get("type") if isinstance(schema, dict) else None
    if kinds == "string" or (isinstance(kinds, list) and "string" in kinds):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
