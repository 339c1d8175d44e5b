"""Running the servers as the main thing of a process: the event loop, exit codes, messages."""

import asyncio
import gc
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import ArenaError, SandboxUnavailableError
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.agent_plane.stdio import serve_stdio
from astra_arena.servers.logs import log_libraries_in_lines


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end on the fast event loop."""
    # What is loaded by now stays: traversing it again and again is what most of a collection costs.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    log_libraries_in_lines()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def run_stdio(
    bundle_path: Path,
    task_id: str,
    *,
    seed: int = 0,
    journal_dir: Path | None = None,
    sandbox: Sandbox | None = None,
    terms: EpisodeTerms = NO_TERMS,
    beside: Sequence[Path] = (),
) -> int:
    """Serve one episode over stdin and stdout and return the exit code."""
    try:
        run_loop(
            serve_stdio(
                bundle_path,
                task_id,
                seed=seed,
                journal_dir=journal_dir,
                sandbox=sandbox,
                terms=terms,
                beside=beside,
            )
        )
    except ArenaError as error:
        print(f"arena: {error.message}", file=sys.stderr)
        return 1 if isinstance(error, SandboxUnavailableError) else 2
    return 0
