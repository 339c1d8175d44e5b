"""What a session has become, as data: enough to make another that goes on from there.

A snapshot holds no process. Its log shares all but its own last entry with the snapshot before it,
and is freed with the last handle on it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from astra_arena.sandbox.contract import Program, ReplayCall

if TYPE_CHECKING:
    from astra_arena.sandbox.recovery import DurableSession

Attempts: TypeAlias = Mapping[tuple[str, bytes], int]
"""How often each call was made, by tool and canonical arguments."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class CallLog:
    """The calls that made a state, as an immutable list that grows at its end."""

    last: ReplayCall
    before: "CallLog | None"
    count: int


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    """A session between two calls; made by `DurableSession.snapshot`."""

    program: Program
    seed: int
    state_digest: str | None
    """What a branch is held to; `None` when the session's own tool code kept it from telling."""
    log: CallLog | None = field(repr=False)
    """The calls that a branch makes again; `None` when there are none."""
    attempts: Attempts = field(repr=False)
    read_only: frozenset[str] = field(default=frozenset(), repr=False)
    origin: "Callable[[], DurableSession | None]" = field(default=lambda: None, repr=False)
    """The session that it is of, if that is still there."""

    @property
    def replayed_calls(self) -> int:
        """How many calls a branch makes again."""
        return 0 if self.log is None else self.log.count


def appended(log: CallLog | None, call: ReplayCall) -> CallLog:
    """Return `log` with one more call."""
    return CallLog(call, log, 1 if log is None else log.count + 1)


def calls_of(log: CallLog | None) -> list[ReplayCall]:
    """Return the calls of `log`, first to last."""
    calls: list[ReplayCall] = []
    while log is not None:
        calls.append(log.last)
        log = log.before
    calls.reverse()
    return calls
