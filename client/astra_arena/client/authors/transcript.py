"""Transcripts: replies in a file, by what was asked, for replay without a model.

One JSON object a line, `{"stage", "item", "part", "sample", "turn", "text", "finish_reason",
"prompt_tokens", "completion_tokens"}`; what has its usual value is left out. Lines are found by
stage, item, part, sample and turn, in any order. A line with `"repeats": true` also answers all
later turns: a model that never gets it right. Texts are the raw replies, bad ones like good ones.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import Field

from astra_arena.client.authors.author import RequestId, Usage
from astra_arena.client.authors.chat import ChatCall, ChatReply
from astra_arena.client.authors.prompts import Message
from astra_arena.core.canonical import canonical_bytes, digest_of_bytes, line_text
from astra_arena.core.errors import SpecError, TranscriptError
from astra_arena.core.model import Model

BYTES_PER_TOKEN = 4
MOST_NAMED = 5


class TranscriptLine(Model):
    """One reply and what it is the reply to."""

    stage: str
    item: str
    part: str = ""
    sample: int = Field(default=0, ge=0)
    turn: int = Field(default=0, ge=0)
    text: str
    finish_reason: str | None = "stop"
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)
    """Where tokens are not given, `counted` gives a number that follows from the texts."""
    repeats: bool = False
    """Whether this is the reply to all later turns, too."""

    @property
    def key(self) -> "TranscriptKey":
        """What the line is found by."""
        return RequestId(self.stage, self.item, self.part, self.sample), self.turn

    def reply(self, messages: Sequence[Message]) -> ChatReply:
        """Return the line as the reply to these messages."""
        estimate = counted(messages, self.text)
        given = (self.prompt_tokens, self.completion_tokens)
        usage = Usage(
            estimate.prompt_tokens if given[0] is None else given[0],
            estimate.completion_tokens if given[1] is None else given[1],
        )
        return ChatReply(self.text, self.finish_reason, usage)


TranscriptKey = tuple[RequestId, int]
"""A request and the turn within it."""


class Transcript:
    """The replies of one or more files; texts stay on disk until they are asked for.

    Args:
        paths: JSONL files; no two lines may be for the same turn.

    Raises:
        TranscriptError: if a file cannot be read, a line is damaged or a turn stands twice.
    """

    def __init__(self, *paths: Path) -> None:
        self.paths = paths
        self._places: dict[TranscriptKey, tuple[int, int]] = {}
        """File and offset of each line."""
        self._repeating: dict[RequestId, int] = {}
        self._unused: set[TranscriptKey] = set()
        digests: list[bytes] = []
        for index, path in enumerate(paths):
            digests.append(self._index(index, path))
        self.digest = digest_of_bytes(*digests)
        self._unused |= self._places.keys()

    def __len__(self) -> int:
        return len(self._places)

    def take(self, request: RequestId, turn: int) -> TranscriptLine:
        """Return the line for a turn and note that it was used.

        Raises:
            TranscriptError: if there is none; the message names what there is for the request.
        """
        repeating = self._repeating.get(request, turn)
        key = (request, min(turn, repeating))
        if key not in self._places:
            raise self._missing(request, turn)
        self._unused.discard(key)
        index, offset = self._places[key]
        with self.paths[index].open("rb") as file:
            file.seek(offset)
            return _line(file.readline(), str(self.paths[index]))

    def unused(self) -> tuple[str, ...]:
        """Name the lines that nobody has asked for, sorted."""
        return tuple(sorted(_named(*key) for key in self._unused))

    def require_spent(self) -> None:
        """Require that every line was asked for.

        Raises:
            TranscriptError: naming some that were not.
        """
        left = self.unused()
        if left:
            raise TranscriptError(
                f"{len(left)} replies of {self._where()} were never asked for: "
                f"{', '.join(left[:MOST_NAMED])}{', …' if len(left) > MOST_NAMED else ''}; delete "
                "them, or see why what they answer is not asked"
            )

    def _index(self, index: int, path: Path) -> bytes:
        offset = 0
        content: list[bytes] = []
        for number, raw in enumerate(_lines(path), start=1):
            where = f"{path} line {number}"
            if raw.strip():
                line = _line(raw, where)
                if line.key in self._places:
                    raise TranscriptError(f"{where}: {_named(*line.key)} has a reply already")
                self._places[line.key] = (index, offset)
                if line.repeats:
                    self._repeating[line.key[0]] = line.turn
            content.append(digest_of_bytes(raw).encode())
            offset += len(raw)
        return digest_of_bytes(*content).encode()

    def _missing(self, request: RequestId, turn: int) -> TranscriptError:
        near = [
            _named(*key)
            for key in sorted(self._places, key=lambda key: _named(*key))
            if (key[0].stage, key[0].item) == (request.stage, request.item)
        ]
        there = ", ".join(near[:MOST_NAMED]) or "nothing for this stage and item"
        return TranscriptError(
            f"expected a reply to {_named(request, turn)} in {self._where()}, got none; there is "
            f"{there}. Add the line, or record the transcript again"
        )

    def _where(self) -> str:
        return ", ".join(map(str, self.paths))


class TranscriptWriter:
    """Records replies as a transcript: pass `add` to an author as `on_exchange`.

    A request is written when it is over, all its turns at once, so nothing is half recorded.

    Args:
        path: A file that is not there yet.

    Raises:
        TranscriptError: if the file is there or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: dict[RequestId, str] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o644)
        except FileExistsError:
            raise TranscriptError(f"{path} is there already; record into a new file") from None
        except OSError as error:
            raise TranscriptError(f"cannot record into {path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, call: ChatCall, replies: Sequence[ChatReply]) -> None:
        """Write all turns of one request, once.

        Raises:
            TranscriptError: if they cannot be written, or the request had other replies before.
        """
        lines = [_recorded(call, turn, reply) for turn, reply in enumerate(replies)]
        data = b"".join(_written(line) for line in lines)
        digest = digest_of_bytes(data)
        before = self._written.get(call.id)
        if before == digest:
            return
        if before is not None:
            raise TranscriptError(
                f"{call.id} was asked twice and answered differently, which no transcript can "
                "replay; requests of one stage and item need different parts"
            )
        self._written[call.id] = digest
        try:
            os.write(self._file, data)
        except OSError as error:
            raise TranscriptError(f"cannot record into {self.path}: {error.strerror}") from None

    def close(self) -> None:
        """Close the file, and remove it if nothing was recorded; closing twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if not self._written:
                self.path.unlink(missing_ok=True)


def counted(messages: Sequence[Message], text: str) -> Usage:
    """Return a usage that follows from the texts alone: a token for each four bytes begun."""
    said = sum(_tokens(message.content) for message in messages)
    return Usage(said, _tokens(text))


def _tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def _written(line: TranscriptLine) -> bytes:
    try:
        return line_text(line.to_json()).encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate in the reply: escaped, it can be written.
        return canonical_bytes(line.to_json()) + b"\n"


def _recorded(call: ChatCall, turn: int, reply: ChatReply) -> TranscriptLine:
    return TranscriptLine(
        stage=call.id.stage,
        item=call.id.item,
        part=call.id.part,
        sample=call.id.sample,
        turn=turn,
        text=reply.text,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.usage.prompt_tokens if reply.usage else None,
        completion_tokens=reply.usage.completion_tokens if reply.usage else None,
    )


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise TranscriptError(f"cannot read the transcript {path}: {error.strerror}") from None


def _line(raw: bytes, where: str) -> TranscriptLine:
    try:
        return TranscriptLine.from_json(json.loads(raw), what=where)
    except SpecError as error:
        raise TranscriptError(error.message) from None
    except (ValueError, RecursionError):
        raise TranscriptError(f"{where}: expected a JSON object, got something else") from None


def _named(request: RequestId, turn: int) -> str:
    return f"{request} turn {turn}"
