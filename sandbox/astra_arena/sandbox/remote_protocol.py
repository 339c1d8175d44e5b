"""What a sandbox client and a sandbox worker say to each other, and how each proves who it is.

Every frame is four bytes of length, big-endian, then the body. Three frames open a connection:

    worker → client   Hello    version, nonce
    client → worker   Greeting version, nonce, proof
    worker → client   Welcome  proof, tier            (or Refused)

A proof is an HMAC of both nonces under the shared token, with a label that differs by side, so the
token never crosses the wire and neither side's proof serves as the other's. From then on each body
ends with a tag over its direction, its number in the stream and its content.

Covered: strangers, replayed, forged, reordered and truncated frames. Not covered: secrecy. Tool
code, worlds and replies can be read on the way; beyond one machine use a network of your own.
"""

import hashlib
import hmac
import secrets
from typing import Literal, TypeAlias

import msgspec

from astra_arena.sandbox.contract import BrokeKind

VERSION = 2
NONCE_BYTES = 32
TAG_BYTES = 16
LARGEST_OPENING = 4096
"""Bytes that a frame may have before the other side has proved who it is."""
LARGEST_FRAME = 64 << 20
"""Bytes that any other frame may have."""
CHUNK_BYTES = 1 << 20
"""Bytes of a world that one frame carries."""
BEAT_S = 5.0
"""How often each side says something, if only that it is there."""
SILENT_BEATS = 6
"""A side that was silent for so many beats is gone."""
HANDSHAKE_S = 10.0
UPLOAD_S = 60.0

Side: TypeAlias = Literal["client", "worker"]

WireBroke: TypeAlias = tuple[BrokeKind, str, bool]
"""Kind, detail and whether the session is lost."""


class Message(msgspec.Struct, frozen=True, tag=True, array_like=True, forbid_unknown_fields=True):
    """Anything that is said."""


class Hello(Message, frozen=True):
    """The worker's first word."""

    version: int
    nonce: bytes


class Greeting(Message, frozen=True):
    """The client's answer."""

    version: int
    nonce: bytes
    proof: bytes


class Welcome(Message, frozen=True):
    """The worker knows the client; its proof shows that it knows the token, too."""

    proof: bytes
    tier: str


class Refused(Message, frozen=True):
    """The worker ends the connection."""

    reason: str


class WireLimits(msgspec.Struct, frozen=True, array_like=True):
    """`contract.Limits` on the wire."""

    call_seconds: float
    cpu_seconds: float
    memory_mib: int
    reply_bytes: int
    sql_steps: int


class WireProgram(msgspec.Struct, frozen=True, array_like=True):
    """`contract.Program` on the wire: code and world by the SHA-256 of their bytes."""

    digest: str
    tools: str
    world: str
    tool_names: tuple[str, ...]
    world_kind: Literal["sqlite", "json", "python"]
    clock: str
    requires: tuple[str, ...]
    limits: WireLimits


class Open(Message, frozen=True):
    """Start a session; the client chooses its number."""

    id: int
    session: int
    program: WireProgram
    # Text, because seeds have no bound and numbers on the wire do.
    seed: str


class Upload(Message, frozen=True):
    """The next bytes of a blob; the last ones complete it."""

    id: int
    digest: str
    data: bytes
    last: bool


class Call(Message, frozen=True):
    """Run one tool."""

    id: int
    session: int
    tool: str
    arguments: bytes
    """Canonical JSON."""
    attempt: int


class WireReplayCall(msgspec.Struct, frozen=True, array_like=True):
    """`contract.ReplayCall` on the wire."""

    tool: str
    arguments: bytes
    attempt: int
    trace: str
    seconds: float


class Replay(Message, frozen=True):
    """Make earlier calls again."""

    id: int
    session: int
    calls: tuple[WireReplayCall, ...]


class AskDigest(Message, frozen=True):
    """Tell the digest of a session's state."""

    id: int
    session: int


class AskDifference(Message, frozen=True):
    """Tell what a session changed."""

    id: int
    session: int


class Close(Message, frozen=True):
    """End a session; not answered."""

    session: int


class Beat(Message, frozen=True):
    """Nothing but a sign of life; both sides send it."""


class Done(Message, frozen=True):
    """A request was carried out."""

    id: int


class Missing(Message, frozen=True):
    """A session cannot start before these blobs are uploaded."""

    id: int
    blobs: tuple[str, ...]


class Outcome(Message, frozen=True):
    """How a call ended; exactly one of the three is there."""

    id: int
    ok: bytes | None = None
    """JSON, apart from the frame: what tool code nests must not break the frame's decoder."""
    failed: str | None = None
    broke: WireBroke | None = None
    trace: str | None = None


class Replayed(Message, frozen=True):
    """How far a replay came."""

    id: int
    replayed: int
    broke: WireBroke | None = None


class Digest(Message, frozen=True):
    """A session's state digest, or why there is none."""

    id: int
    digest: str
    broke: WireBroke | None = None


class Difference(Message, frozen=True):
    """What a session changed, or why that cannot be told."""

    id: int
    difference: bytes
    """JSON, apart from the frame."""
    broke: WireBroke | None = None


class Trouble(Message, frozen=True):
    """A request raised."""

    id: int
    kind: Literal["unavailable", "full", "policy", "spec"]
    text: str
    findings: tuple[str, ...] = ()


Asked: TypeAlias = Open | Call | Replay | AskDigest | AskDifference
"""What a session works on."""
FromClient: TypeAlias = Asked | Upload | Close | Beat
Reply: TypeAlias = Done | Missing | Outcome | Replayed | Digest | Difference | Trouble
FromWorker: TypeAlias = Reply | Beat

OPENING = msgspec.msgpack.Decoder(Hello | Greeting | Welcome | Refused)
FROM_CLIENT = msgspec.msgpack.Decoder(FromClient)
FROM_WORKER = msgspec.msgpack.Decoder(FromWorker)

_ENCODER = msgspec.msgpack.Encoder()


def encoded(message: Message) -> bytes:
    """Return a message's bytes."""
    return _ENCODER.encode(message)


def new_nonce() -> bytes:
    """Return bytes that nobody can foresee."""
    return secrets.token_bytes(NONCE_BYTES)


def blob_digest(data: bytes) -> str:
    """Return the name of a blob."""
    return hashlib.sha256(data).hexdigest()


class Opening:
    """The two nonces of a connection and the shared token: what proofs and tags are made of."""

    def __init__(self, token: str, *, worker_nonce: bytes, client_nonce: bytes) -> None:
        self._token = token.encode("utf-8")
        self._nonces = b"%d|" % VERSION + worker_nonce + client_nonce

    def proof(self, side: Side) -> bytes:
        """Return what shows that this side knows the token."""
        return self._keyed(b"proof of the " + side.encode("ascii"))

    def proves(self, side: Side, proof: bytes) -> bool:
        """Tell whether `proof` is that side's, in a time that does not depend on it."""
        return hmac.compare_digest(self.proof(side), proof)

    def seal(self, side: Side) -> "Seal":
        """Return the seal of all frames that `side` sends."""
        return Seal(self._keyed(b"frames of the " + side.encode("ascii")))

    def _keyed(self, label: bytes) -> bytes:
        return hmac.digest(self._token, label + b"|" + self._nonces, "sha256")


class Seal:
    """Tags the frames of one direction, in their order."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._number = 0

    def tag(self, body: bytes | memoryview) -> bytes:
        """Return the next frame's tag."""
        mac = hashlib.blake2b(self._number.to_bytes(8, "big"), key=self._key, digest_size=TAG_BYTES)
        mac.update(body)
        self._number += 1
        return mac.digest()
