"""One process, one episode, over stdin and stdout.

Clients kill such servers without warning and may leave their ends of the pipes open elsewhere, so
the end is noticed in three ways: stdin ends, the parent process goes, or a signal arrives.
"""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import RecordError, SandboxUnavailableError
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Limits, Sandbox
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.remote_sandbox import RemoteSandbox
from astra_arena.servers.agent_plane.mcp_app import build_mcp_server
from astra_arena.servers.agent_plane.pipes import run_over_stdio
from astra_arena.servers.agent_plane.unreadable import UNKNOWN_TOOL
from astra_arena.servers.bundles.suite import Source, load_source, members_of
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.journal import Journal
from astra_arena.servers.episodes.members import bundles_in_use, compiled_members
from astra_arena.servers.episodes.mixing import (
    DistractorPool,
    mixed_tools,
    played_task,
    with_terms,
)
from astra_arena.servers.episodes.opening import open_episode
from astra_arena.servers.episodes.records import empty_record, tier_of
from astra_arena.servers.gateway.routing_sandbox import RoutingSandbox

_PARENT_CHECK_SECONDS = 0.5


async def serve_stdio(
    path: Path,
    task_id: str,
    *,
    seed: int = 0,
    journal_dir: Path | None = None,
    sandbox: Sandbox | None = None,
    limits: Limits | None = None,
    terms: EpisodeTerms = NO_TERMS,
    beside: Sequence[Path] = (),
) -> None:
    """Serve one episode over stdin and stdout until the client goes.

    Args:
        path: The folder of a bundle or a suite.
        task_id: The task; its prompt becomes the server's instructions.
        seed: Keys the random streams of the session.
        journal_dir: Where the episode's journal is written; without one its verdict is lost.
        sandbox: Runs the tool code; a `ProcessSandbox` when absent.
        limits: What the session may use.
        terms: What the episode is opened with in place of the task's own.
        beside: Bundles and suites whose tools may be mixed in.

    Raises:
        BundleError: if the bundle cannot be read.
        SpecError: if the task cannot be played so.
        UnknownTaskError: if it has no such task.
        SandboxUnavailableError: if no session can be started; the journal then says so.
    """
    # Taken first: whoever starts this process may be gone before the bundle is read.
    parent = os.getppid()
    source = load_source(path)
    task = source.task(task_id)
    opening = _Opening(
        source, task, seed, terms, DistractorPool.of(load_source(one) for one in beside)
    )
    sandbox = sandbox or ProcessSandbox()
    if isinstance(sandbox, RemoteSandbox | RoutingSandbox):
        # The record names the tier. Without a worker the episode is void, which is recorded below.
        with suppress(SandboxUnavailableError):
            await sandbox.connect()
    try:
        async with _journaled_episode(opening, sandbox, journal_dir, limits) as episode:
            server = build_mcp_server(source, lambda _: episode, instructions=task.prompt)

            async def charge(note: str) -> None:
                await episode.refuse(UNKNOWN_TOOL, note, "the request cannot be read")

            await _until_over(asyncio.create_task(run_over_stdio(server, charge)), parent)
    finally:
        await sandbox.close()


@dataclass(frozen=True, slots=True)
class _Opening:
    """Which episode to open."""

    source: Source
    task: Task
    seed: int
    terms: EpisodeTerms
    pool: DistractorPool

    def header(self, tier: str) -> EpisodeRecord:
        """Return the record of the episode before anything has happened in it."""
        played = played_task(self.task, budget=self.terms.budget, mixing=self.terms.mixing)
        bundles = {**self.pool.bundles, **{one.name: one for one in members_of(self.source)}}
        members = bundles_in_use(self.source, self.task)
        mixed = mixed_tools(played, members, bundles, seed=self.seed)
        empty = empty_record(self.source, self.task, seed=self.seed, tier=tier)
        return with_terms(empty, self.task, played, None if mixed is None else mixed[1])

    async def open(self, sandbox: Sandbox, limits: Limits | None) -> Episode:
        """Open it."""
        return await open_episode(
            self.source,
            self.task,
            sandbox,
            seed=self.seed,
            members=compiled_members(self.source, limits=limits),
            budget=self.terms.budget,
            mixing=self.terms.mixing,
            pool=self.pool,
        )


@asynccontextmanager
async def _journaled_episode(
    opening: _Opening, sandbox: Sandbox, journal_dir: Path | None, limits: Limits | None
) -> AsyncGenerator[Episode]:
    header = opening.header(tier_of(opening.source, opening.task, sandbox.tier))
    identifier = secrets.token_urlsafe(24)
    journal = None if journal_dir is None else Journal(journal_dir, identifier, header)
    try:
        episode = await opening.open(sandbox, limits)
    except SandboxUnavailableError as error:
        if journal is not None:
            journal.add_void(Failure(boundary=error.boundary, message=error.message))
            journal.close("the sandbox could not be started")
        raise
    if journal is not None:
        episode.on_record, episode.on_void = journal.add_call, journal.add_void
    try:
        yield episode
    finally:
        await episode.abort()
        if journal is not None:
            # The disk may be what failed; the calls that were answered are in the journal already.
            with suppress(RecordError):
                journal.close("the client went")


async def _until_over(serving: asyncio.Task[None], parent: int) -> None:
    """Return when the client closed stdin, its process went or a signal arrived."""
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(name, signalled.set)
    others = (
        asyncio.create_task(signalled.wait()),
        asyncio.create_task(_parent_gone(parent)),
    )
    await asyncio.wait((serving, *others), return_when=asyncio.FIRST_COMPLETED)
    for task in (serving, *others):
        task.cancel()
    results = await asyncio.gather(serving, *others, return_exceptions=True)
    failure = results[0]
    if isinstance(failure, Exception):
        print(f"arena: the connection failed: {failure}", file=sys.stderr)


async def _parent_gone(parent: int) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_CHECK_SECONDS)
