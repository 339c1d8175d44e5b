"""Episodes over stdio: one server process for each, its verdict computed here from its journal.

The server sees a scrubbed environment. It journals every call before it replies, so the record is
whole whenever and however the process ends.
"""

import json
import os
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp import StdioServerParameters

from astra_arena.client.control_models import ClosedEpisode, TaskCard
from astra_arena.client.mcp_session import open_stdio_session
from astra_arena.client.rescore import score_record
from astra_arena.client.venue import Hosted, Play, Stage, VenueCard
from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import BundleError, ConnectionLostError, RecordError
from astra_arena.core.rollouts import Transport
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.external_world import world_of
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.emission.emit import LAUNCHER
from astra_arena.servers.episodes.journal import read_journal
from astra_arena.servers.gateway.permission import external_members

STDERR_CHARS = 500


class StdioVenue:
    """Plays a bundle's tasks, each in a server process of its own.

    Args:
        bundle: The bundle or suite, with its gold: verdicts are computed here.
        python: The interpreter that runs the servers.
        journals: Where journals are kept; when absent they go with the episode.
        beside: Folders of bundles whose tools may be mixed in.
        allow_external: Environments whose external servers may be started or reached.
    """

    transport: Transport = "stdio"

    def __init__(
        self,
        bundle: Source,
        *,
        python: str = sys.executable,
        journals: Path | None = None,
        beside: Sequence[Path] = (),
        allow_external: Sequence[str] = (),
    ) -> None:
        if bundle.digests.tasks is None:
            raise BundleError(
                f"{bundle.path} holds no gold, so nothing played on it here could be scored; "
                "use the full bundle, or serve it and play over HTTP"
            )
        self._bundle = bundle
        self._python = python
        self._journals = journals
        self._beside = tuple(beside)
        self._allowed = tuple(allow_external)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def card(self) -> VenueCard:
        """Name the environment that is played here."""
        digests = self._bundle.digests
        # What confines the tools is known by each server process; its journal says so.
        return VenueCard(self._bundle.name, digests.environment, digests.tasks or "", "unknown")

    async def tasks(self) -> tuple[TaskCard, ...]:
        """List the tasks, without their gold."""
        return tuple(
            TaskCard(
                id=task.id,
                prompt=task.prompt,
                split=task.split,
                variant=task.variant,
                budget=task.budget,
                difficulty=task.difficulty,
                needs_reply=task.needs_reply,
            )
            for task in self._bundle.tasks
        )

    async def host(
        self,
        task_id: str,
        play: Play,
        *,
        seed: int,
        variant: str,
        terms: EpisodeTerms = NO_TERMS,
    ) -> Hosted:
        """Start a server for one episode, let it be played, stop it and read its journal."""
        del variant
        task = self._bundle.task(task_id)
        with self._folder() as folder, (folder / "stderr.txt").open("w+", encoding="utf-8") as err:
            lost: ConnectionLostError | None = None
            try:
                server = self._server(task, seed, folder, terms)
                async with open_stdio_session(server, errlog=err) as session:
                    tools = await session.list_tools()
                    record = read_journal(next(folder.glob("*.jsonl")))
                    names = {} if record.mixed is None else record.mixed.names
                    stage = Stage(
                        task.prompt,
                        record.budget or task.budget,
                        tools,
                        session,
                        task.needs_reply,
                        {old: new for new, old in names.items()},
                    )
                    await play(stage)
            except ConnectionLostError as error:
                lost = error
            return Hosted(self._closed(folder, lost), lost)

    def _server(
        self, task: Task, seed: int, folder: Path, terms: EpisodeTerms
    ) -> StdioServerParameters:
        path = self._bundle.path.resolve()
        bound = ["--task", task.id, "--seed", str(seed), "--journal", str(folder.resolve())]
        if terms.budget is not None:
            bound += ["--budget", json.dumps(terms.budget.to_json())]
        if terms.mixing is not None:
            bound += ["--mixing", json.dumps(terms.mixing.to_json())]
        for one in self._beside:
            bound += ["--beside", str(one.resolve())]
        for name in self._allowed:
            bound += ["--allow-external", name]
        # A folder's own launcher plays tasks on their own terms.
        if (path / LAUNCHER).is_file() and terms == NO_TERMS and not self._allowed:
            return StdioServerParameters(command=self._python, args=[LAUNCHER, *bound], cwd=path)
        serve = ["-m", "astra_arena.servers", "serve", str(path), "--stdio"]
        return StdioServerParameters(
            command=self._python, args=[*serve, *bound], env=self._variables()
        )

    def _variables(self) -> dict[str, str]:
        """Return the variables that allowed external servers need; nothing else is passed on."""
        worlds = [
            world_of(member)
            for member in external_members([self._bundle])
            if member.name in self._allowed
        ]
        return {
            name: os.environ[name]
            for world in worlds
            for name in world.variables
            if name in os.environ
        }

    @contextmanager
    def _folder(self) -> Generator[Path]:
        """Make a folder for one episode's journal, of which there is then exactly one in it."""
        if self._journals is not None:
            self._journals.mkdir(parents=True, exist_ok=True)
            yield Path(tempfile.mkdtemp(prefix="episode-", dir=self._journals))
            return
        with tempfile.TemporaryDirectory(prefix="arena-episode-") as folder:
            yield Path(folder)

    def _closed(self, folder: Path, lost: ConnectionLostError | None) -> ClosedEpisode:
        journals = list(folder.glob("*.jsonl"))
        if len(journals) != 1:
            said = (folder / "stderr.txt").read_text(encoding="utf-8", errors="replace").strip()
            detail = said[-STDERR_CHARS:] or (lost.message if lost else "it said nothing")
            raise ConnectionLostError(f"the server process did not open an episode: {detail}")
        try:
            record = read_journal(journals[0])
        except RecordError as error:
            raise ConnectionLostError(error.message) from None
        return ClosedEpisode(record=record, verdict=score_record(record, self._bundle))
