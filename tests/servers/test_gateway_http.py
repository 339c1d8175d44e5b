"""External MCP servers over HTTP, in both generations, and the command that wraps servers."""

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.cli import run
from astra_arena.core.errors import SettingsError
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, load_bundle, open_episode
from astra_arena.servers.bundles.external_world import ExternalWorld, Generation, world_of
from astra_arena.servers.episodes.failures import ServerUnreachableError
from astra_arena.servers.gateway.allowing import with_external
from astra_arena.servers.gateway.gateway_session import OUTCOME_UNKNOWN_TEXT
from astra_arena.servers.gateway.http_link import MOST_REPLY_BYTES
from astra_arena.servers.gateway.wrapping import Wrapping, unlisted, wrap_server
from tests.support.requirement import requirement

NOTES = "notes"
ROOT = Path(__file__).parents[2]
STDIO_SERVER = Path(__file__).with_name("notes_server.py")
KEY_VARIABLE = "NOTES_TEST_KEY"
KEY = "open sesame"


@contextmanager
def _server() -> Generator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.notes_http_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp", process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


def _world(url: str, generation: Generation | None = None) -> ExternalWorld:
    http: JsonObject = {"url": url, "headers_from": {"X-Key": KEY_VARIABLE}}
    return unlisted({"http": http, "state": "server", "generation": generation})


def _task() -> Task:
    return Task(
        id="city",
        environments=("sha256:unbound",),
        budget=Budget(calls=20),
        turns=(Turn(say="What does it say?", expect=Expectation(kind="act")),),
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


async def _wrapped(folder: Path, world: ExternalWorld) -> Bundle:
    return await wrap_server(folder / NOTES, world, Wrapping(name=NOTES), tasks=(_task(),))


@asynccontextmanager
async def _playing(bundle: Bundle) -> AsyncGenerator[Episode]:
    sandbox = with_external(ProcessSandbox(), [bundle], [NOTES])
    try:
        episode = await open_episode(bundle, bundle.task("city"), sandbox)
        yield episode
        await episode.close()
    finally:
        await sandbox.close()


@requirement("gateway:http")
@pytest.mark.parametrize("generation", ["modern", "legacy"])
async def test_a_server_over_http_is_wrapped_and_played_in_either_generation(
    tmp_path: Path, generation: Generation
) -> None:
    with _server() as (url, _):
        asked: Generation | None = "legacy" if generation == "legacy" else None
        bundle = await _wrapped(tmp_path, _world(url, asked))
        async with _playing(bundle) as first:
            added = await first.call("add_note", {"title": "shared", "text": "by all"})
            refused = await first.call("get_note", {"title": "none"})
        async with _playing(bundle) as second:
            shared = await second.call("get_note", {"title": "shared"})
            await second.call("get_note", {"title": "hillside-city"})

    assert world_of(bundle).generation == generation
    assert added.structured == {"count": 2}
    assert refused.is_error
    assert shared.structured == {"title": "shared", "text": "by all"}
    assert second.verdict().component("f1") is not None
    assert second.verdict().solved
    assert second.record().tier == "external"


@requirement("gateway:http")
async def test_headers_come_from_variables_and_stand_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _server() as (url, _):
        bundle = await _wrapped(tmp_path, _world(url))
        monkeypatch.setenv(KEY_VARIABLE, "wrong")
        with pytest.raises(ServerUnreachableError):
            await _wrapped(tmp_path / "other", _world(url))

    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(SettingsError, match=KEY_VARIABLE):
        with_external(ProcessSandbox(), [bundle], [NOTES])
    assert not any(KEY.encode() in file.read_bytes() for file in bundle.path.iterdir())


@requirement("gateway:http")
async def test_replies_that_are_too_large_are_defects_and_the_episode_goes_on(
    tmp_path: Path,
) -> None:
    with _server() as (url, _):
        bundle = await _wrapped(tmp_path, _world(url))
        async with _playing(bundle) as episode:
            floods = [
                await episode.call("flood", {"size": size}) for size in (2 << 20, MOST_REPLY_BYTES)
            ]
            told = await episode.call("get_note", {"title": "hillside-city"})

    assert [flood.text for flood in floods] == ["the tool failed"] * 2
    assert [call.outcome for call in episode.calls] == ["environment_error"] * 2 + ["ok"]
    assert told.structured == {"title": "hillside-city", "text": "Wuppertal"}
    assert episode.void is None


@requirement("gateway:http", "gateway:no-void")
async def test_a_lost_server_voids_nothing_and_lost_writes_are_told(tmp_path: Path) -> None:
    with _server() as (url, process):
        bundle = await _wrapped(tmp_path, _world(url))
        async with _playing(bundle) as episode:
            await episode.call("get_note", {"title": "hillside-city"})
            process.kill()
            process.wait()
            write = await episode.call("add_note", {"title": "x", "text": "y"})
            reads = [await episode.call("get_note", {"title": "x"}) for _ in range(2)]

    assert write.text == OUTCOME_UNKNOWN_TEXT
    assert [read.text for read in reads] == ["the tool failed"] * 2
    assert episode.void is None
    assert episode.verdict().component("f1") is not None


def _tasks_file(folder: Path) -> Path:
    task = {name: value for name, value in _task().to_json().items() if name != "environments"}
    path = folder / "tasks.jsonl"
    path.write_text(json.dumps(task) + "\n")
    return path


@requirement("gateway:http", "gateway:wrap")
def test_the_command_wraps_an_address_with_its_tasks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / NOTES
    with _server() as (url, _):
        options = ["--url", url, "--header", f"X-Key={KEY_VARIABLE}", "--read-only", "listing"]
        code = run(
            ["gateway", "wrap", "--out", str(out), *options, "--tasks", str(_tasks_file(tmp_path))]
        )

    bundle = load_bundle(out)
    assert code == 0
    assert f"--allow-external {NOTES}" in capsys.readouterr().out
    assert [task.id for task in bundle.tasks] == ["city"]
    assert world_of(bundle).state == "server"
    reads = {tool.name for tool in bundle.environment.tools if tool.read_only}
    assert reads == {"get_note", "flood", "listing"}
    assert "addNote: is called add_note here" in str(bundle.environment.provenance["changes"])


@requirement("gateway:wrap")
def test_the_command_wraps_a_program_with_files_and_variables(tmp_path: Path) -> None:
    out = tmp_path / "My Notes"
    file = tmp_path / "seed.txt"
    file.write_text("hello")
    command = ["--", sys.executable, str(STDIO_SERVER)]
    options = ["--file", str(file), "--env", KEY_VARIABLE, "--call-seconds", "5"]

    code = run(["gateway", "wrap", "--out", str(out), *options, *command])

    bundle = load_bundle(out)
    world = world_of(bundle)
    assert code == 0
    assert bundle.name == "my-notes"
    assert world.state == "connection"
    assert world.file_contents() == {"seed.txt": b"hello"}
    assert world.variables == (KEY_VARIABLE,)
    assert world.call_seconds == 5
    assert KEY not in (out / "world.json").read_text()


@requirement("gateway:wrap")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name one server"),
        (["--url", "http://x/mcp", "--", "true"], "name one server"),
        (["--url", "http://x/mcp", "--header", "X-Key=open sesame"], "never written to a bundle"),
        (["--url", "http://me:secret@x/mcp"], "must not be in the address"),
        (["--url", "http://x/mcp", "--env", "A"], "are for a command"),
        (["--header", "A=B", "--", "true"], "is for --url"),
        (["--", sys.executable, "-c", "print('no MCP')"], "cannot be used"),
    ],
)
def test_the_command_says_what_it_cannot_wrap(
    tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["gateway", "wrap", "--out", str(tmp_path / "out"), *options])

    assert code != 0
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()
