"""Faults, delays and mixings on tools of external servers."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.faults import FaultKind, FaultPlan
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.core.tool_mixing import Latency, ToolMixing
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, open_episode, write_suite
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.gateway.allowing import with_external
from astra_arena.servers.gateway.replaying import write_replay
from astra_arena.servers.gateway.wrapping import Wrapping, unlisted, wrap_server
from tests.servers.small_bundle import NAME as LIBRARY
from tests.support.requirement import requirement

NOTES = "notes"
SERVER = Path(__file__).with_name("notes_server.py")
CITY: JsonObject = {"title": "hillside-city"}
KINDS: tuple[FaultKind, ...] = ("timeout", "unavailable", "rate_limit")
TOLD = {"title": "hillside-city", "text": "Wuppertal"}


def _question(environment: str, tool: str, arguments: JsonObject, path: str) -> SubQuestion:
    return SubQuestion(
        id=environment,
        question="?",
        environment=environment,
        tool=tool,
        arguments=arguments,
        answer=Answer(path=path, kind="text", value="Wuppertal"),
    )


def _task(*questions: SubQuestion) -> Task:
    return Task(
        id="city",
        environments=("sha256:unbound",),
        budget=Budget(calls=20),
        turns=(Turn(say="Go on.", expect=Expectation(kind="act")),),
        sub_questions=questions or (_question(NOTES, "get_note", CITY, "/text"),),
    )


async def _wrapped(folder: Path) -> Bundle:
    world = unlisted({"stdio": {"command": [sys.executable, str(SERVER)]}, "state": "connection"})
    return await wrap_server(folder / NOTES, world, Wrapping(name=NOTES), tasks=(_task(),))


@asynccontextmanager
async def _playing(source: Source, task: Task) -> AsyncGenerator[Episode]:
    sandbox = with_external(ProcessSandbox(), [source], [NOTES])
    try:
        episode = await open_episode(source, task, sandbox, seed=5)
        yield episode
        await episode.close()
    finally:
        await sandbox.close()


def _all_fail(*kinds: FaultKind, lost_replies: float = 0.0) -> FaultPlan:
    return FaultPlan(rate=1.0, kinds=kinds, lost_replies=lost_replies)


@requirement("gateway:disturbed", "episodes:faults")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_of_an_external_tool_fails_once_and_costs_nothing(
    tmp_path: Path, kind: FaultKind
) -> None:
    bundle = await _wrapped(tmp_path)
    task = bundle.task("city").model_copy(update={"faults": _all_fail(kind)})

    async with _playing(bundle, task) as episode:
        lost = await episode.call("get_note", CITY)
        told = await episode.call("get_note", CITY)

    assert (lost.is_error, lost.charged) == (True, False)
    assert [call.fault for call in episode.calls] == [kind, None]
    assert told.structured == TOLD
    assert episode.verdict().reward == 1.0


@requirement("gateway:disturbed")
async def test_a_write_that_met_a_fault_has_not_reached_the_server(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    note: JsonObject = {"title": "x", "text": "y"}
    plan = _all_fail("timeout", lost_replies=1.0)
    task = bundle.task("city").model_copy(update={"mixing": ToolMixing(faults=plan)})

    async with _playing(bundle, task) as episode:
        lost = await episode.call("add_note", note)
        [await episode.call("listing", {}) for _ in range(2)]
        added = await episode.call("add_note", note)

    assert lost.is_error
    assert episode.calls[2].result == {
        "content": [{"type": "json", "json": {"titles": ["hillside-city"]}}]
    }
    assert added.structured == {"count": 2}


@requirement("gateway:disturbed", "gateway:joint")
async def test_a_mixing_disturbs_external_and_synthesized_members_alike(
    tmp_path: Path, bundle: Bundle
) -> None:
    notes = await _wrapped(tmp_path)
    page: JsonObject = {"limit": 10}
    branches = _question(LIBRARY, "list_branches", page, "/rows/1/city")
    city = _question(NOTES, "get_note", CITY, "/text")
    digests = (bundle.digests.environment, notes.digests.environment)
    task = _task(branches, city).model_copy(update={"environments": digests})
    suite = write_suite(
        tmp_path / "both", name="both", title="Both", members=(bundle, notes), tasks=(task,)
    )
    mixing = ToolMixing(
        faults=_all_fail("unavailable"),
        latency=Latency(high=0.01),
        renamed={f"{NOTES}__get_note": "read_note"},
        withheld=(f"{NOTES}__crash",),
        reordered=True,
    )

    async with _playing(suite, task.model_copy(update={"mixing": mixing})) as episode:
        offered = {spec.name for spec in episode.tools()}
        replies = [
            await episode.call(tool, arguments)
            for _ in range(2)
            for tool, arguments in (
                (f"{LIBRARY}__list_branches", page),
                (f"{NOTES}__read_note", CITY),
            )
        ]

    assert f"{NOTES}__crash" not in offered
    assert {f"{NOTES}__read_note", f"{LIBRARY}__list_branches"} <= offered
    assert [call.fault for call in episode.calls] == ["unavailable"] * 2 + [None] * 2
    assert replies[-1].structured == TOLD
    assert episode.verdict().reward == 1.0


@requirement("gateway:disturbed", "gateway:replay")
async def test_a_replay_knows_nothing_of_the_faults_of_the_record(tmp_path: Path) -> None:
    bundle = await _wrapped(tmp_path)
    task = bundle.task("city").model_copy(update={"mixing": ToolMixing(faults=_all_fail(*KINDS))})
    async with _playing(bundle, task) as live:
        for _ in range(2):
            await live.call("get_note", CITY)

    replay = write_replay(tmp_path / "offline", bundle, [live.record()])
    async with ProcessSandbox() as sandbox:
        offline = await open_episode(replay.bundle, replay.bundle.task("city"), sandbox)
        told = await offline.call("get_note", CITY)
        await offline.close()

    assert (replay.calls, replay.unsteady) == (1, 0)
    assert told.structured == TOLD
    assert offline.verdict().solved
