"""Episodes on real servers: HTTP and stdio give the same record; what breaks makes them void."""

import dataclasses
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest

from astra_arena.client.agent import EpisodeView, ToolReply
from astra_arena.client.collect import collect
from astra_arena.client.harness import play_episode
from astra_arena.client.http_venue import HttpVenue
from astra_arena.client.scripted_agents import NoopAgent, OracleAgent
from astra_arena.client.stdio_venue import StdioVenue
from astra_arena.client.store import RolloutStore
from astra_arena.client.venue import Venue
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import (
    BundleError,
    ConnectionLostError,
    SettingsError,
    UnknownTaskError,
)
from astra_arena.core.rollouts import Rollout
from astra_arena.servers.bundles.bundle import Bundle, write_bundle
from astra_arena.servers.emission.emit import emit_server
from astra_arena.servers.serve import open_server
from astra_arena.servers.server_process import start_server_process
from tests.client.served import nowhere, served
from tests.servers.small_bundle import (
    ONE_STEP_TASK,
    TASK,
    TOOLS_PY,
    small_tasks,
    write_small_bundle,
)
from tests.support.requirement import requirement


@asynccontextmanager
async def venue_of(transport: str, folder: Path) -> AsyncGenerator[tuple[Bundle, Venue]]:
    if transport == "http":
        async with served(folder) as (bundle, _, venue):
            yield bundle, venue
    else:
        bundle = write_small_bundle(folder)
        async with StdioVenue(bundle) as venue:
            yield bundle, venue


class Meddling:
    """Does, in order, what agents do wrong."""

    name = "meddling"

    def __init__(self) -> None:
        self.replies: list[ToolReply] = []

    async def play(self, episode: EpisodeView) -> str | None:
        for tool, arguments in (
            ("find_loan", {"title": "Persuasion"}),
            ("find_loan", {"title": 7}),
            ("find_loan", {"title": "Ulysses"}),
            ("find_lone", {}),
            ("find_loan", {"title": "\ud800"}),
            ("find_loan", {"title": "x" * 2_000_000}),
            ("misbehave", {"how": "raise"}),
        ):
            self.replies.append(await episode.call(tool, dict(arguments)))
        return "done"


@requirement("client:both-transports")
@pytest.mark.anyio
async def test_http_and_stdio_give_the_same_calls_and_verdict(tmp_path: Path) -> None:
    played: dict[str, list[Rollout]] = {}
    for transport in ("http", "stdio"):
        async with venue_of(transport, tmp_path / transport) as (bundle, venue):
            played[transport] = [
                await play_episode(venue, TASK, OracleAgent(bundle.tasks), seed=3),
                await play_episode(venue, TASK, Meddling(), seed=3),
                await play_episode(venue, ONE_STEP_TASK, OracleAgent(bundle.tasks)),
            ]
    for over_http, over_stdio in zip(played["http"], played["stdio"], strict=True):
        assert over_http.transport == "http"
        assert over_stdio.transport == "stdio"
        changed = over_stdio.model_copy(update={"transport": "http"})
        assert over_http.digest == changed.digest
    assert [one.verdict.reward for one in played["http"] if one.verdict] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.anyio
@requirement("sandbox:tiers:recorded")
async def test_what_agents_do_wrong_is_answered_and_logged(tmp_path: Path, transport: str) -> None:
    agent = Meddling()
    async with venue_of(transport, tmp_path) as (_, venue):
        rollout = await play_episode(venue, TASK, agent)
    assert rollout.ended == "agent"
    assert [reply.is_error for reply in agent.replies] == [False, *[True] * 6]
    # What is no Unicode or too large for any server is not sent as it is, but logged and charged.
    assert [call.outcome for call in rollout.episode.calls] == [
        "ok",
        "invalid_arguments",
        "tool_failure",
        "unknown_tool",
        "invalid_arguments",
        "invalid_arguments",
        "environment_error",
    ]
    assert rollout.episode.tier.startswith("seccomp")
    assert [call.message for call in rollout.episode.calls[1:]] == [
        reply.text for reply in agent.replies[1:]
    ]


@pytest.mark.anyio
async def test_episodes_played_at_the_same_time_do_not_meet(tmp_path: Path) -> None:
    async with served(tmp_path) as (bundle, server, venue):
        tasks = [task for task in await venue.tasks() if task.id in (TASK, ONE_STEP_TASK)]
        agents = (OracleAgent(bundle.tasks), NoopAgent())
        done = await collect(venue, tasks, agents, seeds=range(10), concurrency=8)
        assert server.host.open_count == 0
    assert done.report.agents["oracle"].mean_reward == 1.0
    assert done.report.agents["noop"].mean_reward == 0.0
    assert done.findings == ()


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.anyio
async def test_an_unknown_task_is_named(tmp_path: Path, transport: str) -> None:
    async with venue_of(transport, tmp_path) as (bundle, venue):
        with pytest.raises(UnknownTaskError, match="no task 'nope'"):
            await play_episode(venue, "nope", OracleAgent(bundle.tasks))


class Sawing:
    """Ends its own episode behind the harness's back, between two calls."""

    name = "sawing"

    def __init__(self, saw: Callable[[], Awaitable[None]]) -> None:
        self._saw = saw

    async def play(self, episode: EpisodeView) -> str | None:
        await episode.call("find_loan", {"title": "Emma"})
        await self._saw()
        await episode.call("get_reader", {"reader_id": 2})
        raise NotImplementedError


@requirement("client:void-never-scored")
@pytest.mark.anyio
async def test_an_episode_that_its_host_lost_is_void(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, server, venue):

        async def close_all() -> None:
            for episode_id in list(server.host._open):  # pyright: ignore[reportPrivateUsage]
                await server.host.close(episode_id)

        with anyio.fail_after(10):
            rollout = await play_episode(venue, TASK, Sawing(close_all))
    assert rollout.ended == "void"
    assert rollout.verdict is None
    assert rollout.failure is not None
    assert rollout.failure.boundary == "connection"
    # What was logged before is kept.
    assert len(rollout.episode.calls) == 1


@requirement("client:void-never-scored")
@pytest.mark.anyio
async def test_a_server_that_goes_away_makes_the_episode_void(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    with start_server_process([bundle.path]) as server:
        async with HttpVenue(server.addresses.control, server.token) as venue:

            async def kill() -> None:
                os.kill(server.pid, signal.SIGKILL)

            with anyio.fail_after(20):
                rollout = await play_episode(venue, TASK, Sawing(kill))
    assert rollout.ended == "void"
    assert rollout.failure is not None
    assert rollout.failure.boundary == "connection"
    assert rollout.episode.environment_digest == bundle.digests.environment


@requirement("client:void-never-scored")
@pytest.mark.anyio
async def test_a_stdio_server_that_is_killed_makes_the_episode_void_but_keeps_its_calls(
    tmp_path: Path,
) -> None:
    bundle = write_small_bundle(tmp_path)
    journals = tmp_path / "journals"
    venue = StdioVenue(bundle, journals=journals)

    async def kill() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if str(journals).encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)

    with anyio.fail_after(20):
        rollout = await play_episode(venue, TASK, Sawing(kill))
    assert rollout.ended == "void"
    assert rollout.verdict is None
    assert [call.tool for call in rollout.episode.calls] == ["find_loan"]
    assert len(list(journals.glob("*/*.jsonl"))) == 1


@pytest.mark.anyio
async def test_a_stdio_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    (bundle.path / "tools.py").write_text("changed = True\n", encoding="utf-8")
    with anyio.fail_after(20):
        rollout = await play_episode(StdioVenue(bundle), TASK, NoopAgent())
    assert rollout.ended == "void"
    assert rollout.failure is not None
    assert "was changed after the bundle was written" in rollout.failure.message.replace("\n", " ")
    missing = await play_episode(StdioVenue(bundle, python="/no/python"), TASK, NoopAgent())
    assert missing.failure is not None
    assert "/no/python" in missing.failure.message


@pytest.mark.anyio
async def test_stdio_uses_the_launcher_of_an_emitted_bundle(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    emit_server(bundle.path)
    rollout = await play_episode(StdioVenue(bundle), TASK, OracleAgent(bundle.tasks))
    assert rollout.verdict is not None
    assert rollout.verdict.reward == 1.0


@pytest.mark.anyio
async def test_a_stdio_server_sees_little_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_small_bundle(tmp_path)
    monkeypatch.setenv("ARENA_TOKEN", "not for servers")
    seen: list[bytes] = []
    journals = tmp_path / "journals"

    async def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if str(journals).encode() in (process / "cmdline").read_bytes():
                    seen.append((process / "environ").read_bytes())

    class Looking:
        name = "looking"

        async def play(self, episode: EpisodeView) -> str | None:
            await look()

    await play_episode(StdioVenue(bundle, journals=journals), TASK, Looking())
    assert seen
    assert not any(b"not for servers" in environ for environ in seen)


@pytest.mark.anyio
async def test_a_bundle_without_gold_cannot_be_played_over_stdio(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    digests = bundle.digests.model_copy(update={"tasks": None})
    with pytest.raises(BundleError, match="holds no gold"):
        StdioVenue(dataclasses.replace(bundle, digests=digests, tasks=()))


@pytest.mark.anyio
async def test_a_wrong_token_is_misuse_and_not_a_void_rollout(tmp_path: Path) -> None:
    async with (
        served(tmp_path) as (bundle, server, _),
        HttpVenue(server.addresses.control, "wrong") as venue,
    ):
        with pytest.raises(SettingsError, match="refused the token"):
            await play_episode(venue, TASK, OracleAgent(bundle.tasks))


@pytest.mark.anyio
async def test_an_address_where_nothing_listens_is_one_clear_error() -> None:
    address = nowhere()
    async with HttpVenue(address, "token") as venue:
        with anyio.fail_after(10), pytest.raises(ConnectionLostError, match=address):
            await play_episode(venue, TASK, NoopAgent())


@pytest.mark.anyio
async def test_a_cancelled_run_frees_its_episodes(tmp_path: Path) -> None:
    opened = anyio.Event()

    class Waiting:
        name = "waiting"

        async def play(self, episode: EpisodeView) -> str | None:
            opened.set()
            await anyio.sleep_forever()

    async with served(tmp_path) as (_, server, venue):
        async with anyio.create_task_group() as group:
            group.start_soon(play_episode, venue, TASK, Waiting())
            with anyio.fail_after(10):
                await opened.wait()
            assert server.host.open_count == 1
            group.cancel_scope.cancel()
        assert server.host.open_count == 0


@requirement("client:store")
@pytest.mark.anyio
async def test_cancelling_after_the_server_went_records_nothing(tmp_path: Path) -> None:
    opened = anyio.Event()

    class Waiting:
        name = "waiting"

        async def play(self, episode: EpisodeView) -> str | None:
            opened.set()
            await anyio.sleep_forever()

    bundle = write_small_bundle(tmp_path)
    path = tmp_path / "rollouts.jsonl"
    with start_server_process([bundle.path]) as server, RolloutStore(path) as store:
        async with (
            HttpVenue(server.addresses.control, server.token) as venue,
            anyio.create_task_group() as group,
        ):
            tasks = (await venue.tasks())[:1]
            group.start_soon(lambda: collect(venue, tasks, (Waiting(),), store=store))
            with anyio.fail_after(10):
                await opened.wait()
            os.kill(server.pid, signal.SIGKILL)
            group.cancel_scope.cancel()
    assert path.read_bytes() == b""


@requirement("interop:client")
@pytest.mark.anyio
async def test_arguments_that_go_into_headers_too_are_sent_in_every_episode(
    tmp_path: Path,
) -> None:
    plain = write_small_bundle(tmp_path / "plain")
    first, *others = plain.environment.tools
    mirrored: JsonObject = {"title": {"type": "string", "x-mcp-header": "Title"}}
    tool = first.model_copy(update={"input_schema": {**first.input_schema, "properties": mirrored}})
    environment = plain.environment.model_copy(update={"tools": (tool, *others)})
    bundle = write_bundle(
        tmp_path / "mirrored",
        environment,
        tools_py=TOOLS_PY,
        world=plain.path / "world.sqlite",
        tasks=small_tasks(),
    )
    async with (
        open_server([bundle]) as server,
        HttpVenue(server.addresses.control, server.token) as venue,
    ):
        oracle = OracleAgent(bundle.tasks)
        rewards = [(await play_episode(venue, TASK, oracle, seed=seed)).reward for seed in range(3)]
    assert rewards == [1.0, 1.0, 1.0]
