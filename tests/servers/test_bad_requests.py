"""Whatever arrives at the agent plane is answered as it should be, and nobody else notices."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, EpisodeHost, McpApp, bounded_http
from astra_arena.servers.agent_plane.unreadable import MAX_REQUEST_BYTES
from tests.servers.playing import BRIEF, open_one, outcomes, record_of, serving, until
from tests.servers.raw_http import (
    BOTH,
    MODERN,
    Answer,
    call,
    exchange,
    modern,
    modern_headers,
    request,
)
from tests.servers.small_bundle import NAME, SECRET, TASK
from tests.support.requirement import requirement

LEGACY: dict[str, str] = {"content-type": "application/json", "accept": BOTH}
FIND, FIND_HEADERS = call("find_loan", {"title": "Emma"})


def changed(**headers: str) -> dict[str, str]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return {**FIND_HEADERS, **names}


@requirement("agent:bad-input")
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"", FIND_HEADERS, 400, id="empty"),
        pytest.param(b"nonsense", FIND_HEADERS, 400, id="not JSON"),
        pytest.param(b"\xff\xfe{}", FIND_HEADERS, 400, id="not UTF-8"),
        pytest.param(b"[" * 100_000, FIND_HEADERS, 400, id="deep"),
        pytest.param(b"[]", FIND_HEADERS, 400, id="batch"),
        pytest.param({"jsonrpc": "1.0", **FIND, "id": None}, FIND_HEADERS, 400, id="null id"),
        pytest.param({**FIND, "id": {"a": 1}}, FIND_HEADERS, 400, id="odd id"),
        pytest.param({**FIND, "params": [1]}, FIND_HEADERS, 400, id="params no object"),
        pytest.param(FIND, changed(mcp_method="tools/list"), 400, id="another method in header"),
        pytest.param(FIND, changed(mcp_name="get_reader"), 400, id="another name in header"),
        pytest.param(FIND, changed(mcp_protocol_version="1999-01-01"), 400, id="unknown version"),
        pytest.param(FIND, changed(content_type="text/plain"), 400, id="wrong type"),
        pytest.param(FIND, changed(accept="text/html"), 406, id="wrong accept"),
        pytest.param(FIND, changed(host="evil.example"), 421, id="another host"),
        pytest.param(FIND, changed(host="127.0.0.1.evil.example"), 421, id="similar host"),
        pytest.param(FIND, changed(origin="http://evil.example"), 403, id="another origin"),
        pytest.param(FIND, changed(origin="null"), 403, id="no origin"),
        pytest.param(modern("no/such"), modern_headers("no/such"), 404, id="unknown method"),
        pytest.param(b"x" * (MAX_REQUEST_BYTES + 1), FIND_HEADERS, 413, id="large"),
        pytest.param(b"", {**LEGACY}, 400, id="older, empty"),
        pytest.param(b"[]", {**LEGACY}, 400, id="older, batch"),
        pytest.param(FIND, {**LEGACY, "content-type": "text/plain"}, 400, id="older, wrong type"),
        pytest.param(FIND, {**LEGACY, "accept": "text/html"}, 406, id="older, wrong accept"),
        pytest.param(FIND, LEGACY, 400, id="older, no session"),
        pytest.param(FIND, {**LEGACY, "mcp-session-id": "0"}, 404, id="older, wrong session"),
    ],
)
async def test_each_malformed_request_gets_its_status_and_the_episode_goes_on(
    bundle: Bundle, body: bytes | JsonObject, headers: dict[str, str], status: int
) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        answer = await request(episode["mcp"], body, headers)
        good = await request(episode["mcp"], FIND, FIND_HEADERS)
    assert answer.status == status, answer
    assert b"Traceback" not in answer.body
    assert bundle.path.as_posix().encode() not in answer.body
    assert good.json()["result"]["structuredContent"]["title"] == "Emma"


@requirement("agent:bad-input")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "BREW", "GET"])
async def test_other_methods_of_http_are_refused(bundle: Bundle, method: str) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        plain = await request(episode["mcp"], b"", LEGACY, method=method)
        headers = {**LEGACY, "mcp-protocol-version": MODERN}
        newer = await request(episode["mcp"], b"", headers, method=method)
    assert {plain.status, newer.status} <= {400, 404, 405}


@requirement("agent:bad-input")
@pytest.mark.parametrize(
    "trick",
    [
        "/envs/{name}/r/{id}/mcp/",
        "/envs/{name}/r/{id}/mcp/../mcp",
        "/envs/{name}/r/../r/{id}/mcp",
        "//envs/{name}/r/{id}/mcp",
        "/envs//{name}/r/{id}/mcp",
        "/envs/{name}%2fr%2f{id}/mcp",
        "/envs/{name}/r/{id}%2fmcp",
        "/envs/{name}/r/{id}/%6dcp",
        "/envs/{name}/r/{id}/mcp%00",
        "/envs/{name}/r/{id}/mcp;x",
        "/envs/{name}/r/.{id}/mcp",
        "/envs/SMALL-LIBRARY/r/{id}/mcp",
        "/envs/{name}/r/{id}/p/0/mcp",
        "/envs/{name}/r/{id}/p/00/mcp",
        "/envs/{name}/r/{id}/p/-1/mcp",
        "/envs/{name}/r/{id}/p/1e9/mcp",
        "/r/{id}/p/99999999999999999999/mcp",
        "/envs/etc/r/{id}/mcp",
        "/envs/{name}/r/{id}",
        "/mcp",
        "/",
        "*",
        "/../../etc/passwd",
        "/ёnvs/{name}/r/{id}/mcp",
        "/envs/{name}/r/{id}/mcp\x01",
    ],
)
async def test_no_other_spelling_of_a_path_leads_to_an_episode(bundle: Bundle, trick: str) -> None:
    async with serving(bundle) as (_, control):
        episode = await open_one(control)
        path = trick.format(name=NAME, id=episode["id"])
        answer = await request(episode["mcp"], FIND, FIND_HEADERS, path=path)
        asked = await request(episode["mcp"] + "?a=1", FIND, FIND_HEADERS)
        record = await record_of(control, episode)
    assert answer.status in {400, 404}, answer
    assert asked.status == 200
    assert outcomes(record) == ["ok"]


@requirement("agent:bad-input")
async def test_ids_that_are_wrong_expired_or_foreign_are_not_found(bundle: Bundle) -> None:
    async with serving(bundle) as (_, control):
        mine, other, gone = [await open_one(control) for _ in range(3)]
        await control.delete(f"/episodes/{gone['id']}")
        wrong = mine["mcp"].replace(mine["id"], mine["id"][:-1] + "_")
        answers = [await request(at, FIND, FIND_HEADERS) for at in (wrong, gone["mcp"])]
        initialize = modern("initialize", {"capabilities": {}, "protocolVersion": "2025-06-18"})
        info: JsonObject = {"name": "test", "version": "1"}
        assert isinstance(initialize["params"], dict)
        initialize["params"]["clientInfo"] = info
        initialize["params"].pop("_meta")
        opened = await request(mine["mcp"], initialize, LEGACY)
        session = {**LEGACY, "mcp-session-id": opened.headers["mcp-session-id"]}
        # A session of one episode opens no other.
        answers.append(await request(other["mcp"], FIND, session))
        answers.append(await request(other["mcp"], b"", session, method="DELETE"))
        kept = await request(mine["mcp"], {"jsonrpc": "2.0", "id": 2, "method": "ping"}, session)
        records = [await record_of(control, one) for one in (mine, other)]
    assert [answer.status for answer in answers] == [404] * 4
    assert all(other["id"].encode() not in answer.body for answer in answers)
    assert kept.status == 200
    assert [record["calls"] for record in records] == [[], []]


@requirement("agent:bad-input", "servers:full")
async def test_beyond_64_calls_of_an_episode_are_told_to_come_back(bundle: Bundle) -> None:
    body, headers = call("misbehave", {"how": "hang"})
    async with serving(bundle) as (running, control):
        episode, other = await open_one(control), await open_one(control)
        live = running.host.get(episode["id"])
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits()) as client:
            tasks = [
                asyncio.create_task(client.post(episode["mcp"], json=body, headers=headers))
                for _ in range(64)
            ]
            await until(lambda: live.waiting == 64)
            beyond = await request(episode["mcp"], FIND, FIND_HEADERS)
            elsewhere = await request(other["mcp"], FIND, FIND_HEADERS)
            listed = await request(
                episode["mcp"], modern("tools/list"), modern_headers("tools/list")
            )
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Clients that have gone are noticed, and what they asked for is given up.
            with anyio.fail_after(30):
                await until(lambda: live.waiting == 0)
        after = await request(episode["mcp"], FIND, FIND_HEADERS)
    assert beyond.status == 429
    assert beyond.headers["retry-after"] == "1"
    assert (elsewhere.status, listed.status) == (200, 200)
    assert after.status == 200
    assert {one.outcome for one in live.calls} <= {"cancelled", "over_budget"}


@requirement("agent:bad-input")
@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /envs/x", b"POST / HTTP/1.1\r\nhost: x\r\nx: ", b"\r\n", b"\r\n\r\n\r\n"],
    ids=["nothing", "line", "header", "newline", "newlines"],
)
async def test_a_client_that_never_ends_its_headers_is_cut_off(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(bounded_http, "HEADERS_SECONDS", 0.2)
    async with serving(bundle) as (running, _):
        answer = await exchange(running.addresses.mcp, sent)
    assert answer.status == 408


@requirement("agent:bad-input")
async def test_a_client_that_drips_its_request_is_cut_off_and_charges_nobody(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "BODY_SECONDS", 0.3)
    async with serving(bundle) as (running, control):
        episode = await open_one(control)
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(running.addresses.mcp))
        path = episode["mcp"].partition("/envs")[2]
        head = f"POST /envs{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n"
        writer.write(head.encode("ascii"))
        came = b""
        with anyio.fail_after(30):
            try:
                while not writer.is_closing() and not reader.at_eof():
                    writer.write(b" ")
                    with anyio.move_on_after(0.05):
                        came = await reader.read()
                        break
            except ConnectionResetError:
                # What was sent after the end came back as a reset, which overtakes the answer.
                came = b"reset 408 "
        writer.close()
        good = await request(episode["mcp"], FIND, FIND_HEADERS)
        record = await record_of(control, episode)
    assert b" 408 " in came
    assert good.status == 200
    assert outcomes(record) == ["ok"]


@requirement("agent:bad-input")
async def test_headers_without_end_are_refused(bundle: Bundle) -> None:
    endless = b"GET / HTTP/1.1\r\n" + b"x-a: " + b"y" * 100_000
    async with serving(bundle) as (running, _):
        answer = await exchange(running.addresses.mcp, endless)
    assert answer.status == 431


async def test_a_slow_call_is_no_slow_client(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "HEADERS_SECONDS", 0.1)
    monkeypatch.setattr(bounded_http, "BODY_SECONDS", 0.1)
    body, headers = call("misbehave", {"how": "hang"})
    async with serving(bundle, limits=BRIEF) as (_, control):
        episode = await open_one(control)
        started = time.monotonic()
        answer = await request(episode["mcp"], body, headers)
    assert answer.status == 200
    assert time.monotonic() - started > 0.5


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


class Mess:
    """Random requests: good ones, and good ones that were broken somewhere."""

    def __init__(self, seed: int, episode: str) -> None:
        self.chance = random.Random(seed)
        self._path = f"/envs/{NAME}/r/{episode}/mcp"

    def request(self) -> tuple[dict[str, Any], bytes]:
        chance = self.chance
        method = chance.choice(
            ["tools/call"] * 6
            + ["tools/list", "ping", "initialize", "server/discover", "resources/read", "x/y"]
            + ["prompts/get", "subscriptions/listen", "notifications/cancelled", "", "a" * 300]
        )
        message = modern(method, self._params())
        data = json.dumps(message).encode()
        if chance.random() < 0.4:
            data = self._broken(data)
        tool = chance.choice(["find_loan", "get_reader", "misbehave", "reply", "\u00e9"])
        headers = modern_headers(method, tool)
        if chance.random() < 0.4:
            del headers["mcp-protocol-version"]
        for name in list(headers):
            if chance.random() < 0.08:
                del headers[name]
            elif chance.random() < 0.08:
                headers[name] = chance.choice(["", "nonsense", "a, b", "\u00e9" * 20, "2025-06-18"])
        if chance.random() < 0.1:
            headers["mcp-session-id"] = f"{chance.getrandbits(128):032x}"
        if chance.random() < 0.05:
            headers["content-length"] = chance.choice(["-1", "9" * 30, "x", "0"])
        return self._scope(headers), data

    def _params(self) -> JsonObject:
        chance = self.chance
        params: JsonObject = {
            "name": chance.choice(["find_loan", "get_reader", "nothing", "", 7, None]),
            "arguments": self._value(0),
        }
        for extra in ("cursor", "uri", "requestState", "inputResponses", "progressToken", "level"):
            if chance.random() < 0.1:
                params[extra] = self._value(1)
        return params

    def _value(self, depth: int) -> Json:
        chance = self.chance
        kind = chance.randint(0, 9 if depth < 3 else 6)
        if kind >= 8:
            return [self._value(depth + 1) for _ in range(chance.randint(0, 3))]
        if kind == 7 or depth == 0:
            names = ["title", "reader_id", "how", "\u0000", "x"]
            return {chance.choice(names): self._value(depth + 1) for _ in range(2)}
        simple: list[Json] = [None, True, 2**70, -1.5e300, "Emma", "\ud800", "raise"]
        return simple[kind]

    def _broken(self, data: bytes) -> bytes:
        chance = self.chance
        at = chance.randrange(len(data))
        how: list[Callable[[], bytes]] = [
            lambda: data[:at],
            lambda: data[:at] + chance.randbytes(chance.randint(1, 8)) + data[at:],
            lambda: chance.randbytes(chance.randint(0, 200)),
            lambda: b"[" + data + b"]",
            lambda: data + data,
        ]
        return chance.choice(how)()

    def _scope(self, headers: dict[str, str]) -> dict[str, Any]:
        chance = self.chance
        path = self._path
        if chance.random() < 0.15:
            path = chance.choice(
                [path[:-1], path + "/", "/", "", "/r/x/mcp", path.upper(), f"/envs/{NAME}/mcp"]
            )
        host = "localhost" if chance.random() < 0.95 else "\u00e9vil:99"
        encoded = [(b"host", host.encode("latin-1"))]
        encoded += [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        return {
            "type": "http",
            "http_version": "1.1",
            "method": "POST" if chance.random() < 0.9 else chance.choice(["GET", "DELETE", "PUT"]),
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": b"",
            "headers": encoded,
        }


async def answered(app: McpApp, scope: dict[str, Any], data: bytes) -> Answer:
    """Give one request to the application, as a server would, and return its answer."""
    pieces: list[Message] = [{"type": "http.request", "body": data, "more_body": False}]
    came: list[Message] = []

    async def receive() -> Message:
        # Streams end because their client goes.
        return pieces.pop() if pieces else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        came.append(message)

    with anyio.fail_after(30):
        await app(scope, receive, send)
    if not came:
        return Answer(0, {}, b"")
    body = b"".join(message.get("body", b"") for message in came[1:])
    headers = {name.decode(): value.decode() for name, value in came[0]["headers"]}
    return Answer(came[0]["status"], headers, body)


@requirement("agent:bad-input")
async def test_ten_thousand_random_requests_crash_and_leak_nothing(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        host = EpisodeHost([bundle], sandbox)
        app = McpApp(host)
        async with host.run(), app.run():
            target, other = await host.open(NAME, TASK), await host.open(NAME, TASK)
            await other.call("return_book", {"loan_id": 1})
            before = await other.state()
            mess = Mess(7, target.id)
            statuses: set[int] = set()
            for _ in range(10_000):
                scope, data = mess.request()
                answer = await answered(app, scope, data)
                statuses.add(answer.status)
                assert b"Traceback" not in answer.body
                assert SECRET.encode() not in answer.body
                assert other.id.encode() not in answer.body
            assert await other.state() == before
            assert [one.outcome for one in other.calls] == ["ok"]
            assert target.void is None
            await host.close(target.id)
            await host.close(other.id)
            tasks = len(asyncio.all_tasks())
        # 0: the client had gone by the time.
        assert statuses <= {0, 200, 202, 400, 403, 404, 405, 406, 413, 421}
        assert {200, 400, 404} <= statuses
        assert tasks < 12
