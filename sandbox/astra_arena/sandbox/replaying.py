"""What a replay is held to, for sandboxes that make the calls of a replay one at a time."""

from collections.abc import Sequence

from astra_arena.core.canonical import digest_of
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Failed,
    ReplayCall,
    ReplayOutcome,
    Session,
    Succeeded,
)


async def replay_one_by_one(session: Session, calls: Sequence[ReplayCall]) -> ReplayOutcome:
    """Replay `calls` by `Session.call`; slower than one message, and the same otherwise.

    Raises:
        SandboxUnavailableError: if the session was lost for a reason that is not the tool's.
    """
    for number, call in enumerate(calls):
        execution = await session.call(call.tool, call.arguments, attempt=call.attempt)
        broke = divergence(call, execution)
        if broke is not None:
            return ReplayOutcome(number, broke)
    return ReplayOutcome(len(calls))


def divergence(call: ReplayCall, execution: Execution) -> Broke | None:
    """Tell how a replayed call differs from the call; `None` when it does not."""
    if isinstance(execution, Broke):
        return Broke(execution.kind, execution.detail, session_lost=True)
    if isinstance(execution, Failed):
        detail = f"expected success, got the refusal {execution.message!r}"
        return Broke("diverged", detail, session_lost=True)
    trace = trace_of(execution)
    if trace != call.trace:
        detail = f"expected the trace {call.trace}, got {trace or 'none'}"
        return Broke("diverged", detail, session_lost=True)
    return None


def trace_of(done: Succeeded) -> str:
    """Return the trace of a call; the reply's digest when the sandbox tells none."""
    return digest_of(done.result) if done.trace is None else done.trace
