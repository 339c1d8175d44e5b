"""A sandbox without processes, for tests and documentation of what uses one."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from astra_arena.core.canonical import JsonObject, digest_of
from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Failed,
    Program,
    ReplayCall,
    ReplayOutcome,
    Succeeded,
)
from astra_arena.sandbox.replaying import replay_one_by_one

ScriptedReply: TypeAlias = Execution | JsonObject
"""How a call ends; a dict stands for `Succeeded`."""

Script: TypeAlias = Callable[[str, JsonObject], ScriptedReply]
"""Answers a call, given its tool and arguments."""


class ScriptedSandbox:
    """Answers calls from a mapping by tool name, or from a function.

    >>> sandbox = ScriptedSandbox({"find_book": {"title": "Emma"}, "lend_book": Failed("lent out")})
    >>> sandbox.tier
    'scripted'
    """

    def __init__(self, replies: Mapping[str, ScriptedReply] | Script) -> None:
        """Build a sandbox.

        Args:
            replies: What tools answer; a tool missing from a mapping breaks.
        """
        self.calls: list[tuple[str, JsonObject, int]] = []
        """Every call that reached a session: tool, arguments, attempt."""
        self.opened = 0
        """How many sessions were opened."""
        self.state_digest = digest_of({})
        """What every session says of its state."""
        self.state_difference: JsonObject = {"tables": {}}
        """What every session says has changed."""
        self._replies = replies
        self._failures = 0

    @property
    def tier(self) -> str:
        """What confines tool code: nothing, there is none."""
        return "scripted"

    def fail_next(self, times: int = 1) -> None:
        """Make the next `times` calls or openings fail as infrastructure."""
        self._failures = times

    async def open_session(self, program: Program, *, seed: int) -> "ScriptedSession":
        """Open a session; program and seed change nothing."""
        self.require_available()
        self.opened += 1
        return ScriptedSession(self)

    async def close(self) -> None:
        """End nothing."""

    def require_available(self) -> None:
        """Fail as often as was asked for.

        Raises:
            SandboxUnavailableError: then.
        """
        if self._failures > 0:
            self._failures -= 1
            raise SandboxUnavailableError("a scripted failure")

    def reply(self, tool: str, arguments: JsonObject) -> Execution:
        """Return what the script says."""
        if callable(self._replies):
            reply = self._replies(tool, arguments)
        elif tool in self._replies:
            reply = self._replies[tool]
        else:
            reply = Broke("raised", f"no reply is scripted for {tool!r}", session_lost=False)
        return reply if isinstance(reply, Succeeded | Failed | Broke) else Succeeded(reply)


class ScriptedSession:
    """A session of a `ScriptedSandbox`."""

    def __init__(self, sandbox: ScriptedSandbox) -> None:
        self.closed = False
        self._sandbox = sandbox
        self._lost = False

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Answer from the script."""
        if self.closed or self._lost:
            raise SandboxUnavailableError("the session is closed")
        self._sandbox.require_available()
        self._sandbox.calls.append((tool, arguments, attempt))
        execution = self._sandbox.reply(tool, arguments)
        self._lost = isinstance(execution, Broke) and execution.session_lost
        return execution

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Answer them again from the script."""
        return await replay_one_by_one(self, calls)

    async def state_digest(self) -> str | Broke:
        """Return what the sandbox was told to say."""
        if self.closed or self._lost:
            raise SandboxUnavailableError("the session is closed")
        self._sandbox.require_available()
        return self._sandbox.state_digest

    async def state_difference(self) -> JsonObject | Broke:
        """Return what the sandbox was told to say."""
        if self.closed or self._lost:
            raise SandboxUnavailableError("the session is closed")
        self._sandbox.require_available()
        return self._sandbox.state_difference

    async def branch(self) -> None:
        """Return nothing: there is no process to fork."""

    async def close(self) -> None:
        """Close the session."""
        self.closed = True
