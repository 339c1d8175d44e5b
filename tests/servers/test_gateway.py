"""External MCP servers as environments: real servers, real processes."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from astra_arena.core.errors import PolicyError, SettingsError
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, Source, open_episode, write_suite
from astra_arena.servers.gateway.allowing import with_external
from astra_arena.servers.gateway.wrapping import Wrapping, unlisted, wrap_server
from tests.servers.processes import descendants, wait_until_gone
from tests.servers.small_bundle import NAME as LIBRARY
from tests.support.requirement import requirement

NOTES = "notes"
SERVER = Path(__file__).with_name("notes_server.py")


def _turn(say: str) -> Turn:
    return Turn(say=say, expect=Expectation(kind="act"))


def _task() -> Task:
    return Task(
        id="city",
        environments=("sha256:unbound",),
        budget=Budget(calls=20),
        turns=(_turn("What does the note hillside-city say?"),),
        sub_questions=(
            SubQuestion(
                id="q1",
                question="What does it say?",
                environment=NOTES,
                tool="get_note",
                arguments={"title": "hillside-city"},
                answer=Answer(path="/text", kind="text", value="Wuppertal"),
            ),
        ),
    )


async def _wrapped(folder: Path) -> Bundle:
    world = unlisted({"stdio": {"command": [sys.executable, str(SERVER)]}, "state": "connection"})
    return await wrap_server(folder / NOTES, world, Wrapping(name=NOTES), tasks=(_task(),))


@asynccontextmanager
async def _playing(source: Source, task: str) -> AsyncGenerator[Episode]:
    sandbox = with_external(ProcessSandbox(), [source], [NOTES])
    try:
        episode = await open_episode(source, source.task(task), sandbox)
        yield episode
        await episode.close()
    finally:
        await sandbox.close()


@requirement("gateway:wrap")
async def test_a_server_becomes_an_environment_whose_episode_is_scored(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)

    async with _playing(bundle, "city") as episode:
        listed = await episode.call("listing", {})
        added = await episode.call("add_note", {"title": "x", "text": "y"})
        refused = await episode.call("get_note", {"title": "none"})
        told = await episode.call("get_note", {"title": "hillside-city"})

    assert [tool.name for tool in bundle.environment.tools] == [
        "get_note",
        "add_note",
        "crash",
        "listing",
    ]
    assert listed.structured == {
        "content": [{"type": "json", "json": {"titles": ["hillside-city"]}}]
    }
    assert added.structured == {"count": 2}
    assert refused.is_error
    assert refused.text == "Error executing tool get_note"
    assert told.structured == {"title": "hillside-city", "text": "Wuppertal"}
    assert episode.record().tier == "external"
    assert episode.verdict().solved


@requirement("gateway:no-void")
async def test_calls_that_kill_the_server_void_no_episode_and_lose_no_state(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)

    async with _playing(bundle, "city") as episode:
        await episode.call("add_note", {"title": "kept", "text": "still here"})
        crashes = [await episode.call("crash", {}) for _ in range(3)]
        kept = await episode.call("get_note", {"title": "kept"})

    assert all(crash.is_error and crash.text == "the tool failed" for crash in crashes)
    assert kept.structured == {"title": "kept", "text": "still here"}
    assert episode.void is None
    assert episode.record().defects == 3


@requirement("gateway:no-void")
async def test_a_server_that_does_not_come_back_is_a_defect_and_no_void(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    world = bundle.path / "world.json"

    async with _playing(bundle, "city") as episode:
        told = await episode.call("get_note", {"title": "hillside-city"})
        world.rename(tmp_path / "moved.json")
        lost = [await episode.call(tool, {}) for tool in ("crash", "listing", "listing")]

    assert not told.is_error
    assert [one.text for one in lost] == ["the tool failed"] * 3
    assert episode.void is None
    assert episode.verdict().solved


@requirement("gateway:allowed")
async def test_nothing_is_started_that_was_not_allowed(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)

    with pytest.raises(SettingsError, match="--allow-external notes"):
        with_external(ProcessSandbox(), [bundle], [])
    async with ProcessSandbox() as sandbox:
        with pytest.raises(PolicyError, match="--allow-external"):
            await open_episode(bundle, bundle.task("city"), sandbox)


@requirement("gateway:joint")
async def test_one_task_is_about_a_synthesized_and_an_external_environment(
    tmp_path: Path, bundle: Bundle
) -> None:
    notes = await _wrapped(tmp_path)
    library = SubQuestion(
        id="q0",
        question="Which branches are there?",
        environment=LIBRARY,
        tool="list_branches",
        arguments={"limit": 10},
        answer=Answer(path="/rows/1/city", kind="text", value="Wuppertal"),
    )
    both = (bundle.digests.environment, notes.digests.environment)
    task = _task().model_copy(
        update={"environments": both, "sub_questions": (library, *_task().sub_questions)}
    )
    suite = write_suite(
        tmp_path / "both", name="both", title="Both", members=(bundle, notes), tasks=(task,)
    )

    async with _playing(suite, "city") as episode:
        await episode.call(f"{LIBRARY}__list_branches", {"limit": 10})
        await episode.call(f"{NOTES}__get_note", {"title": "hillside-city"})

    assert episode.verdict().reward == 1.0
    assert episode.record().tier.startswith("external+")


@requirement("gateway:wrap")
async def test_no_process_is_left_when_the_episode_ends(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    before = descendants(os.getpid())

    async with _playing(bundle, "city") as episode:
        await episode.call("listing", {})
        during = descendants(os.getpid()) - before

    assert during
    assert wait_until_gone(during) == set()
