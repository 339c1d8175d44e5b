"""Sessions at workers: who is let in, what is lost with a worker, what another one makes good."""

import asyncio
from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import PolicyError, SandboxUnavailableError, SettingsError
from astra_arena.sandbox import (
    Broke,
    Delivery,
    DurableSession,
    Execution,
    Limits,
    ProcessSandbox,
    RemoteSandbox,
    ScriptedSandbox,
    Succeeded,
)
from astra_arena.sandbox.remote_address import open_listener, parse_address, read_token
from astra_arena.sandbox.worker_store import BlobStore, Incoming
from tests.sandbox.programs import program_of
from tests.sandbox.test_process_sandbox import descendants, until_gone
from tests.sandbox.workers import (
    TOKEN,
    Peer,
    peers_at,
    running_worker,
    start_worker,
    until,
    worker_inside,
)
from tests.support.requirement import requirement

CODE = """
import random
def add(db, *, name):
    db.execute("INSERT INTO thing VALUES (?)", (name,))
    return {"count": db.execute("SELECT count(*) FROM thing").fetchone()[0], "r": random.random()}
def names(db): return {"names": [r[0] for r in db.execute("SELECT name FROM thing ORDER BY rowid")]}
def hang(db):
    while True: pass
"""


def echoing(tool: str, arguments: JsonObject) -> Execution:
    return Succeeded(arguments)


async def test_it_names_the_tier_of_its_workers(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        sandbox = worker.sandbox()
        assert sandbox.tier == "unknown"
        async with sandbox:
            assert sandbox.tier == worker.tier == ProcessSandbox().tier


async def test_a_worker_of_another_tier_is_not_used(tmp_path: Path) -> None:
    async def behave(peer: Peer) -> None:
        await peer.welcome(tier="none at all")

    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), max_sessions=1) as (_, one),
        peers_at(tmp_path / "other", behave) as other,
        RemoteSandbox([one, other], token=TOKEN, patience_s=0) as sandbox,
    ):
        await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
        with pytest.raises(SandboxUnavailableError, match="'none at all'"):
            await sandbox.open_session(program_of(tmp_path, CODE), seed=1)


async def test_a_worker_below_the_minimum_is_not_used(tmp_path: Path) -> None:
    async with worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address):
        sandbox = RemoteSandbox([address], token=TOKEN, min_tier="seccomp", patience_s=0)
        with pytest.raises(SandboxUnavailableError, match="'scripted', expected at least"):
            await sandbox.connect()


@requirement("sandbox:remote:authenticated")
async def test_a_wrong_token_is_refused_and_named(tmp_path: Path) -> None:
    async with worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address):
        sandbox = RemoteSandbox([address], token="not the token at all", patience_s=0)
        with pytest.raises(SandboxUnavailableError, match="token is not the worker's"):
            await sandbox.connect()


@requirement("sandbox:remote:authenticated")
async def test_a_worker_that_does_not_know_the_token_gets_nothing(tmp_path: Path) -> None:
    async def behave(peer: Peer) -> None:
        await peer.welcome("some other token")

    async with peers_at(tmp_path / "impostor", behave) as address:
        sandbox = RemoteSandbox([address], token=TOKEN, patience_s=0)
        with pytest.raises(SandboxUnavailableError, match="does not know the token"):
            await sandbox.open_session(program_of(tmp_path, CODE), seed=1)


async def test_the_token_never_crosses_the_wire(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async with worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address):

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65536):
                heard.append(data)
                writer.write(data)
            writer.close()

        async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            theirs = await asyncio.open_unix_connection(address.removeprefix("unix:"))
            await asyncio.gather(pass_on(reader, theirs[1]), pass_on(theirs[0], writer))

        between = await asyncio.start_unix_server(attend, tmp_path / "between")
        async with RemoteSandbox([f"unix:{tmp_path}/between"], token=TOKEN) as sandbox:
            session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
            await session.call("names", {})
        between.close()
    assert len(b"".join(heard)) > 1000
    assert TOKEN.encode() not in b"".join(heard)


@requirement("sandbox:remote:lost-worker")
@pytest.mark.parametrize("busy", [True, False])
async def test_a_worker_killed_during_or_between_calls_is_made_good_by_another(
    tmp_path: Path, busy: bool
) -> None:
    with running_worker(tmp_path) as one, running_worker(tmp_path) as two:
        async with one.sandbox(two) as sandbox:
            program = program_of(tmp_path, CODE, limits=Limits(call_seconds=1.0))
            session = DurableSession(sandbox, program, seed=1)
            first = await session.call("add", {"name": "a"})
            # The session is at the first worker: neither had any.
            if busy:
                below = descendants(one.pid)
                hanging = asyncio.ensure_future(session.call("hang", {}))
                await asyncio.sleep(0.1)
                one.kill()
                broke = await hanging
                assert isinstance(broke.execution, Broke)
                assert broke.execution.kind == "timeout"
                await until_gone(*below)
            else:
                one.kill()
            names = await session.call("names", {})
            assert names == Delivery(Succeeded({"names": ["a"]}), recovered=False)
            second = await session.call("add", {"name": "a"})
            assert isinstance(first.execution, Succeeded)
            assert isinstance(second.execution, Succeeded)
            assert second.execution.result["count"] == 2
            assert second.execution.result["r"] != first.execution.result["r"]


async def test_without_a_durable_session_a_lost_worker_is_told(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with worker.sandbox(patience_s=0) as sandbox:
            session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
            hanging = asyncio.ensure_future(session.call("hang", {}))
            await asyncio.sleep(0.05)
            worker.kill()
            with pytest.raises(SandboxUnavailableError):
                await hanging
            with pytest.raises(SandboxUnavailableError):
                await session.call("names", {})
            with pytest.raises(SandboxUnavailableError, match="no sandbox worker"):
                await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
            await session.close()


async def test_a_worker_that_is_started_again_is_found_again(tmp_path: Path) -> None:
    listen = f"unix:{tmp_path}/socket"
    with running_worker(tmp_path, listen) as worker:
        sandbox = worker.sandbox(patience_s=20)
        session = DurableSession(sandbox, program_of(tmp_path, CODE), seed=1)
        await session.call("add", {"name": "a"})
        worker.kill()
        # It boots while the session is looking for it.
        again = start_worker(tmp_path, listen)
        try:
            delivery = await session.call("names", {})
            assert delivery == Delivery(Succeeded({"names": ["a"]}), recovered=False)
            await session.close()
            await sandbox.close()
        finally:
            again.terminate()
            again.wait()
            if again.stdout is not None:
                again.stdout.close()


async def test_once_no_worker_was_found_the_next_session_does_not_wait(tmp_path: Path) -> None:
    listen = f"unix:{tmp_path}/socket"
    with running_worker(tmp_path, listen) as worker:
        sandbox = worker.sandbox(patience_s=0.3)
        program = program_of(tmp_path, CODE)
        await (await sandbox.open_session(program, seed=1)).close()
        worker.kill()
    met = 0

    async def behave(peer: Peer) -> None:
        nonlocal met
        met += 1
        peer.leave()

    (tmp_path / "socket").unlink(missing_ok=True)
    async with peers_at(tmp_path / "socket", behave):
        with pytest.raises(SandboxUnavailableError, match="no sandbox worker"):
            await sandbox.open_session(program, seed=1)
        looked = met
        with pytest.raises(SandboxUnavailableError, match="no sandbox worker"):
            await sandbox.open_session(program, seed=1)
    assert looked > 1
    assert met == looked + 1
    (tmp_path / "socket").unlink(missing_ok=True)
    with running_worker(tmp_path, listen):
        await (await sandbox.open_session(program, seed=1)).close()
        await sandbox.close()


async def test_a_worker_that_falls_silent_is_lost(tmp_path: Path) -> None:
    async def behave(peer: Peer) -> None:
        await peer.welcome()

    async with peers_at(tmp_path / "silent", behave) as address:
        sandbox = RemoteSandbox([address], token=TOKEN, patience_s=0, beat_s=0.02)
        async with asyncio.timeout(10):
            with pytest.raises(SandboxUnavailableError, match="nothing was heard"):
                await sandbox.open_session(program_of(tmp_path, CODE), seed=1)


@requirement("sandbox:remote:multiplexed")
async def test_many_sessions_at_once_keep_their_worlds_apart(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with worker.sandbox() as sandbox:
            program = program_of(tmp_path, CODE)

            async def play(number: int) -> object:
                session = await sandbox.open_session(program, seed=number)
                for step in range(5):
                    await session.call("add", {"name": f"{number}.{step}"})
                return await session.call("names", {})

            results = await asyncio.gather(*(play(number) for number in range(40)))
            assert results == [
                Succeeded({"names": [f"{number}.{step}" for step in range(5)]})
                for number in range(40)
            ]


async def test_sessions_are_spread_and_a_full_worker_sends_them_on(tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), max_sessions=3) as (one, first),
        worker_inside(tmp_path / "2", ScriptedSandbox(echoing), max_sessions=1) as (two, second),
        RemoteSandbox([first, second], token=TOKEN, patience_s=0) as sandbox,
    ):
        program = program_of(tmp_path, CODE)
        sessions = [await sandbox.open_session(program, seed=1) for _ in range(4)]
        assert (one.session_count, two.session_count) == (3, 1)
        with pytest.raises(SandboxUnavailableError, match="has its 3 sessions"):
            await sandbox.open_session(program, seed=1)
        await sessions[0].close()
        await until(lambda: one.session_count == 2)
        await sandbox.open_session(program, seed=1)


async def test_code_and_world_are_sent_once(tmp_path: Path) -> None:
    class CountingStore(BlobStore):
        begun = 0

        def begin(self, digest: str) -> Incoming:
            self.begun += 1
            return super().begin(digest)

    store = CountingStore(tmp_path)
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), store=store) as (_, address),
        RemoteSandbox([address], token=TOKEN) as sandbox,
    ):
        program = program_of(tmp_path, CODE)
        await asyncio.gather(*(sandbox.open_session(program, seed=n) for n in range(10)))
        assert store.begun == 2
        with program.world_path.open("ab") as world:
            world.write(bytes(3 << 20))
        await sandbox.open_session(program, seed=1)
        assert store.begun == 3


async def test_what_the_worker_forgot_is_sent_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, most_bytes=40_000)
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), store=store) as (_, address),
        RemoteSandbox([address], token=TOKEN, patience_s=0) as sandbox,
    ):
        for number in (1, 2, 1):
            code = CODE + f"# {number}" * 6_000
            session = await sandbox.open_session(program_of(tmp_path, code), seed=1)
            await session.close()
        with pytest.raises(SandboxUnavailableError, match="more than 40000 bytes"):
            await sandbox.open_session(program_of(tmp_path, CODE + "#" * 50_000), seed=1)


async def test_a_cancelled_call_ends_the_session_at_the_worker(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with worker.sandbox() as sandbox:
            session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
            below = descendants(worker.pid)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await session.call("hang", {})
            await until(lambda: len(descendants(worker.pid)) == len(below) - 1)
            with pytest.raises(SandboxUnavailableError):
                await session.call("names", {})


@pytest.mark.parametrize("politely", [True, False])
async def test_when_a_client_goes_its_sessions_end(tmp_path: Path, politely: bool) -> None:
    async with worker_inside(tmp_path, ScriptedSandbox(echoing)) as (worker, address):
        sandbox = RemoteSandbox([address], token=TOKEN)
        session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
        assert worker.session_count == 1
        if politely:
            await session.close()
            await session.close()
        else:
            await sandbox.close()
        await until(lambda: worker.session_count == 0)
        await sandbox.close()
        with pytest.raises(SandboxUnavailableError):
            await session.call("names", {})
        with pytest.raises(SandboxUnavailableError, match="closed"):
            await sandbox.open_session(program_of(tmp_path, CODE), seed=1)


async def test_two_calls_at_once_are_the_callers_mistake(tmp_path: Path) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address),
        RemoteSandbox([address], token=TOKEN) as sandbox,
    ):
        session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
        calls = (session.call("add", {"name": n}) for n in range(2))
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(r) for r in results] == [Succeeded, RuntimeError]


async def test_findings_and_missing_worlds_are_told(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with worker.sandbox(patience_s=60) as sandbox:
            with pytest.raises(PolicyError) as refusal:
                await sandbox.open_session(program_of(tmp_path, "def echo(db:\n"), seed=1)
            assert refusal.value.findings[0].startswith("tools.py:1:")
            program = program_of(tmp_path, CODE)
            program.world_path.write_bytes(b"this is no database, but text of some length" * 99)
            with pytest.raises(SandboxUnavailableError, match="world"):
                await sandbox.open_session(program, seed=1)
            program.world_path.unlink()
            with pytest.raises(SandboxUnavailableError, match="world"):
                await sandbox.open_session(program, seed=1)


async def test_arguments_that_no_frame_holds_break_the_call_only(tmp_path: Path) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address),
        RemoteSandbox([address], token=TOKEN) as sandbox,
    ):
        session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
        execution = await session.call("add", {"name": "x" * (64 << 20)})
        assert isinstance(execution, Broke)
        assert (execution.kind, execution.session_lost) == ("too_large", False)
        lone: JsonObject = {"name": "\ud800"}
        assert isinstance(await session.call("add", lone), Broke)


def test_it_runs_under_uvloop(tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def work() -> None:
        with running_worker(tmp_path) as worker:
            async with worker.sandbox(patience_s=0) as sandbox:
                session = await sandbox.open_session(program_of(tmp_path, CODE), seed=1)
                for number in range(3):
                    await session.call("add", {"name": str(number) * 500_000})
                worker.kill()
                with pytest.raises(SandboxUnavailableError):
                    await session.call("names", {})

    uvloop.run(work())


@pytest.mark.parametrize(
    "text", ["", "unix:", "tcp:8650", "tcp:host:99999", "http://x:1", "tcp::1"]
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="unix:PATH or tcp:HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize("text", ["unix:/a/b", "tcp:host:1", "tcp:[::1]:8650"])
def test_an_address_reads_as_it_was_written(text: str) -> None:
    assert str(parse_address(text)) == text


def test_a_taken_socket_is_kept_and_a_stale_one_replaced(tmp_path: Path) -> None:
    address = parse_address(f"unix:{tmp_path}/socket")
    with open_listener(address), pytest.raises(SettingsError, match="could not listen"):
        open_listener(address)
    assert (tmp_path / "socket").exists()
    with open_listener(address):
        assert (tmp_path / "socket").stat().st_mode & 0o077 == 0


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="at least 16"):
        read_token(tmp_path / "token")
    with pytest.raises(SettingsError, match="could not read"):
        read_token(tmp_path / "missing")
