"""Injected faults: which calls fail, how, and what the agent reads.

A fault is a function of (seed, environment, tool, arguments, attempt), never of when a call comes:
the same call fails the same way in every run, and a repeated one succeeds as scheduled. Calls that
met a fault cost nothing in the reward and never solve.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import Field

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.model import Model
from astra_arena.core.randomness import random_stream

FaultKind = Literal["timeout", "unavailable", "rate_limit", "truncated_page"]
"""`truncated_page` shows half of the rows and says so; the others show nothing."""

LONGEST_STREAK = 4

_MESSAGES: dict[FaultKind, str] = {
    "timeout": "the request timed out; it can be tried again",
    "unavailable": "503: the service is not available at the moment; it can be tried again",
    "rate_limit": "429: too many requests; it can be tried again",
}


class FaultPlan(Model):
    """Which share of calls fails, and for how long."""

    rate: float = Field(default=0.2, ge=0.0, le=1.0)
    """The share of distinct calls that meet a fault when they are made first."""
    kinds: tuple[FaultKind, ...] = Field(default=get_args(FaultKind), min_length=1)
    streak: int = Field(default=1, ge=1, le=LONGEST_STREAK)
    """The most often that one call fails before it succeeds."""
    lost_replies: float = Field(default=0.25, ge=0.0, le=1.0)
    """The share of time-outs that strike after the call has run; tools that write are spared."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What strikes one call."""

    kind: FaultKind
    after: bool
    """Whether the call runs and its reply is lost, in whole or in part."""

    @property
    def message(self) -> str:
        """What the agent reads in place of a reply."""
        return _MESSAGES.get(self.kind, _MESSAGES["unavailable"])


def fault_of(
    plan: FaultPlan,
    *,
    seed: int,
    environment: str,
    tool: str,
    arguments: Json,
    attempt: int,
    read_only: bool,
) -> Fault | None:
    """Return the fault that a call meets, or `None`.

    Args:
        plan: The task's.
        seed: The episode's.
        environment: The member that the tool belongs to.
        tool: Its name there.
        arguments: As they are logged.
        attempt: How often this very call was made before in the episode.
        read_only: Whether the tool never writes.
    """
    stream = random_stream(seed, "faults", environment, tool, arguments)
    if stream.random() >= plan.rate or attempt >= stream.randint(1, plan.streak):
        return None
    kind = stream.choice(plan.kinds)
    if kind == "truncated_page":
        # A call that writes is not run when its reply may be lost: trying again would write twice.
        return Fault(kind, after=read_only)
    lost = kind == "timeout" and read_only and stream.random() < plan.lost_replies
    return Fault(kind, after=lost)


def truncated_page(result: JsonObject) -> JsonObject | None:
    """Return a reply with half of its rows and `truncated: true`; `None` where it has no pages.

    A reply has pages when it holds a flag `truncated` and one list of two rows or more.
    """
    lists = {name: value for name, value in result.items() if isinstance(value, list)}
    if not isinstance(result.get("truncated"), bool) or len(lists) != 1:
        return None
    ((name, rows),) = lists.items()
    if len(rows) < 2:
        return None
    return {**result, name: rows[: len(rows) // 2], "truncated": True}
