"""Replies on disk, by content: what was paid for once is never asked again.

An entry holds all replies of one accepted request, as they came; they are read and checked again
whenever they are used. Entries are files that appear whole or not at all, and the first one stays:
processes that share a folder agree on one reply. What failed is not kept.
"""

import contextlib
import json
import logging
import os
import secrets
from pathlib import Path

from astra_arena.client.authors.author import Usage
from astra_arena.client.authors.chat import ChatReply
from astra_arena.core.canonical import Json, canonical_bytes, digest_of
from astra_arena.core.errors import SettingsError, SpecError
from astra_arena.core.model import Model

logger = logging.getLogger(__name__)


class _CachedReply(Model):
    text: str
    finish_reason: str | None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Entry(Model):
    key: str
    replies: tuple[_CachedReply, ...]
    digest: str
    """Over the replies, so that a damaged file is known as one."""


class ReplyCache:
    """Accepted replies in a folder; several processes may share it.

    Args:
        folder: Where entries lie; made when missing.

    Raises:
        SettingsError: if the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"cannot make the cache folder {folder}: {error.strerror}"
            ) from None

    def get(self, key: str) -> tuple[ChatReply, ...] | None:
        """Return the replies under a key; a damaged entry is told of and counts as none."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"cannot read the cache entry {path}: {error.strerror}") from None
        try:
            return _read(data, key)
        except SpecError as error:
            logger.warning("cache entry %s is damaged and is asked anew: %s", path, error.message)
            return None

    def put(self, key: str, replies: tuple[ChatReply, ...]) -> tuple[ChatReply, ...]:
        """Keep replies and return those under the key: another process may have been first.

        Raises:
            SettingsError: if the entry cannot be written.
        """
        path = self._path(key)
        data = _written(key, replies)
        aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(exist_ok=True)
            # Not synced: what a power failure leaves is known as damaged and asked anew.
            aside.write_bytes(data)
            try:
                return self._placed(aside, path, key, replies)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    aside.unlink()
        except OSError as error:
            raise SettingsError(f"cannot write the cache entry {path}: {error.strerror}") from None

    def drop(self, key: str) -> None:
        """Forget an entry: it satisfies its request no longer."""
        with contextlib.suppress(FileNotFoundError):
            self._path(key).unlink()

    def _placed(
        self, aside: Path, path: Path, key: str, replies: tuple[ChatReply, ...]
    ) -> tuple[ChatReply, ...]:
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            held = self.get(key)
            if held is not None:
                return held
            aside.replace(path)
        except OSError:
            # A file system without hard links: the last one stays instead of the first.
            aside.replace(path)
        return replies

    def _path(self, key: str) -> Path:
        name = key.partition(":")[2]
        return self.folder / name[:2] / f"{name}.json"


def _written(key: str, replies: tuple[ChatReply, ...]) -> bytes:
    kept = [
        _CachedReply(
            text=reply.text,
            finish_reason=reply.finish_reason,
            prompt_tokens=reply.usage.prompt_tokens if reply.usage else None,
            completion_tokens=reply.usage.completion_tokens if reply.usage else None,
        )
        for reply in replies
    ]
    data: list[Json] = [reply.model_dump(mode="json") for reply in kept]
    return canonical_bytes({"key": key, "replies": data, "digest": digest_of(data)}) + b"\n"


def _read(data: bytes, key: str) -> tuple[ChatReply, ...]:
    try:
        decoded = json.loads(data)
    except (ValueError, RecursionError):
        raise SpecError("expected JSON") from None
    entry = _Entry.from_json(decoded, what="cache entry")
    if entry.key != key:
        raise SpecError(f"expected the entry of {key}, got that of {entry.key}")
    if digest_of(decoded["replies"]) != entry.digest:
        raise SpecError("its replies are not those that its digest covers")
    return tuple(_reply(kept) for kept in entry.replies)


def _reply(kept: _CachedReply) -> ChatReply:
    usage = None
    if kept.prompt_tokens is not None and kept.completion_tokens is not None:
        usage = Usage(kept.prompt_tokens, kept.completion_tokens)
    return ChatReply(kept.text, kept.finish_reason, usage)
