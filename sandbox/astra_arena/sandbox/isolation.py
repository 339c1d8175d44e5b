"""Whether sessions of a program know nothing of each other, of their processes and of their past.

The same calls must give the same replies and states, byte for byte, when sessions run one after
another, call by call in turn, all at once, and when each call finds the world rebuilt by a replay.
State outside the world shows here: tool code that keeps any differs in the last of these.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.sandbox.contract import Broke, Execution, Failed, Program, Sandbox, Succeeded
from astra_arena.sandbox.recovery import DurableSession

CallPlan: TypeAlias = Sequence[tuple[str, JsonObject]]
"""Calls of one session, in order: tool and arguments."""

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class _Step:
    reply: str
    state_digest: str | None


_Steps: TypeAlias = list[_Step]
_Runner: TypeAlias = Callable[[list[DurableSession], Sequence[CallPlan]], Awaitable[list[_Steps]]]


async def isolation_findings(
    sandbox: Sandbox, program: Program, plans: Sequence[CallPlan], *, seed: int = 0
) -> tuple[str, ...]:
    """Return where sessions differ from sessions that ran alone; nothing when they do not.

    Args:
        plans: One session is opened for each; all of them are live at once.
        seed: Every session's.

    Raises:
        SandboxUnavailableError: if the sandbox failed twice in a row.
    """
    alone = await _run(sandbox, program, plans, seed, _one_after_another)
    findings: list[str] = []
    for how, runner in _RUNNERS.items():
        steps = await _run(sandbox, program, plans, seed, runner)
        findings += [
            f"session {number}, {finding} when {how}"
            for number, plan in enumerate(plans)
            for finding in _differences(plan, alone[number], steps[number])
        ]
    return tuple(findings)


def reply_text(execution: Execution) -> str:
    """Return what must be equal of two executions; wordings for operators need not be."""
    match execution:
        case Succeeded(result):
            return canonical_bytes(result).decode("ascii")
        case Failed(message):
            return f"refused: {message}"
        case Broke(kind):
            return f"broke: {kind}"


async def _run(
    sandbox: Sandbox, program: Program, plans: Sequence[CallPlan], seed: int, runner: _Runner
) -> list[_Steps]:
    sessions = [DurableSession(sandbox, program, seed=seed) for _ in plans]
    try:
        return await runner(sessions, plans)
    finally:
        for session in sessions:
            await session.close()


async def _step(session: DurableSession, call: tuple[str, JsonObject]) -> _Step:
    delivery = await session.call(*call)
    snapshot = await session.snapshot()
    return _Step(reply_text(delivery.execution), snapshot.state_digest)


async def _all_steps(session: DurableSession, plan: CallPlan) -> _Steps:
    return [await _step(session, call) for call in plan]


async def _one_after_another(
    sessions: list[DurableSession], plans: Sequence[CallPlan]
) -> list[_Steps]:
    taken: list[_Steps] = []
    for session, plan in zip(sessions, plans, strict=True):
        taken.append(await _all_steps(session, plan))
        await session.close()
    return taken


async def _in_turn(sessions: list[DurableSession], plans: Sequence[CallPlan]) -> list[_Steps]:
    taken: list[_Steps] = [[] for _ in plans]
    for turn in range(max(map(len, plans), default=0)):
        for session, plan, steps in zip(sessions, plans, taken, strict=True):
            if turn < len(plan):
                steps.append(await _step(session, plan[turn]))
    return taken


async def _at_once(sessions: list[DurableSession], plans: Sequence[CallPlan]) -> list[_Steps]:
    pairs = zip(sessions, plans, strict=True)
    return list(await asyncio.gather(*(_all_steps(session, plan) for session, plan in pairs)))


async def _rebuilt(sessions: list[DurableSession], plans: Sequence[CallPlan]) -> list[_Steps]:
    taken: list[_Steps] = []
    for session, plan in zip(sessions, plans, strict=True):
        steps: _Steps = []
        for call in plan:
            steps.append(await _step(session, call))
            await session.hibernate()
        taken.append(steps)
    return taken


_RUNNERS: dict[str, _Runner] = {
    "sessions take turns": _in_turn,
    "sessions run at once": _at_once,
    "each call finds a rebuilt world": _rebuilt,
}


def _differences(plan: CallPlan, alone: _Steps, other: _Steps) -> list[str]:
    for turn, (call, expected, came) in enumerate(zip(plan, alone, other, strict=True)):
        where = f"call {turn} ({call[0]!r})"
        if came.reply != expected.reply:
            return [
                f"{where}: expected the reply {_shortened(expected.reply)} of a session that ran "
                f"alone, got {_shortened(came.reply)}"
            ]
        if came.state_digest != expected.state_digest:
            return [
                f"{where}: expected the state {expected.state_digest} of a session that ran alone, "
                f"got {came.state_digest}"
            ]
    # What follows a difference follows from it.
    return []


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
