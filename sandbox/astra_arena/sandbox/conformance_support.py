"""What the conformance checks share: a sandbox with a small program, and what they require."""

import json
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.sandbox.conformance_code import TOOLS
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Limits,
    Program,
    Sandbox,
    Session,
    Succeeded,
)

SandboxFactory: TypeAlias = Callable[[], Sandbox]
"""Makes a sandbox; the check closes it."""

Check: TypeAlias = Callable[[SandboxFactory], Awaitable[None]]
"""Raises `AssertionError` when the sandbox falls short."""

_LIMITS = Limits(call_seconds=20.0, reply_bytes=10_000, sql_steps=20_000_000)


@asynccontextmanager
async def opened_sandbox(
    make: SandboxFactory,
    *,
    kind: Literal["sqlite", "json", "python"] = "sqlite",
    code: str = TOOLS,
    tools: tuple[str, ...] | None = None,
    fill: Callable[[sqlite3.Connection], None] | None = None,
    limits: Limits = _LIMITS,
) -> AsyncGenerator[tuple[Sandbox, Program]]:
    """Yield a sandbox and a small program for it; both end with the block."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world"
        if kind == "sqlite":
            _write_database(path, fill or _fill_small_world)
        else:
            path.write_text(json.dumps({"start": True}), encoding="utf-8")
        names = tools if tools is not None else _defined_in(code)
        program = Program(
            digest=f"conformance:{kind}",
            tools_py=code.encode("utf-8"),
            tool_names=names,
            world_kind=kind,
            world_path=path,
            clock="2025-03-04T05:06:07Z",
            limits=limits,
        )
        sandbox = make()
        try:
            yield sandbox, program
        finally:
            await sandbox.close()


@asynccontextmanager
async def opened_session(make: SandboxFactory) -> AsyncGenerator[Session]:
    """Yield a session of the default program."""
    async with opened_sandbox(make) as (sandbox, program):
        yield await sandbox.open_session(program, seed=1)


def _defined_in(code: str) -> tuple[str, ...]:
    lines = (line for line in code.splitlines() if line.startswith("def "))
    return tuple(line[4 : line.index("(")] for line in lines)


def _write_database(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    connection = sqlite3.connect(path)
    try:
        with connection:
            fill(connection)
    finally:
        connection.close()


def _fill_small_world(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE thing(id INTEGER PRIMARY KEY, name TEXT NOT NULL)")


def succeeded(execution: Execution) -> JsonObject:
    """Return the result of a call that must have succeeded."""
    if not isinstance(execution, Succeeded):
        raise AssertionError(f"expected success, got {execution}")
    return execution.result


def result_bytes(execution: Execution) -> bytes:
    """Return the canonical bytes of a result."""
    return canonical_bytes(succeeded(execution))


def require(condition: bool, what: str) -> None:
    """Raise `AssertionError` unless `condition` holds."""
    if not condition:
        raise AssertionError(what)


def require_equal(came: Execution, expected: Execution) -> None:
    """Raise `AssertionError` unless a call ended as expected."""
    require(came == expected, f"expected {expected}, got {came}")


def require_broke(came: Execution, kind: str, *, lost: bool | None = None) -> None:
    """Raise `AssertionError` unless a call broke in this way."""
    right = isinstance(came, Broke) and came.kind == kind and lost in (None, came.session_lost)
    require(right, f"expected {kind!r} with session_lost={lost}, got {came}")
