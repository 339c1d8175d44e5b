"""The injected faults and delays of one episode: what each call meets, and what the agent gets."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.faults import Fault, FaultPlan, fault_of, truncated_page
from astra_arena.core.offers import ToolRef
from astra_arena.core.tool_mixing import Latency, latency_of
from astra_arena.servers.episodes.toolset import Tool


class _KeyedCall(TypedDict):
    seed: int
    environment: str
    tool: str
    arguments: Json
    attempt: int


Attempts: TypeAlias = Mapping[tuple[ToolRef, bytes], int]
"""How often each very call was made, by tool and canonical arguments."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a call meets."""

    fault: Fault | None = None
    seconds: float = 0.0
    """How late its reply is."""


_NOTHING = Disturbance()


class FaultSchedule:
    """Counts how often each very call was made, which decides how it fares.

    Args:
        plan: The task's; without one no call meets a fault.
        seed: The episode's.
        latency: How late replies are; without it they are not.
    """

    def __init__(
        self, plan: FaultPlan | None, *, seed: int, latency: Latency | None = None
    ) -> None:
        self._plan = plan
        self._latency = latency
        self._seed = seed
        self._attempts: Counter[tuple[ToolRef, bytes]] = Counter()

    def next_disturbance(
        self, ref: ToolRef, arguments: JsonObject, *, read_only: bool
    ) -> Disturbance:
        """Return what this call meets, and count the call."""
        if self._plan is None and self._latency is None:
            return _NOTHING
        key = (ref, canonical_bytes(arguments))
        attempt = self._attempts[key]
        self._attempts[key] += 1
        call: _KeyedCall = {
            "seed": self._seed,
            "environment": ref.environment,
            "tool": ref.tool,
            "arguments": arguments,
            "attempt": attempt,
        }
        return Disturbance(
            None if self._plan is None else fault_of(self._plan, read_only=read_only, **call),
            0.0 if self._latency is None else latency_of(self._latency, **call),
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
