"""Episodes from files: rollouts, the journal of one episode, or its record."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from astra_arena.core.canonical import Json, digest_of
from astra_arena.core.errors import RecordError, SpecError
from astra_arena.core.rollout_files import is_journal_start, read_rollouts
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.servers.episodes.journal import read_journal


def read_episodes(paths: Iterable[Path]) -> tuple[EpisodeRecord, ...]:
    """Read the episodes of files; each once, in an order that does not hang on the files'.

    Raises:
        RecordError: naming what cannot be read.
    """
    found = {digest_of(episode.to_json()): episode for path in paths for episode in _episodes(path)}
    return tuple(episode for _, episode in sorted(found.items()))


def _episodes(path: Path) -> list[EpisodeRecord]:
    """Read one file; what it is shows in its first line."""
    try:
        with path.open("rb") as file:
            first, second = file.readline(), file.readline()
        if is_journal_start(first) and second.strip():
            return [read_journal(path)]
        if not second or not _is_json(first):
            value = _decoded(path.read_bytes())
            if isinstance(value, dict) and "tier" in value:
                return [EpisodeRecord.from_json(value, what=str(path))]
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from None
    except SpecError as error:
        raise RecordError(error.message) from None
    return [rollout.episode for rollout in read_rollouts(path)]


def _is_json(line: bytes) -> bool:
    return _decoded(line) is not None


def _decoded(data: bytes) -> Json:
    try:
        return cast("Json", json.loads(data))
    except (ValueError, RecursionError):
        return None
