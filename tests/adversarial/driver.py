"""Runs one category of attacks at one tier and says what became of each, as JSON on stdout.

`python -m tests.adversarial.driver CATEGORY TIER [NAME...]`, as whatever user is to be tried.
"""

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
from pathlib import Path

from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox import (
    Execution,
    Failed,
    Limits,
    ProcessSandbox,
    ProcessSession,
    Program,
    Succeeded,
)
from astra_arena.sandbox.tiers import base_interpreter, chosen_tier
from tests.adversarial.catalogue import CATEGORIES, MARK, Category, tool_code

LIMITS = Limits(
    call_seconds=4.0, cpu_seconds=0.5, memory_mib=64, reply_bytes=100_000, sql_steps=5_000_000
)
SHORT_LIMITS = Limits(
    call_seconds=2.0, cpu_seconds=0.2, memory_mib=64, reply_bytes=100_000, sql_steps=1_000_000
)
"""For attacks that use up whatever there is."""
BRANCHES = " with live branches"
"""At the end of a tier: its sessions may be branched by a fork."""
COUNT = Succeeded({"count": 1})


def program_in(
    folder: Path, name: str, code: str, tools: tuple[str, ...], limits: Limits = LIMITS
) -> Program:
    """A program over a table with one row."""
    path = folder / f"{name}.sqlite"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE thing(name TEXT)")
        text = f"another world holds {MARK}" if name == "other" else "ours"
        connection.execute("INSERT INTO thing VALUES (?)", (text,))
    connection.close()
    return Program(
        digest=f"sha256:{name}",
        tools_py=code.encode("utf-8"),
        tool_names=tools,
        world_kind="sqlite",
        world_path=path,
        clock="2025-01-01T00:00:00Z",
        limits=limits,
    )


def ending_of(execution: Execution) -> tuple[str, str]:
    """Return in a word what became of an attack, and the details."""
    if isinstance(execution, Succeeded):
        got = execution.result.get("got")
        return ("succeeded" if got else "held"), repr(execution.result)[:300]
    if isinstance(execution, Failed):
        return "held", f"refused: {execution.message[:100]}"
    ending = "dies" if execution.session_lost else "held"
    return ending, f"{execution.kind}: {execution.detail[:200]}"


def _later(execution: Execution, again: Execution) -> str:
    if again == COUNT:
        return "held"
    if ending_of(again)[0] == "dies":
        return "dies"
    return "lies" if isinstance(execution, Succeeded) else "left a trace"


async def branches_well(session: ProcessSession) -> bool:
    """Tell whether a branch of an attacked session works, and the session after it."""
    branch = await session.branch()
    if branch is None:
        return False
    replies = [await branch.call("count", {}), await session.call("count", {})]
    await branch.close()
    return replies == [COUNT, COUNT]


async def attacks(
    folder: Path, category: Category, tier: str, names: tuple[str, ...]
) -> dict[str, list[str]]:
    """Run attacks, each in a session of its own, and look after its neighbours."""
    told: dict[str, list[str]] = {}
    code = tool_code(category, os.uname().machine)
    layers = tier.removesuffix(BRANCHES)
    live = tier.endswith(BRANCHES)
    async with ProcessSandbox(tier=layers, import_policy="any", live_branches=live) as sandbox:
        limits = SHORT_LIMITS if category == CATEGORIES["exhaustion"] else LIMITS
        program = program_in(folder, "ours", code, (*category.names, "count"), limits)
        other = program_in(folder, "other", "def count(db): return {'count': 1}\n", ("count",))
        neighbours = [await sandbox.open_session(one, seed=1) for one in (program, other)]
        for name in names:
            session = await sandbox.open_session(program, seed=1)
            execution = await session.call(name, {})
            ending, detail = ending_of(execution)
            if ending == "held":
                # An attack may have been laid for later.
                again = await session.call("count", {})
                detail += f"; then {again}"
                ending = _later(execution, again)
            if ending == "held" and live and not await branches_well(session):
                ending = "spoilt a branch"
            for neighbour in neighbours:
                if await neighbour.call("count", {}) != COUNT:
                    ending = "harmed a neighbour"
            await session.close()
            told[name] = [ending, detail]
    return told


def main() -> None:
    """Run the command line."""
    category = CATEGORIES[sys.argv[1]]
    # What a host knows and a session must not.
    os.environ["ARENA_TOKEN"] = MARK
    with tempfile.TemporaryDirectory() as folder:
        names = tuple(sys.argv[3:]) or category.names
        try:
            _ = chosen_tier(base_interpreter(), exactly=sys.argv[2].removesuffix(BRANCHES))
        except SandboxUnavailableError as error:
            print(json.dumps({"unavailable": error.message}))
            return
        told = asyncio.run(attacks(Path(folder), category, sys.argv[2], names))
        print(json.dumps({"endings": told}))


if __name__ == "__main__":
    main()
