"""A sandbox worker and whoever connects to it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.canonical import JsonObject
from astra_arena.sandbox import Execution, RemoteSandbox, ScriptedSandbox, Succeeded
from astra_arena.sandbox.remote_link import Link
from astra_arena.sandbox.remote_protocol import (
    FROM_WORKER,
    LARGEST_FRAME,
    OPENING,
    VERSION,
    Beat,
    Call,
    Done,
    Greeting,
    Hello,
    Missing,
    Open,
    Opening,
    Outcome,
    Refused,
    Reply,
    Trouble,
    Upload,
    blob_digest,
    encoded,
    new_nonce,
)
from astra_arena.sandbox.remote_values import wire_program
from astra_arena.sandbox.worker_store import BlobStore
from tests.sandbox.programs import program_of
from tests.sandbox.workers import TOKEN, Peer, peer_of, until, worker_inside
from tests.support.requirement import requirement

ECHO = "def echo(db, *, x): return {'x': x}\n"


def echoing(tool: str, arguments: JsonObject) -> Execution:
    return Succeeded(arguments)


async def reply_to(peer: Peer) -> Reply:
    while isinstance(message := FROM_WORKER.decode(await peer.hear()), Beat):
        pass
    return message


async def open_by_hand(peer: Peer, folder: Path, *, session: int = 1) -> None:
    """Open a session as a client would, frame by frame."""
    program = program_of(folder, ECHO)
    blobs = {
        blob_digest(data): data for data in (program.tools_py, program.world_path.read_bytes())
    }
    tools, world = blobs
    request = Open(1, session, wire_program(program, tools=tools, world=world), "1")
    peer.say(request)
    reply = await reply_to(peer)
    if isinstance(reply, Missing):
        for digest in reply.blobs:
            peer.say(Upload(2, digest, blobs[digest], True))
            assert await reply_to(peer) == Done(2)
        peer.say(request)
        reply = await reply_to(peer)
    assert reply == Done(1)


async def require_alive(address: str, folder: Path) -> None:
    """A client of good will is served."""
    async with RemoteSandbox([address], token=TOKEN, patience_s=0) as sandbox:
        session = await sandbox.open_session(program_of(folder, ECHO), seed=1)
        assert await session.call("echo", {"x": 1}) == Succeeded({"x": 1})


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n" * 100,
        b"\xff\xff\xff\xff",
        b"\x00\x00\x10\x01" + b"x" * 5000,
        b"\x00\x00\x00\x03abc",
        b"\x00\x00\x00\x00",
        (5).to_bytes(4, "big") + b"\xdd\xff\xff\xff\xff",
    ],
)
async def test_garbage_ends_its_own_connection_only(tmp_path: Path, said: bytes) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address),
        peer_of(address) as peer,
    ):
        peer.say_bytes(said)
        await peer.hear_end()
        await require_alive(address, tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x93",
        b"\x92\xa9NoMessage\x01",
        b"\x91" * 100_000,
        encoded(Done(1)),
        encoded(Upload(1, "../../outside", b"x", False))[:-1],
    ],
)
async def test_a_known_client_that_talks_nonsense_is_cut_off(tmp_path: Path, said: bytes) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address),
        peer_of(address) as peer,
    ):
        await peer.greet()
        peer.say_frame(said)
        await peer.hear_end()
        await require_alive(address, tmp_path)


async def test_an_oversized_frame_is_refused_by_its_length_alone(tmp_path: Path) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address),
        peer_of(address) as peer,
    ):
        await peer.greet()
        peer.say_bytes((LARGEST_FRAME + 1).to_bytes(4, "big"))
        await peer.hear_end()
        await require_alive(address, tmp_path)


@requirement("sandbox:remote:authenticated")
async def test_a_frame_said_again_or_altered_is_refused(tmp_path: Path) -> None:
    async with worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address):
        for copies in (2, 1):
            async with peer_of(address) as peer:
                await peer.greet()
                assert peer.opening is not None
                body = encoded(Beat())
                frame = body + peer.opening.seal("client").tag(body)
                if copies == 1:
                    frame = frame[:-1] + bytes([frame[-1] ^ 1])
                peer.say_bytes((len(frame).to_bytes(4, "big") + frame) * copies)
                await peer.hear_end()


async def test_a_client_of_another_version_is_told_so(tmp_path: Path) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address),
        peer_of(address) as peer,
    ):
        hello = OPENING.decode(await peer.hear())
        assert isinstance(hello, Hello)
        peer.say(Greeting(VERSION + 1, b"", b""))
        refused = OPENING.decode(await peer.hear())
        assert isinstance(refused, Refused)
        assert f"version {VERSION}" in refused.reason


async def test_the_workers_own_proof_and_an_old_one_open_nothing(tmp_path: Path) -> None:
    async with worker_inside(tmp_path, ScriptedSandbox(echoing)) as (_, address):
        nonce = new_nonce()
        old = Opening(TOKEN, worker_nonce=new_nonce(), client_nonce=nonce).proof("client")
        for reflected in (True, False):
            async with peer_of(address) as peer:
                hello = OPENING.decode(await peer.hear())
                assert isinstance(hello, Hello)
                ours = Opening(TOKEN, worker_nonce=hello.nonce, client_nonce=nonce)
                peer.say(Greeting(VERSION, nonce, ours.proof("worker") if reflected else old))
                assert isinstance(OPENING.decode(await peer.hear()), Refused)


async def test_whoever_does_not_introduce_himself_is_sent_away(tmp_path: Path) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), handshake_s=0.05) as (_, address),
        peer_of(address) as peer,
    ):
        await peer.hear_end()


async def test_strangers_do_not_keep_clients_out(tmp_path: Path) -> None:
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), handshake_s=0.3) as (_, address),
        AsyncExitStack() as stack,
    ):
        strangers = [await stack.enter_async_context(peer_of(address)) for _ in range(100)]
        # The first ones are waited for, the others are sent away at once.
        await asyncio.gather(*(stranger.hear_end() for stranger in strangers))
        await require_alive(address, tmp_path)


async def test_the_sessions_of_a_silent_client_end(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox(echoing)
    async with (
        worker_inside(tmp_path, sandbox, beat_s=0.02) as (worker, address),
        peer_of(address) as peer,
    ):
        await peer.greet()
        await open_by_hand(peer, tmp_path)
        assert worker.session_count == 1
        await until(lambda: worker.session_count == 0)
        await peer.hear_end()


async def test_who_does_not_read_is_read_no_further(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox(lambda tool, arguments: Succeeded({"text": "x" * 1_000_000}))
    async with (
        worker_inside(tmp_path, sandbox) as (_, address),
        peer_of(address) as peer,
    ):
        await peer.greet()
        await open_by_hand(peer, tmp_path, session=1)
        await open_by_hand(peer, tmp_path, session=2)
        peer.say(Call(1, 1, "echo", b"{}", 0))
        await until(lambda: len(sandbox.calls) == 1)
        for session in (1, 2):
            peer.say(Call(2, session, "echo", b"{}", 0))
        await asyncio.sleep(0.1)
        assert len(sandbox.calls) == 1
        for _ in range(3):
            assert isinstance(await reply_to(peer), Outcome)
        assert len(sandbox.calls) == 3


async def test_a_blob_whose_bytes_have_another_digest_is_not_kept(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), store=store) as (_, address),
        peer_of(address) as peer,
    ):
        await peer.greet()
        wanted = blob_digest(b"code")
        for digest in (wanted, "../../outside", ""):
            peer.say(Upload(1, digest, b"other code", True))
            reply = await reply_to(peer)
            assert isinstance(reply, Trouble)
            assert store.missing((digest,)) == (digest,)
        peer.say(Upload(2, wanted, b"co", False))
        assert await reply_to(peer) == Done(2)
        peer.say(Upload(3, wanted, b"de", True))
        assert await reply_to(peer) == Done(3)
        assert store.path(wanted).read_bytes() == b"code"


async def test_a_broken_off_upload_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    folder = store.path("x").parent
    async with (
        worker_inside(tmp_path, ScriptedSandbox(echoing), store=store) as (_, address),
        peer_of(address) as peer,
    ):
        await peer.greet()
        peer.say(Upload(1, blob_digest(b"never"), b"ne", False))
        assert await reply_to(peer) == Done(1)
        assert len(list(folder.iterdir())) == 1
        peer.leave()
        await until(lambda: not list(folder.iterdir()))


async def test_a_full_store_forgets_what_was_unused_for_longest(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, most_bytes=10)

    def keep(data: bytes) -> str:
        digest = blob_digest(data)
        incoming = store.begin(digest)
        incoming.add(data)
        store.finish(incoming)
        return digest

    first, second = keep(b"first"), keep(b"secon")
    store.pin(first)
    assert store.missing((second,)) == ()
    third = keep(b"third")
    assert store.missing((first, second, third)) == (second,)
    store.close()


@given(st.lists(st.binary(max_size=200), max_size=5))
async def test_no_bytes_make_the_opening_raise(chunks: list[bytes]) -> None:
    link = Link()
    waiting = asyncio.ensure_future(link.receive_opening(0.01))
    await asyncio.sleep(0)
    for chunk in chunks:
        link.data_received(chunk)
    await asyncio.wait((waiting,))
    waiting.exception()
