"""Recorded episodes of an external server, played again without it."""

import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.cli import run
from astra_arena.core.errors import RecordError, SettingsError
from astra_arena.core.rollouts import EpisodeRecord, Failure, Rollout
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, open_episode
from astra_arena.servers.gateway.allowing import with_external
from astra_arena.servers.gateway.record_files import read_episodes
from astra_arena.servers.gateway.replaying import write_replay
from astra_arena.servers.gateway.wrapping import Wrapping, unlisted, wrap_server
from tests.support.requirement import requirement

NOTES = "notes"
SERVER = Path(__file__).with_name("notes_server.py")
CITY: JsonObject = {"title": "hillside-city"}
MOVED: JsonObject = {"title": "hillside-city", "text": "Bonn"}
Calls = Sequence[tuple[str, JsonObject]]
GOLD: Calls = [("get_note", CITY), ("add_note", MOVED), ("get_note", CITY)]


def _question(
    name: str, tool: str, arguments: JsonObject, path: str, value: str | int, *parents: str
) -> SubQuestion:
    kind = "number" if isinstance(value, int) else "text"
    return SubQuestion(
        id=name,
        question="?",
        environment=NOTES,
        tool=tool,
        arguments=arguments,
        depends_on=parents,
        answer=Answer(path=path, kind=kind, value=value),
    )


def _task(name: str, *questions: SubQuestion) -> Task:
    return Task(
        id=name,
        environments=("sha256:unbound",),
        budget=Budget(calls=20),
        turns=(Turn(say="Go on.", expect=Expectation(kind="act")),),
        sub_questions=questions,
    )


def _tasks() -> tuple[Task, ...]:
    before = _question("before", "get_note", CITY, "/text", "Wuppertal")
    moved = _question("moved", "add_note", MOVED, "/count", 1, "before")
    after = _question("after", "get_note", CITY, "/text", "Bonn", "moved")
    other = _question("other", "get_note", {"title": "attic"}, "/text", "dusty")
    return _task("move", before, moved, after), _task("never-played", other)


async def _wrapped(folder: Path) -> Bundle:
    world = unlisted({"stdio": {"command": [sys.executable, str(SERVER)]}, "state": "connection"})
    return await wrap_server(folder / NOTES, world, Wrapping(name=NOTES), tasks=_tasks())


@asynccontextmanager
async def _playing(bundle: Bundle) -> AsyncGenerator[Episode]:
    external = bundle.environment.world.kind == "external"
    sandbox = with_external(ProcessSandbox(), [bundle], [NOTES] if external else [])
    try:
        episode = await open_episode(bundle, bundle.task("move"), sandbox)
        yield episode
        await episode.close()
    finally:
        await sandbox.close()


async def _played(bundle: Bundle, calls: Calls) -> Episode:
    async with _playing(bundle) as episode:
        for tool, arguments in calls:
            await episode.call(tool, arguments)
    return episode


def _told(episode: Episode) -> list[JsonObject]:
    """What an agent got, call by call."""
    return [
        {"tool": c.tool, "outcome": c.outcome, "result": c.result, "message": c.message}
        for c in episode.record().calls
    ]


def _saved(path: Path, record: EpisodeRecord) -> Path:
    path.write_bytes(canonical_bytes(record.to_json()))
    return path


@requirement("gateway:replay")
async def test_the_same_calls_offline_bring_the_same_replies_and_the_same_verdict(
    tmp_path: Path,
) -> None:
    calls: Calls = [*GOLD, ("get_note", {"title": "none"}), ("listing", {})]
    bundle = await _wrapped(tmp_path)
    live = await _played(bundle, calls)
    replay = write_replay(tmp_path / "offline", bundle, [live.record()])

    offline = await _played(replay.bundle, calls)

    assert _told(offline) == _told(live)
    assert live.record().calls[2].result == {"title": "hillside-city", "text": "Bonn"}
    assert offline.verdict() == live.verdict()
    assert offline.verdict().component("collateral") is not None
    assert offline.verdict().component("f1") is not None
    assert not offline.record().tier.startswith("external")


@requirement("gateway:replay")
async def test_the_gold_alone_is_solved_offline_as_it_is_live(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    live = await _played(bundle, GOLD)
    replay = write_replay(tmp_path / "offline", bundle, [live.record()])

    offline = await _played(replay.bundle, GOLD)

    assert offline.verdict() == live.verdict()
    assert offline.verdict().solved


@requirement("gateway:replay")
async def test_what_was_not_recorded_is_refused_unless_all_replies_agree(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    live = await _played(bundle, [*GOLD, ("get_note", {"title": "none"})])
    replay = write_replay(tmp_path / "offline", bundle, [live.record()])

    async with _playing(replay.bundle) as episode:
        await episode.call("add_note", MOVED)
        moved = await episode.call("get_note", CITY)
        await episode.call("add_note", MOVED)
        torn = await episode.call("get_note", CITY)
        steady = await episode.call("get_note", {"title": "none"})
        unknown = await episode.call("get_note", {"title": "attic"})

    assert moved.structured == {"title": "hillside-city", "text": "Bonn"}
    assert torn.is_error
    assert torn.text == unknown.text == "this call was not recorded"
    assert steady.text == "Error executing tool get_note"


@requirement("gateway:replay")
async def test_tasks_whose_gold_was_not_played_are_left_out_with_the_reason(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    live = await _played(bundle, GOLD)

    replay = write_replay(tmp_path / "offline", bundle, [live.record()])

    assert [task.id for task in replay.bundle.tasks] == ["move"]
    assert replay.left_out == {"never-played": "the gold call of 'other' was not recorded"}
    assert replay.bundle.environment.tools == bundle.environment.tools
    assert replay.bundle.name == bundle.name
    assert replay.bundle.environment.provenance["environment"] == bundle.digests.environment


@requirement("gateway:replay")
async def test_equal_records_in_any_file_and_order_make_equal_bytes(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    one = (await _played(bundle, GOLD)).record()
    two = (await _played(bundle, [("listing", {})])).record()
    rollouts = tmp_path / "rollouts.jsonl"
    rollouts.write_bytes(
        b"".join(canonical_bytes(_rollout(r).to_json()) + b"\n" for r in (one, two))
    )
    head, *calls = one.model_copy(update={"calls": ()}).to_json(), *(c.to_json() for c in one.calls)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b"".join(canonical_bytes(line) + b"\n" for line in (head, *calls)))
    pretty = tmp_path / "record.json"
    pretty.write_text(json.dumps(two.to_json(), indent=2))
    ways = [[rollouts], [pretty, journal], [_saved(tmp_path / "1.json", one), pretty, rollouts]]

    made = [
        write_replay(tmp_path / f"offline-{n}", bundle, read_episodes(files)).bundle
        for n, files in enumerate(ways)
    ]

    contents = [{f.name: f.read_bytes() for f in one.path.iterdir()} for one in made]
    assert contents[0] == contents[1] == contents[2]


def _rollout(record: EpisodeRecord) -> Rollout:
    return Rollout(
        format_version=1,
        id="x",
        agent="hand",
        transport="memory",
        episode=record,
        ended="void",
        failure=Failure(boundary="agent", message="not scored"),
    )


@requirement("gateway:replay")
async def test_records_of_something_else_and_bundles_of_code_are_refused(
    tmp_path: Path, bundle: Bundle
) -> None:
    notes = await _wrapped(tmp_path)
    record = (await _played(notes, GOLD)).record()
    other = record.model_copy(update={"environment_digest": "sha256:other"})

    with pytest.raises(RecordError, match="name the bundle that was played"):
        write_replay(tmp_path / "offline", notes, [other])
    with pytest.raises(RecordError, match="hold no call"):
        write_replay(tmp_path / "offline", notes, [record.model_copy(update={"calls": ()})])
    with pytest.raises(SettingsError, match="write the replay elsewhere"):
        write_replay(notes.path, notes, [record])
    with pytest.raises(SettingsError, match="wraps no external server"):
        write_replay(tmp_path / "offline", bundle, [record])
    assert not (tmp_path / "offline").exists()


@requirement("gateway:replay")
async def test_the_command_makes_a_replay_and_lists_what_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = await _wrapped(tmp_path)
    record = _saved(tmp_path / "record.json", (await _played(bundle, GOLD)).record())
    out = tmp_path / "offline"

    code = run(["gateway", "replay", str(record), "--bundle", str(bundle.path), "--out", str(out)])

    assert code == 0
    assert "never-played: the gold call of 'other' was not recorded" in capsys.readouterr().out
    assert run(["inspect", str(out)]) == 0
