"""One process, one episode, over stdin and stdout."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle, read_journal, serve_stdio, verdict_of
from tests.servers.playing import ERAS, Era, solve, text_of
from tests.servers.processes import descendants, is_alive, wait_until_gone
from tests.servers.small_bundle import GOLD_PHONE, SECRET, TASK
from tests.support.requirement import requirement

SERVER = ["-m", "astra_arena.servers", "serve"]


def arguments(bundle: Bundle, journals: Path, task: str = TASK) -> list[str]:
    options = ["--stdio", "--task", task, "--seed", "7", "--journal", str(journals)]
    return [*SERVER, str(bundle.path), *options]


def parameters(bundle: Bundle, journals: Path) -> StdioServerParameters:
    # What tool code breaks is printed by the server; a test run needs none of it.
    return StdioServerParameters(
        command=sys.executable, args=arguments(bundle, journals), env=dict(os.environ)
    )


def only_journal(journals: Path) -> Path:
    (path,) = journals.glob("*.jsonl")
    return path


class RawServer:
    """A stdio server driven line by line, so that a test decides when it dies."""

    def __init__(self, bundle: Bundle, journals: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments(bundle, journals)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._last = 0

    def send(self, method: str, **params: Json) -> None:
        assert self.process.stdin is not None
        self._last += 1
        meta: JsonObject = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        message: JsonObject = {
            "jsonrpc": "2.0",
            "id": self._last,
            "method": method,
            "params": {**params, "_meta": meta},
        }
        self.process.stdin.write(json.dumps(message).encode("utf-8") + b"\n")
        self.process.stdin.flush()

    def call(self, tool: str, **given: Json) -> dict[str, Any]:
        self.send("tools/call", name=tool, arguments=given)
        return self.receive()

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        return self.receive_message()["result"]

    def receive_message(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def close_pipes(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@requirement("servers:stdio")
@pytest.mark.parametrize("era", ERAS)
@requirement("sandbox:tiers:recorded")
async def test_a_task_is_played_and_scored_from_the_journal(
    bundle: Bundle, tmp_path: Path, era: Era
) -> None:
    async with Client(parameters(bundle, tmp_path), mode=era) as client:
        tools = (await client.list_tools()).tools
        instructions = client.instructions
        await solve(client)
        broken = await client.call_tool("misbehave", {"how": "raise"})
        refused = await client.call_tool("find_loan", {"title": 7})
    record = read_journal(only_journal(tmp_path))
    assert instructions == bundle.task(TASK).prompt
    assert [tool.name for tool in tools] == [tool.name for tool in bundle.environment.tools]
    assert text_of(broken) == "the tool failed"
    assert SECRET not in broken.model_dump_json()
    assert refused.is_error
    outcomes = [call.outcome for call in record.calls]
    assert outcomes == ["ok", "ok", "environment_error", "invalid_arguments"]
    assert (record.seed, record.task_id) == (7, TASK)
    assert record.tier.startswith("seccomp")
    assert record.environment_digest == bundle.digests.environment
    assert verdict_of(bundle.task(TASK), record).solved


def test_a_killed_server_loses_nothing_that_its_client_has_seen(
    bundle: Bundle, tmp_path: Path
) -> None:
    server = RawServer(bundle, tmp_path)
    seen: list[dict[str, Any]] = []
    for title in ("Emma", "Persuasion", "Middlemarch"):
        seen.append(server.call("find_loan", title=title)["structuredContent"])
    children = descendants(server.process.pid)
    server.process.kill()
    server.process.wait()
    server.close_pipes()
    record = read_journal(only_journal(tmp_path))
    assert [call.result for call in record.calls] == seen
    assert children
    assert wait_until_gone(children) == set()


def test_a_server_killed_within_a_call_has_a_sound_journal(bundle: Bundle, tmp_path: Path) -> None:
    server = RawServer(bundle, tmp_path)
    server.call("find_loan", title="Emma")
    server.send("tools/call", name="misbehave", arguments={"how": "hang"})
    children = descendants(server.process.pid)
    server.process.kill()
    server.process.wait()
    server.close_pipes()
    assert [call.tool for call in read_journal(only_journal(tmp_path)).calls] == ["find_loan"]
    assert wait_until_gone(children) == set()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_the_server_and_closes_the_journal(
    bundle: Bundle, tmp_path: Path, name: str
) -> None:
    server = RawServer(bundle, tmp_path)
    server.call("find_loan", title="Emma")
    children = descendants(server.process.pid)
    server.process.send_signal(signal.Signals[name])
    assert server.process.wait(10) == 0
    server.close_pipes()
    lines = only_journal(tmp_path).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-1]) == {"closed": {"reason": "the client went"}}
    assert wait_until_gone(children) == set()


def test_the_end_of_stdin_ends_the_server_even_within_a_call(
    bundle: Bundle, tmp_path: Path
) -> None:
    server = RawServer(bundle, tmp_path)
    server.call("find_loan", title="Emma")
    server.send("tools/call", name="misbehave", arguments={"how": "hang"})
    children = descendants(server.process.pid)
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(10) == 0
    server.close_pipes()
    first, *others = [call.outcome for call in read_journal(only_journal(tmp_path)).calls]
    assert first == "ok"
    # It may have ended before the second call was so much as begun.
    assert others in ([], ["cancelled"])
    assert wait_until_gone(children) == set()


@requirement("sandbox:no-orphans")
async def test_a_killed_client_leaves_no_server_even_when_its_pipes_stay_open(
    bundle: Bundle, tmp_path: Path
) -> None:
    # The client's end of the pipe is inherited by this test, so that stdin does not end.
    read_end, write_end = os.pipe()
    starter = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen({[sys.executable, *arguments(bundle, tmp_path)]!r},"
        f" stdin={read_end}, stdout=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", starter, stdout=subprocess.PIPE, pass_fds=(read_end,)
    )
    os.close(read_end)
    assert client.stdout is not None
    server = int(await client.stdout.readline())
    with anyio.fail_after(20):
        while not list(tmp_path.glob("*.jsonl")):
            await anyio.sleep(0.02)
    family = {server, *descendants(server)}
    assert is_alive(server)
    client.kill()
    await client.wait()
    assert await anyio.to_thread.run_sync(wait_until_gone, family) == set()
    os.close(write_end)


def test_a_task_that_does_not_exist_is_refused_in_one_line(bundle: Bundle, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, *arguments(bundle, tmp_path, task="nothing")],
        input=b"",
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == b""
    assert TASK in ended.stderr.decode("utf-8")
    assert ended.stderr.count(b"\n") == 1
    assert not list(tmp_path.iterdir())


def test_nothing_but_messages_goes_to_stdout_and_no_gold_before_a_call(
    bundle: Bundle, tmp_path: Path
) -> None:
    server = RawServer(bundle, tmp_path)
    server.send("server/discover")
    server.send("tools/list")
    said = [server.receive(), server.receive()]
    assert server.process.stdin is not None
    server.process.stdin.close()
    server.process.wait(10)
    server.close_pipes()
    assert said[0]["instructions"] == bundle.task(TASK).prompt
    assert GOLD_PHONE not in json.dumps(said)
    assert GOLD_PHONE not in only_journal(tmp_path).read_text(encoding="utf-8")


def test_a_batch_of_messages_is_answered_in_order_and_nonsense_is_survived(
    bundle: Bundle, tmp_path: Path
) -> None:
    server = RawServer(bundle, tmp_path)
    assert server.process.stdin is not None
    server.process.stdin.write(b'nonsense\n\xff\xfe\n[]\n{"method":"tools/list\\ud800"}\n')
    server.process.stdin.flush()
    errors = [server.receive_message() for _ in range(3)]
    found = [server.call("find_loan", title=title) for title in ("Emma", "Persuasion")]
    server.process.stdin.close()
    server.process.wait(10)
    server.close_pipes()
    assert [error["error"]["code"] for error in errors] == [-32700, -32700, -32600]
    assert [error["id"] for error in errors] == [None] * 3
    assert [reply["structuredContent"]["title"] for reply in found] == ["Emma", "Persuasion"]
    record = read_journal(only_journal(tmp_path))
    assert isinstance(record, EpisodeRecord)
    assert len(record.calls) == 2


CALL = (
    b'{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"find_loan","arguments":%s}}'
)


@pytest.mark.parametrize(
    "given",
    [
        b'{"title":"\\ud83d"}',
        b'{"a":' * 260 + b"1" + b"}" * 260,
        b'{"title":' + b"9" * 6000 + b"}",
        b'{"title":"' + b"x" * (5 << 20) + b'"}',
        b'{"title":"' + b"x" * (30 << 20) + b'"}',
        b'{"title":"' + b"[" * 5000,
    ],
    ids=["surrogate", "deep", "digits", "long", "longer", "torn"],
)
def test_a_call_that_cannot_be_read_is_answered_and_charged_and_the_server_goes_on(
    bundle: Bundle, tmp_path: Path, given: bytes
) -> None:
    server = RawServer(bundle, tmp_path)
    for identifier in (b"71", b'"seventy"'):
        server.write(CALL % (identifier, given))
        answer = server.receive_message()
        assert answer["id"] == json.loads(identifier)
        assert answer["error"]["code"] in {-32700, -32600}
    found = server.call("find_loan", title="Emma")
    server.close_pipes()
    server.process.wait(10)
    assert found["structuredContent"]["title"] == "Emma"
    record = read_journal(only_journal(tmp_path))
    assert [call.outcome for call in record.calls] == ["invalid_arguments"] * 2 + ["ok"]


async def test_an_episode_that_never_began_has_a_void_journal(
    bundle: Bundle, tmp_path: Path
) -> None:
    sandbox = ScriptedSandbox({})
    sandbox.fail_next(2)
    with pytest.raises(SandboxUnavailableError):
        await serve_stdio(bundle.path, TASK, seed=3, journal_dir=tmp_path, sandbox=sandbox)
    record = read_journal(only_journal(tmp_path))
    assert record.void == Failure(boundary="sandbox", message="a scripted failure")
    assert record.seed == 3


def test_files_serve_as_stdin_and_stdout(bundle: Bundle, tmp_path: Path) -> None:
    given, said = tmp_path / "given", tmp_path / "said"
    initialize: JsonObject = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    given.write_text(json.dumps(initialize) + "\n", encoding="utf-8")
    with given.open("rb") as stdin, said.open("wb") as stdout:
        command = [sys.executable, *arguments(bundle, tmp_path / "journals")]
        ended = subprocess.run(command, stdin=stdin, stdout=stdout, timeout=30, check=False)
    assert ended.returncode == 0
    assert json.loads(said.read_bytes())["result"]["serverInfo"]["name"] == bundle.name
