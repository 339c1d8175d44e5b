"""The seam of the sandbox: what runs, how it is called and how a call can end.

A session is one live world. Calls to one session are serialised by the caller. A tool that fails is
a value (`Failed`), a tool that breaks is a value (`Broke`); only broken machinery raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from astra_arena.core.canonical import JsonObject


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may use."""

    call_seconds: float = 10.0
    """Wall-clock deadline of a call; the session is killed when it passes."""
    cpu_seconds: float = 10.0
    """CPU time of a call; renewed for each."""
    memory_mib: int = 256
    """Address space beyond what the session has when it starts, and beyond the world's size."""
    reply_bytes: int = 1 << 20
    """Largest reply."""
    sql_steps: int = 200_000_000
    """Virtual-machine steps of SQLite in one call; the same on every run, unlike time."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a session runs: tool code and the world it starts from. Holds no gold."""

    digest: str
    """Names the program; the environment's digest."""
    tools_py: bytes
    tool_names: tuple[str, ...]
    world_kind: Literal["sqlite", "json", "python", "external"]
    """Programs with an `external` world hold no code; sandboxes that run code refuse them."""
    world_path: Path
    clock: str
    """ISO 8601 UTC; all the time that tool code can read."""
    requires: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The tool returned a JSON object."""

    result: JsonObject
    trace: str | None = field(default=None, compare=False)
    """Names the reply and every row that the call wrote, so that a replay can be held to it; empty
    when the call wrote nothing and need not be replayed; `None` when the sandbox cannot tell."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The tool refused by raising `LookupError`, `ValueError` or `PermissionError` itself."""

    message: str
    """For the agent."""


BrokeKind = Literal[
    "raised", "bad_result", "too_large", "steps", "timeout", "crashed", "diverged", "wrote"
]
"""`raised`: any other exception. `bad_result`: not a JSON object. `too_large`: a reply over the
cap. `steps`: the SQL budget ran out. `timeout`: killed at the deadline. `crashed`: the process
ended. `diverged`: a replay gave another reply or state than the log; told of replays only. `wrote`:
a tool that is said to read only changed the world; told by who knows what tools are said to do."""


@dataclass(frozen=True, slots=True)
class Broke:
    """The tool code is defective; the call left no trace in the world."""

    kind: BrokeKind
    detail: str
    """For operators only; may quote tool code."""
    session_lost: bool
    """Whether the session is gone and must be replaced."""


Execution: TypeAlias = Succeeded | Failed | Broke


@dataclass(frozen=True, slots=True)
class ReplayCall:
    """A call that succeeded before, to be made again."""

    tool: str
    arguments: JsonObject
    attempt: int
    trace: str
    """What it left then and must leave again."""
    seconds: float = 0.0
    """How long it took then; the deadline of a replay follows from it."""


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """How far a replay came."""

    replayed: int
    """Calls that did what they did before."""
    broke: Broke | None = None
    """Why it went no further; the session is of no use then. `None`: all calls were replayed."""


class Session(Protocol):
    """One live world."""

    async def call(self, tool: str, arguments: JsonObject, *, attempt: int = 0) -> Execution:
        """Run one tool.

        Args:
            tool: One of the program's `tool_names`.
            arguments: Keyword arguments that satisfy the tool's input schema.
            attempt: How often this very call was made before in the episode; with the seed, the
                tool and the arguments it keys the random stream.

        Raises:
            SandboxUnavailableError: if the session was lost for a reason that is not the tool's.
        """
        ...

    async def replay(self, calls: Sequence[ReplayCall]) -> ReplayOutcome:
        """Make calls of an earlier session of the same program and seed again, all in one message.

        Each must succeed and leave the trace that it left then.

        Raises:
            SandboxUnavailableError: as for `call`.
        """
        ...

    async def state_digest(self) -> str | Broke:
        """Return the digest of the world's state: equal for equal states, whatever their history.

        Raises:
            SandboxUnavailableError: as for `call`.
        """
        ...

    async def state_difference(self) -> JsonObject | Broke:
        """Return what differs from the world at the start; equal states, equal differences.

        Of a database `{"tables": {TABLE: {KEY: {"before": ROW, "after": ROW}}}}`, with rows whose
        content differs only. KEY is the canonical JSON of the primary key's columns,
        `{"$row": SHA-256 of the row}` where there is no primary key; rows with one and the same key
        (NULL may be in many) get `"$n": 2` and so on in it. ROW is an object by column, `null` for
        no row, `{"$bytes": SHA-256}` for a blob, `{"$real": "inf"}` for a number that JSON lacks;
        generated columns are left out. `sqlite_sequence` holds the counters of AUTOINCREMENT.

        Of other worlds `{"values": {POINTER: {"before": VALUE, "after": VALUE}}}` for the deepest
        JSON Pointers that differ; lists are compared as wholes when their lengths differ. Where one
        side has nothing, it is left out and `"absent": true` says so.

        A difference of more than 2,000 entries or 256 KiB is cut and says `"truncated": true`.

        Raises:
            SandboxUnavailableError: as for `call`.
        """
        ...

    async def branch(self) -> "Session | None":
        """Return an independent session in the state of this one; `None` where that takes a replay.

        Raises:
            SandboxUnavailableError: as for `call`.
        """
        ...

    async def close(self) -> None:
        """End the session's process; closing twice is harmless."""
        ...


class Sandbox(Protocol):
    """Opens sessions."""

    @property
    def tier(self) -> str:
        """What confines tool code; recorded in every rollout."""
        ...

    async def open_session(self, program: Program, *, seed: int) -> Session:
        """Start a session of `program`, its random streams keyed by `seed`.

        Raises:
            PolicyError: if the code does not parse or lacks a tool, before any of it runs.
            SandboxUnavailableError: if no session can be started.
        """
        ...

    async def close(self) -> None:
        """End every process that the sandbox started."""
        ...
