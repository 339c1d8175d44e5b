"""Which tools an agent is offered in each turn of a task, and what they are called.

With one environment in use a tool is called by its own name, with several `environment__tool`.
Environment names hold no underscore, so the two can always be told apart.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import Slot, Task

SEPARATOR = "__"


class ToolRef(NamedTuple):
    """A tool of a member environment."""

    environment: str
    tool: str

    @property
    def full_name(self) -> str:
        """What the tool is called where several environments are in use."""
        return f"{self.environment}{SEPARATOR}{self.tool}"


def offered_name(ref: ToolRef, *, joint: bool) -> str:
    """Return what a tool is called in an episode; `joint` when several environments are in use."""
    return ref.full_name if joint else ref.tool


def slots_of_arguments(task: Task, ref: ToolRef) -> dict[str, Slot]:
    """Return the slots whose values a tool's arguments take, by argument."""
    return {
        fill.argument: slot
        for slot in task.slots
        for fill in slot.fills
        if fill.tool in (ref.tool, ref.full_name)
    }


def tool_ref(name: str, environments: Sequence[str]) -> ToolRef | None:
    """Return the tool that a name stands for; `None` when it cannot be told."""
    environment, separator, tool = name.partition(SEPARATOR)
    if separator and environment in environments:
        return ToolRef(environment, tool)
    return ToolRef(environments[0], name) if len(environments) == 1 else None


def offered_tools(
    task: Task, members: Mapping[str, Sequence[str]], *, turn: int = 0
) -> dict[str, ToolRef]:
    """Return the tools on offer in a turn, by the name that the agent uses.

    Args:
        task: The task.
        members: Tool names of each environment in use, in order.
        turn: Index of the turn.

    Raises:
        SpecError: if the task names a tool that no member has.
    """
    environments = tuple(members)
    joint = len(environments) > 1
    every = {ToolRef(name, tool): None for name in environments for tool in members[name]}

    def named(names: Sequence[str]) -> list[ToolRef]:
        refs = [(name, tool_ref(name, environments)) for name in names]
        unknown = [name for name, ref in refs if ref is None or ref not in every]
        if unknown:
            raise SpecError(
                f"task {task.id!r} names tools that its environments do not have: "
                f"{', '.join(unknown)}; they have {', '.join(environments)}"
            )
        return [ref for _, ref in refs if ref is not None]

    on_offer = set(named(task.tools)) if task.tools else set(every)
    for one in task.turns[: turn + 1]:
        on_offer -= set(named(one.tools_removed))
        on_offer |= set(named(one.tools_added))
    return {offered_name(ref, joint=joint): ref for ref in every if ref in on_offer}
