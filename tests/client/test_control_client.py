"""The control plane's answers become values, and its refusals errors that say what to do."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream

from astra_arena.client import control_client
from astra_arena.client.control_client import open_control_client
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import (
    ArenaError,
    ConnectionLostError,
    EpisodeError,
    SettingsError,
    SpecError,
    UnknownTaskError,
)
from tests.client.served import nowhere, served
from tests.servers.small_bundle import NAME, TASK, UNSUPPORTED_TASK
from tests.support.requirement import requirement


@pytest.mark.anyio
async def test_an_episode_is_opened_watched_and_closed(tmp_path: Path) -> None:
    async with (
        served(tmp_path) as (bundle, server, _),
        open_control_client(server.addresses.control + "/", server.token) as control,
    ):
        card = await control.environment(None)
        assert (card.name, card.environment_digest) == (NAME, bundle.digests.environment)
        tasks = await control.tasks(NAME)
        assert [task.id for task in tasks] == [task.id for task in bundle.tasks]
        opened = await control.open_episode(NAME, TASK, seed=7)
        assert (opened.task, opened.seed, opened.prompt) == (TASK, 7, bundle.task(TASK).prompt)
        assert (await control.verdict(opened.id, mode="astra")).reward == 0.0
        closed = await control.close_episode(opened.id)
        assert closed.record.seed == 7
        assert await control.close_episode(opened.id) == closed


@requirement("servers:branch")
@pytest.mark.anyio
async def test_an_episode_is_kept_and_branched(tmp_path: Path) -> None:
    async with (
        served(tmp_path) as (_, server, _),
        open_control_client(server.addresses.control, server.token) as control,
    ):
        opened = await control.open_episode(NAME, TASK, seed=7)
        kept = await control.snapshot(opened.id)
        assert (kept.episode, kept.calls, kept.state_digests) == (opened.id, 0, {NAME: None})
        branch = await control.branch_episode(opened.id, snapshot=kept.id)
        assert (branch.task, branch.seed) == (TASK, 7)
        assert branch.mcp != opened.mcp
        await control.close_episode(opened.id)
        with pytest.raises(EpisodeError):
            await control.branch_episode(opened.id)
        late = await control.branch_episode(opened.id, snapshot=kept.id)
        assert (await control.close_episode(late.id)).record.branched_at == 0


@pytest.mark.anyio
async def test_pages_of_tasks_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_client, "TASKS_PER_PAGE", 2)
    async with (
        served(tmp_path) as (bundle, server, _),
        open_control_client(server.addresses.control, server.token) as control,
    ):
        assert [t.id for t in await control.tasks(NAME)] == [task.id for task in bundle.tasks]


@pytest.mark.anyio
async def test_refusals_of_the_server_become_typed_errors(tmp_path: Path) -> None:
    async with (
        served(tmp_path) as (_, server, _),
        open_control_client(server.addresses.control, server.token) as control,
        open_control_client(server.addresses.control, "wrong") as stranger,
        open_control_client(server.addresses.mcp, server.token) as misled,
    ):
        with pytest.raises(UnknownTaskError, match=f"there is no 'nope'; it serves: {NAME}"):
            await control.environment("nope")
        with pytest.raises(UnknownTaskError, match="nope"):
            await control.tasks("nope")
        with pytest.raises(UnknownTaskError, match="nope"):
            await control.open_episode(NAME, "nope")
        with pytest.raises(SpecError, match="cannot be"):
            await control.open_episode(NAME, UNSUPPORTED_TASK)
        with pytest.raises(EpisodeError, match="no episode"):
            await control.close_episode("nope")
        with pytest.raises(SettingsError, match="refused the token; give the one"):
            await stranger.environments()
        with pytest.raises(ConnectionLostError, match="give the control address"):
            await misled.environments()


@pytest.mark.anyio
async def test_an_unreachable_address_is_named_with_what_to_do() -> None:
    address = nowhere()
    async with open_control_client(address, "token") as control:
        with (
            anyio.fail_after(10),
            pytest.raises(ConnectionLostError, match="arena serve") as caught,
        ):
            await control.environments()
    assert address in caught.value.message
    assert caught.value.retryable


@pytest.mark.anyio
async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="expected a control address like"):
        async with open_control_client("localhost:8641", "token"):
            raise NotImplementedError


@asynccontextmanager
async def answering(*answers: tuple[int, Json, str]) -> AsyncGenerator[tuple[str, Sequence[int]]]:
    """Serve these answers (status, body, further header line), the last one for ever."""
    came: list[int] = []

    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            status, body, header = answers[min(len(came), len(answers) - 1)]
            came.append(status)
            data = json.dumps(body).encode()
            head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(data)}\r\nconnection: close\r\n"
            await stream.send(f"{head}{header}\r\n".encode() + data)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        yield f"http://127.0.0.1:{port}", came
        group.cancel_scope.cancel()


BUSY: tuple[int, Json, str] = (
    503,
    {"error": {"boundary": "sandbox", "message": "no room"}},
    "retry-after: 0\r\n",
)


@pytest.mark.anyio
async def test_a_busy_server_is_asked_again() -> None:
    limited = (429, BUSY[1], "retry-after: 0.01\r\n")
    async with (
        answering(BUSY, limited, BUSY, (200, [], "")) as (address, came),
        open_control_client(address, "token") as control,
    ):
        assert await control.environments() == ()
    assert came == [503, 429, 503, 200]


@pytest.mark.anyio
async def test_a_server_that_stays_busy_is_given_up() -> None:
    async with (
        answering(BUSY) as (address, came),
        open_control_client(address, "token") as control,
    ):
        with pytest.raises(ConnectionLostError, match="answered 503: no room"):
            await control.environments()
    assert len(came) == 1 + control_client.BUSY_RETRIES


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (200, {"a": 1}, ConnectionLostError, "not a control plane"),
        (200, [{"name": 1}], ConnectionLostError, "not of the same version"),
        (500, {"error": {"boundary": "control", "message": "broke"}}, ConnectionLostError, "broke"),
        (404, {"detail": "Not Found"}, ConnectionLostError, "not a control plane"),
        (502, "bad gateway", ConnectionLostError, "answered 502"),
    ],
)
@pytest.mark.anyio
async def test_what_is_no_control_plane_is_recognised(
    status: int, body: Json, error: type[ArenaError], message: str
) -> None:
    async with (
        answering((status, body, "")) as (address, _),
        open_control_client(address, "token") as control,
    ):
        with pytest.raises(error, match=message):
            await control.environments()


@pytest.mark.anyio
async def test_fields_of_a_newer_server_are_passed_over() -> None:
    card: JsonObject = {
        "name": "a",
        "title": "A",
        "description": "",
        "domain": "d",
        "environment_digest": "sha256:0",
        "tasks_digest": None,
        "tasks": 0,
        "tools": ["x"],
        "tier": "process",
        "colour": "blue",
    }
    async with (
        answering((200, [card, {**card, "name": "b"}], "")) as (address, _),
        open_control_client(address, "token") as control,
    ):
        assert [one.name for one in await control.environments()] == ["a", "b"]
        with pytest.raises(UnknownTaskError, match=r"name an environment .*; it serves: a, b"):
            await control.environment(None)
        assert (await control.environment("b")).name == "b"


@requirement("servers:token")
@pytest.mark.anyio
async def test_the_token_never_shows_in_a_message() -> None:
    async with open_control_client(nowhere(), "a-secret-token") as control:
        with anyio.fail_after(10), pytest.raises(ConnectionLostError) as caught:
            await control.environments()
    assert "a-secret-token" not in caught.value.message
