"""An ordinary bundle out of the record of an external server: it answers as the server did.

Nothing of the server is needed any more, so what was played on it can be played again offline, in
the sandbox, with the same bytes each time.
"""

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject, digest_of
from astra_arena.core.environment import World
from astra_arena.core.errors import RecordError, SettingsError
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import FinalState, Task
from astra_arena.servers.bundles.bundle import Bundle, write_bundle
from astra_arena.servers.gateway.recorded_gold import why_not_recorded
from astra_arena.servers.gateway.recording import NO_HISTORY, Recording
from astra_arena.servers.gateway.replay_code import replay_code

GENERATOR = "arena gateway replay"

BOOKKEEPING = "/tables/writes"
"""Where the state difference of a replay tells of writes that were made. What they changed is not
known, at the server as here, so tasks ignore it."""

_SCHEMA = """
CREATE TABLE recorded (
    tool TEXT NOT NULL,
    asked TEXT NOT NULL,
    history TEXT NOT NULL,
    failed INTEGER NOT NULL,
    reply TEXT NOT NULL,
    steady INTEGER NOT NULL,
    PRIMARY KEY (tool, asked, history)
);
CREATE TABLE writes (id INTEGER PRIMARY KEY, history TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of a record."""

    bundle: Bundle
    calls: int
    unsteady: int
    """Calls that ended in several ways after the same writes; the replay knows one."""
    left_out: dict[str, str]
    """The tasks that it cannot have, each with the reason."""


def write_replay(path: Path, live: Bundle, episodes: Sequence[EpisodeRecord]) -> Replay:
    """Write a bundle that answers as an external server did; equal inputs, equal bytes.

    Args:
        path: The bundle's folder; a bundle that is there already is replaced.
        live: The bundle that wraps the server.
        episodes: What was played on it.

    Raises:
        SettingsError: if the bundle wraps no external server, is an agent-side one, or would be
            replaced.
        RecordError: if an episode was played on something else, or none holds a call.
        SpecError: if a tool has a name that no function can have.
        BundleError: if the bundle cannot be written.
    """
    _require_fitting(path, live, episodes)
    recording = Recording(live.name, episodes)
    if not recording.calls:
        raise RecordError(
            f"the records hold no call that {live.name!r} answered; let an agent play first, with "
            "`arena rollout` or any other client"
        )
    tasks: list[Task] = []
    left_out: dict[str, str] = {}
    for task in live.tasks:
        reason = why_not_recorded(task, live.environment, recording)
        if reason is None:
            tasks.append(_carried(task, live))
        else:
            left_out[task.id] = reason
    unsteady = sum(not call.steady for call in recording.calls)
    done: JsonObject = {
        "calls": len(recording.calls),
        "unsteady": unsteady,
        "left_out": dict[str, Json](left_out),
    }
    clock = live.environment.world.clock
    environment = live.environment.model_copy(
        update={
            "world": World(kind="sqlite", file="world.sqlite", clock=clock),
            "provenance": {**_made_from(live, episodes), **done},
            "digests": None,
        }
    )
    with tempfile.TemporaryDirectory(prefix="arena-replay-") as folder:
        world = Path(folder) / "world.sqlite"
        _write_world(world, recording)
        bundle = write_bundle(
            path,
            environment,
            tools_py=replay_code(environment.tools),
            world=world,
            tasks=tuple(tasks),
        )
    return Replay(bundle, len(recording.calls), unsteady, left_out)


def _made_from(live: Bundle, episodes: Sequence[EpisodeRecord]) -> JsonObject:
    return {
        "generator": GENERATOR,
        "environment": live.digests.environment,
        "tasks": live.digests.tasks,
        "episodes": len(episodes),
        "records": digest_of([digest_of(episode.to_json()) for episode in episodes]),
        "wrapped": live.environment.provenance,
    }


def _require_fitting(path: Path, live: Bundle, episodes: Sequence[EpisodeRecord]) -> None:
    if path.resolve() == live.path.resolve():
        raise SettingsError(f"{path} is the bundle that was played; write the replay elsewhere")
    if live.environment.world.kind != "external":
        raise SettingsError(
            f"{live.path} wraps no external server: it can be played offline as it is"
        )
    if not live.holds_gold:
        raise SettingsError(f"{live.path} holds no gold; make the replay from the full bundle")
    for episode in episodes:
        if episode.environment_digest != live.digests.environment:
            raise RecordError(
                f"a record is of {episode.environment!r}, {episode.environment_digest}, but the "
                f"bundle at {live.path} is {live.name!r}, {live.digests.environment}; name the "
                "bundle that was played"
            )


def _carried(task: Task, live: Bundle) -> Task:
    """Return the task for the replay, where a write shows in the bookkeeping."""
    if all(tool.read_only for tool in live.environment.tools):
        return task
    wanted = task.final_state or FinalState()
    ignored = (*wanted.ignored_paths, BOOKKEEPING)
    state = wanted.model_copy(update={"ignored_paths": ignored})
    return task.model_copy(update={"final_state": state})


def _write_world(file: Path, recording: Recording) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(_SCHEMA)
        database.execute("INSERT INTO writes VALUES (1, ?)", (NO_HISTORY,))
        database.executemany(
            "INSERT INTO recorded VALUES (?, ?, ?, ?, ?, ?)",
            [
                (c.tool, c.asked, c.history, int(c.failed), c.reply, int(c.steady))
                for c in recording.calls
            ],
        )
