"""All episodes of one process: found, limited, expired, remembered."""

import anyio
import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError, UnknownTaskError
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import (
    Bundle,
    ClosedEpisode,
    ClosedEpisodeError,
    EpisodeHost,
    EpisodeLimitError,
    UnknownEpisodeError,
)
from tests.servers.small_bundle import NAME, TASK


def scripted(bundle: Bundle, **options: float) -> EpisodeHost:
    sandbox = ScriptedSandbox({"find_loan": {}})
    return EpisodeHost([bundle], sandbox, **options)  # pyright: ignore[reportArgumentType]


async def test_an_episode_is_found_by_its_id_until_it_is_closed(bundle: Bundle) -> None:
    host = scripted(bundle)
    async with host.run():
        episode = await host.open(NAME, TASK)
        assert host.get(episode.id) is episode
        assert host.find(episode.id) is episode
        closed = await host.close(episode.id)
        assert host.find(episode.id) is closed
        assert await host.close(episode.id) is closed
        with pytest.raises(ClosedEpisodeError):
            host.get(episode.id)
        with pytest.raises(UnknownEpisodeError):
            host.find("nothing")


async def test_ids_cannot_be_guessed(bundle: Bundle) -> None:
    host = scripted(bundle)
    async with host.run():
        ids = [(await host.open(NAME, TASK)).id for _ in range(20)]
    assert len(set(ids)) == 20
    assert {len(identifier) for identifier in ids} == {32}


async def test_only_the_last_closed_episodes_are_remembered(bundle: Bundle) -> None:
    host = scripted(bundle, closed_kept=2)
    async with host.run():
        ids = [(await host.open(NAME, TASK)).id for _ in range(3)]
        for identifier in ids:
            await host.close(identifier)
        with pytest.raises(UnknownEpisodeError):
            host.find(ids[0])
        assert all(isinstance(host.find(identifier), ClosedEpisode) for identifier in ids[1:])


async def test_large_logs_of_closed_episodes_are_forgotten_first_come_first(
    bundle: Bundle,
) -> None:
    host = scripted(bundle, closed_bytes_kept=30_000)
    async with host.run():
        ids: list[str] = []
        for _ in range(4):
            episode = await host.open(NAME, TASK)
            for _ in range(10):
                await episode.call("nothing", {})
            await host.close(episode.id)
            ids.append(episode.id)
        for identifier in ids[:2]:
            with pytest.raises(UnknownEpisodeError):
                host.find(identifier)
        assert all(isinstance(host.find(identifier), ClosedEpisode) for identifier in ids[2:])


async def test_the_limit_counts_open_episodes_and_those_being_opened(bundle: Bundle) -> None:
    refused: list[str] = []
    host = scripted(bundle, max_episodes=3)

    async def open_one() -> None:
        try:
            await host.open(NAME, TASK)
        except EpisodeLimitError as error:
            refused.append(error.message)

    async with host.run():
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(open_one)
        assert host.open_count == 3
    assert len(refused) == 2
    assert host.open_count == 0


async def test_an_episode_that_nobody_uses_is_closed(bundle: Bundle) -> None:
    host = scripted(bundle, idle_seconds=0.01)
    async with host.run():
        episode = await host.open(NAME, TASK)
        with anyio.fail_after(5):
            while host.open_count:
                await anyio.sleep(0.01)
        assert isinstance(host.find(episode.id), ClosedEpisode)


async def test_leaving_ends_what_is_open_even_when_a_call_hangs(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        host = EpisodeHost([bundle], sandbox)
        hang: JsonObject = {"how": "hang"}
        episode = await host.open(NAME, TASK)
        async with host.run(), anyio.create_task_group() as group:
            group.start_soon(episode.call, "misbehave", hang)
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert host.open_count == 0
        closed = host.find(episode.id)
    assert isinstance(closed, ClosedEpisode)
    assert [call.outcome for call in closed.record.calls] == ["cancelled"]
    assert closed.void is None


async def test_unknown_names_are_refused_with_what_there_is(bundle: Bundle) -> None:
    host = scripted(bundle)
    with pytest.raises(UnknownTaskError, match=NAME):
        await host.open("nothing", TASK)
    with pytest.raises(UnknownTaskError, match=TASK):
        await host.open(NAME, "nothing")


def test_two_environments_of_one_name_are_refused(bundle: Bundle) -> None:
    with pytest.raises(SettingsError, match="came twice"):
        EpisodeHost([bundle, bundle], ScriptedSandbox({}))


async def test_sessions_beyond_the_limit_lose_their_process_and_come_back(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        host = EpisodeHost([bundle], sandbox, live_sessions=1)
        async with host.run():
            first, second = [await host.open(NAME, TASK) for _ in range(2)]
            for _ in range(3):
                for episode in (first, second):
                    reply = await episode.call("find_loan", {"title": "Emma"})
                    assert not reply.is_error
