"""The ordered log of one episode, with its budget, its bounds and the keys of calls answered.

What an agent sends is logged as far as there is room; beyond that it is noted by size and digest,
or only refused, so that no agent can fill the memory of a host.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from astra_arena.core.calls import CallRecord, Outcome, StateRecord
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, digest_of_bytes
from astra_arena.core.offers import ToolRef
from astra_arena.core.tasks import Budget
from astra_arena.servers.episodes.toolset import storable
from astra_arena.servers.tracing import note

MOST_ARGUMENT_BYTES = 8 << 20
"""So many bytes of arguments the log of one episode holds; its agent decides how many come."""
FAULTS_PER_CALL = 4
"""For each call of the budget so many may meet an injected fault before the budget is used up."""

_RECORDED_OVER_BUDGET = 256
"""So many calls beyond the budget are logged and charged; further ones are only refused."""
_RECORDED_OWN_REFUSED = 64
"""So many refused calls of the host's own tools, which cost nothing, are logged."""
_REFUSED_BYTES = 4096
"""Arguments of a refused call that are larger are logged as a note of their size and digest."""
_NO_CALL = CallRecord(index=0, environment="", tool="", arguments=None, outcome="ok")
"""What records are copied from: making one from nothing costs several times as much."""
_CALL_OVERHEAD = 1024
"""About what a logged call takes beside its arguments and its result."""


@dataclass(frozen=True, slots=True)
class CallReply:
    """What the agent gets."""

    is_error: bool
    text: str
    structured: JsonObject | None = None
    charged: bool = True
    """Whether the call counts; not when it met an injected fault."""
    entered: int | None = None
    """The phase that a reply to the user has brought, if the tools on offer are others now."""


class CallDetails(TypedDict, total=False):
    """How a call ended, beside its outcome."""

    result: JsonObject
    message: str
    recovered: bool
    defect: str
    fault: str
    key: str | None
    own: bool
    state: StateRecord | None


@dataclass(frozen=True, slots=True)
class _Keyed:
    """What a call with an idempotency key asked and got."""

    tool: str
    arguments_digest: str
    reply: CallReply


@dataclass(frozen=True, slots=True)
class LogState:
    """A log at one moment."""

    calls: tuple[CallRecord, ...]
    charged: int
    faulted: int
    own_refused: int
    argument_bytes: int
    other_bytes: int
    by_key: Mapping[str, _Keyed]
    elapsed: float
    """Seconds of the budget that were used."""


class EpisodeLog:
    """The log of one episode.

    Args:
        budget: How much the episode may use; the time runs from now.
        now: Tells the time, in seconds.
        foreign: Environments that the task does not name.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        now: Callable[[], float] = time.monotonic,
        foreign: Collection[str] = (),
    ) -> None:
        self.on_record: Callable[[CallRecord], None] | None = None
        """Called with each call before it is logged."""
        self._budget = budget
        self._now = now
        self._foreign = frozenset(foreign)
        self._opened = now()
        self._calls: list[CallRecord] = []
        self._charged = 0
        self._faulted = 0
        self._own_refused = 0
        self._argument_bytes = 0
        self._other_bytes = 0
        self._by_key: dict[str, _Keyed] = {}

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The log so far."""
        return tuple(self._calls)

    @property
    def count(self) -> int:
        """How many calls the log holds."""
        return len(self._calls)

    @property
    def size(self) -> int:
        """About how many bytes of memory the log takes."""
        return self._other_bytes + self._argument_bytes

    def state(self) -> LogState:
        """Return what the log is now, for `resume`."""
        return LogState(
            self.calls,
            self._charged,
            self._faulted,
            self._own_refused,
            self._argument_bytes,
            self._other_bytes,
            dict(self._by_key),
            self._now() - self._opened,
        )

    def resume(self, state: LogState) -> None:
        """Go on from what another log was; for one in which nothing is yet."""
        self._opened = self._now() - state.elapsed
        self._calls = list(state.calls)
        self._charged = state.charged
        self._faulted = state.faulted
        self._own_refused = state.own_refused
        self._argument_bytes = state.argument_bytes
        self._other_bytes = state.other_bytes
        self._by_key = dict(state.by_key)

    def over_budget(self) -> str | None:
        """Return why no more calls are possible, if so."""
        most = self._budget.calls
        if self._charged >= most or self._faulted >= FAULTS_PER_CALL * most:
            return f"the budget of {most} calls is used up"
        return self.out_of_time()

    def out_of_time(self) -> str | None:
        """Return that the time is used up, if so."""
        if self._now() - self._opened > self._budget.seconds:
            return f"the budget of {self._budget.seconds:g} seconds is used up"
        return None

    def answered(self, key: str, tool: str, arguments_digest: str) -> CallReply | None:
        """Return what a call with this key got; `None` where there was none.

        Raises:
            KeyError: if the key was used for another call.
        """
        before = self._by_key.get(key)
        if before is None:
            return None
        if (before.tool, before.arguments_digest) != (tool, arguments_digest):
            raise KeyError(key)
        return before.reply

    def has_key(self, key: str | None) -> bool:
        """Tell whether a call with this key was answered."""
        return key is not None and key in self._by_key

    def remember(self, key: str, tool: str, arguments_digest: str, reply: CallReply) -> None:
        """Answer further calls with this key with the same reply."""
        self._by_key[key] = _Keyed(tool, arguments_digest, reply)

    def take_room(self, size: int) -> str | None:
        """Make room for the arguments of a call; return why there is none, if so."""
        if self._argument_bytes + size > MOST_ARGUMENT_BYTES:
            return (
                f"the arguments of this episode's calls are beyond {MOST_ARGUMENT_BYTES} bytes "
                "in all"
            )
        self._argument_bytes += size
        return None

    def refuse(
        self,
        ref: ToolRef,
        arguments: Json,
        outcome: Outcome,
        text: str,
        *,
        key: str | None = None,
        own: bool = False,
    ) -> CallReply:
        """Log a call that was refused, as long as there is room, and return what the agent gets."""
        if own:
            self._own_refused += 1
            kept = self._own_refused <= _RECORDED_OWN_REFUSED
        else:
            kept = self._charged < self._budget.calls + _RECORDED_OVER_BUDGET
        if kept:
            self.add(ref, self._kept(arguments), outcome, message=text, key=key, own=own)
        return CallReply(True, text, charged=not own)

    def add(
        self, ref: ToolRef, arguments: Json, outcome: Outcome, **details: Unpack[CallDetails]
    ) -> None:
        """Log a call."""
        # Every value was checked or made here, so that validating it again would only cost time.
        made: dict[str, Any] = {
            "index": len(self._calls),
            "environment": ref.environment,
            "tool": ref.tool,
            "arguments": arguments,
            "outcome": outcome,
            "foreign": ref.environment in self._foreign,
            **details,
        }
        record = _NO_CALL.model_copy(update=made)
        note(call=record.index, outcome=outcome, environment=ref.environment)
        if self.on_record is not None:
            self.on_record(record)
        self._calls.append(record)
        self._other_bytes += _CALL_OVERHEAD
        if record.state is not None:
            self._other_bytes += 2 * len(canonical_bytes(record.state.difference))
        self._charged += record.counts
        self._faulted += record.fault is not None

    def add_bytes(self, size: int) -> None:
        """Take notice of a result that is kept with its call."""
        self._other_bytes += size

    def _kept(self, arguments: Json) -> Json:
        """Return what the log keeps of arguments that were refused."""
        data = storable(arguments).data
        room = MOST_ARGUMENT_BYTES - self._argument_bytes
        if len(data) > min(_REFUSED_BYTES, room):
            return f"({len(data)} bytes, {digest_of_bytes(data)})"
        self._argument_bytes += len(data)
        return arguments
