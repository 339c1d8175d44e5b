"""Small programs for the sandbox's tests."""

import json
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from astra_arena.sandbox import Limits, ProcessSandbox, ProcessSession, Program

CLOCK = "2025-01-01T00:00:00Z"


def program_of(
    folder: Path,
    code: str,
    *,
    kind: Literal["sqlite", "json", "python"] = "sqlite",
    requires: tuple[str, ...] = (),
    limits: Limits | None = None,
    digest: str = "sha256:test",
) -> Program:
    """A program whose tools are the functions of `code`; its database has a table `thing`."""
    world = folder / f"world-{kind}"
    if not world.exists() and kind == "sqlite":
        connection = sqlite3.connect(world)
        with connection:
            connection.execute("CREATE TABLE thing(name TEXT)")
        connection.close()
    elif not world.exists():
        world.write_text(json.dumps({"things": []}), encoding="utf-8")
    lines = (line for line in code.splitlines() if line.startswith("def "))
    return Program(
        digest=digest,
        tools_py=code.encode("utf-8"),
        tool_names=tuple(line[4 : line.index("(")] for line in lines),
        world_kind=kind,
        world_path=world,
        clock=CLOCK,
        requires=requires,
        limits=limits or Limits(),
    )


@asynccontextmanager
async def session_of(
    folder: Path, code: str, *, limits: Limits | None = None
) -> AsyncGenerator[ProcessSession]:
    """A session of a sandbox of its own, whose tool code may import what there is."""
    async with ProcessSandbox(import_policy="any") as sandbox:
        yield await sandbox.open_session(program_of(folder, code, limits=limits), seed=1)
