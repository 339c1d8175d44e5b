"""The injected faults of one episode: which call meets one, and what the agent gets instead."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.faults import Fault, FaultPlan, fault_of, truncated_page
from astra_arena.core.offers import ToolRef
from astra_arena.servers.episodes.toolset import Tool

Attempts: TypeAlias = Mapping[tuple[ToolRef, bytes], int]
"""How often each very call was made, by tool and canonical arguments."""


class FaultSchedule:
    """Counts how often each very call was made, which decides how it fares.

    Args:
        plan: The task's; without one no call meets a fault.
        seed: The episode's.
    """

    def __init__(self, plan: FaultPlan | None, *, seed: int) -> None:
        self._plan = plan
        self._seed = seed
        self._attempts: Counter[tuple[ToolRef, bytes]] = Counter()

    def next_fault(self, ref: ToolRef, arguments: JsonObject, *, read_only: bool) -> Fault | None:
        """Return the fault that this call meets, and count the call."""
        if self._plan is None:
            return None
        key = (ref, canonical_bytes(arguments))
        attempt = self._attempts[key]
        self._attempts[key] += 1
        return fault_of(
            self._plan,
            seed=self._seed,
            environment=ref.environment,
            tool=ref.tool,
            arguments=arguments,
            attempt=attempt,
            read_only=read_only,
        )

    def attempts(self) -> Attempts:
        """Return what was counted, for `resume`."""
        return dict(self._attempts)

    def resume(self, attempts: Attempts) -> None:
        """Go on from what another schedule has counted."""
        self._attempts = Counter(attempts)


def page_cut_short(tool: Tool, result: JsonObject) -> JsonObject | None:
    """Return half of a page, where the tool's own schema allows of it."""
    page = truncated_page(result)
    if page is None:
        return None
    try:
        tool.read(page)
    except SpecError:
        return None
    return page
