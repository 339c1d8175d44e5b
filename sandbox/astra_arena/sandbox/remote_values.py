"""The contract's values as messages, and back."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.errors import (
    ArenaError,
    PolicyError,
    SandboxUnavailableError,
    SpecError,
)
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Failed,
    Limits,
    Program,
    ReplayCall,
    ReplayOutcome,
    Succeeded,
)
from astra_arena.sandbox.remote_protocol import (
    Difference,
    Digest,
    Outcome,
    Replayed,
    Trouble,
    WireBroke,
    WireLimits,
    WireProgram,
    WireReplayCall,
)
from astra_arena.sandbox.replies import difference_of
from astra_arena.sandbox.runnable import runnable_world

_RESULT = msgspec.json.Decoder(dict[str, Any])


def wire_program(program: Program, *, tools: str, world: str) -> WireProgram:
    """Return a program as it is sent, its code and world named by digests."""
    limits = program.limits
    return WireProgram(
        digest=program.digest,
        tools=tools,
        world=world,
        tool_names=program.tool_names,
        world_kind=runnable_world(program),
        clock=program.clock,
        requires=program.requires,
        limits=WireLimits(
            call_seconds=limits.call_seconds,
            cpu_seconds=limits.cpu_seconds,
            memory_mib=limits.memory_mib,
            reply_bytes=limits.reply_bytes,
            sql_steps=limits.sql_steps,
        ),
    )


def program_of(wire: WireProgram, *, tools_py: bytes, world_path: Path) -> Program:
    """Return the program that was sent."""
    return Program(
        digest=wire.digest,
        tools_py=tools_py,
        tool_names=wire.tool_names,
        world_kind=wire.world_kind,
        world_path=world_path,
        clock=wire.clock,
        requires=wire.requires,
        limits=Limits(**msgspec.structs.asdict(wire.limits)),
    )


def arguments_of(sent: bytes) -> JsonObject:
    """Return a call's arguments."""
    # Not msgspec: arguments may hold lone surrogates, as JSON text can.
    return cast("JsonObject", json.loads(sent))


def outcome_of(number: int, execution: Execution) -> Outcome:
    """Return how a call ended as it is sent; what cannot be passed on counts as a crash."""
    match execution:
        case Succeeded():
            try:
                return Outcome(
                    number, ok=msgspec.json.encode(execution.result), trace=execution.trace
                )
            except (ValueError, TypeError, RecursionError) as error:
                detail = f"a reply that cannot be passed on: {error}"
                return Outcome(number, broke=("crashed", detail, True))
        case Failed():
            return Outcome(number, failed=execution.message)
        case Broke():
            return Outcome(number, broke=_wire_broke(execution))


def execution_of(outcome: Outcome) -> Execution:
    """Return how a call ended."""
    if outcome.failed is not None:
        return Failed(outcome.failed)
    if outcome.broke is not None:
        return Broke(*outcome.broke)
    try:
        return Succeeded(_RESULT.decode(outcome.ok or b""), trace=outcome.trace)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        # Tool code wrote it: that is no fault of the connection.
        return Broke("crashed", f"a reply that cannot be read: {error}", session_lost=True)


def wire_replay(calls: Sequence[ReplayCall]) -> tuple[WireReplayCall, ...]:
    """Return calls that are to be replayed as they are sent."""
    return tuple(
        WireReplayCall(
            call.tool, canonical_bytes(call.arguments), call.attempt, call.trace, call.seconds
        )
        for call in calls
    )


def replay_calls_of(calls: Sequence[WireReplayCall]) -> list[ReplayCall]:
    """Return the calls that are to be replayed."""
    return [
        ReplayCall(call.tool, arguments_of(call.arguments), call.attempt, call.trace, call.seconds)
        for call in calls
    ]


def replayed_of(number: int, outcome: ReplayOutcome) -> Replayed:
    """Return how far a replay came as it is sent."""
    broke = None if outcome.broke is None else _wire_broke(outcome.broke)
    return Replayed(number, outcome.replayed, broke)


def replay_outcome_of(replayed: Replayed) -> ReplayOutcome:
    """Return how far a replay came."""
    broke = None if replayed.broke is None else Broke(*replayed.broke)
    return ReplayOutcome(replayed.replayed, broke)


def digest_of_state(number: int, came: str | Broke) -> Digest:
    """Return a state digest as it is sent."""
    if isinstance(came, Broke):
        return Digest(number, "", _wire_broke(came))
    return Digest(number, came)


def state_digest_of(digest: Digest) -> str | Broke:
    """Return a state digest."""
    return digest.digest if digest.broke is None else Broke(*digest.broke)


def difference_reply(number: int, came: JsonObject | Broke) -> Difference:
    """Return a state difference as it is sent."""
    if isinstance(came, Broke):
        return Difference(number, b"", _wire_broke(came))
    return Difference(number, canonical_bytes(came))


def state_difference_of(reply: Difference) -> JsonObject | Broke:
    """Return a state difference."""
    if reply.broke is not None:
        return Broke(*reply.broke)
    try:
        return difference_of(reply.difference)
    except ValueError as error:
        return Broke("crashed", f"a difference that cannot be read: {error}", session_lost=True)


def trouble_of(number: int, error: Exception) -> Trouble:
    """Return what was raised as it is sent."""
    if isinstance(error, PolicyError):
        return Trouble(number, "policy", error.message, error.findings)
    if isinstance(error, SandboxUnavailableError):
        return Trouble(number, "unavailable", error.message)
    if isinstance(error, ArenaError):
        return Trouble(number, "spec", error.message)
    return Trouble(number, "unavailable", f"the worker failed: {type(error).__name__}: {error}")


def error_of(trouble: Trouble) -> ArenaError:
    """Return what was raised."""
    match trouble.kind:
        case "policy":
            return PolicyError(trouble.text, findings=trouble.findings)
        case "spec":
            return SpecError(trouble.text)
        case "unavailable" | "full":
            return SandboxUnavailableError(trouble.text)


def _wire_broke(broke: Broke) -> WireBroke:
    detail = broke.detail.encode("utf-8", "backslashreplace").decode("utf-8")
    return broke.kind, detail, broke.session_lost
