"""Asking the user for what a call lacks, where a task lets the host do so."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.offers import ToolRef, slots_of_arguments
from astra_arena.core.tasks import Slot, Task
from astra_arena.core.user import telling
from astra_arena.servers.episodes.toolset import Accepted, Tool

logger = logging.getLogger(__name__)

OnElicit: TypeAlias = Callable[[tuple[Slot, ...]], Awaitable[bool]]
"""Asked whether the user tells these slots."""


@dataclass(frozen=True, slots=True)
class Lack:
    """What a call lacks, and what it is with it."""

    arguments: tuple[str, ...]
    slots: tuple[Slot, ...]
    filled: Accepted


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
    filled = tool.accept({**arguments, **{name: bound[name].value for name in missing}})
    if not isinstance(filled, Accepted):
        return None
    slots = {bound[name].name: bound[name] for name in missing}
    return Lack(missing, tuple(slots.values()), filled)


async def told_slots(ask: OnElicit | None, slots: Sequence[Slot]) -> JsonObject:
    """Return what the user tells, by slot; nothing when the user does not or cannot be asked.

    Args:
        ask: Asked first, if given.
        slots: What is lacking.
    """
    try:
        tells = ask is None or await ask(tuple(slots))
    except Exception:
        # It comes from the agent's side, so it must neither void the episode nor go unlogged.
        logger.debug("the user could not be asked", exc_info=True)
        tells = False
    return {slot.name: telling(slot) for slot in slots} if tells else {}
