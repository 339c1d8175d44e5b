"""The journal of a stdio episode: every call on disk before its reply is sent.

A journal is a JSON Lines file. The first line is the episode's record without calls, each further
line a call, `{"void": …}` or, at an orderly end, `{"closed": …}`. A line is written at once, by one
system call, so that a server that is killed loses nothing that its client has seen.
"""

import json
import os
from pathlib import Path

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import Json, JsonObject, line_text
from astra_arena.core.errors import RecordError, SettingsError, SpecError
from astra_arena.core.rollouts import EpisodeRecord, Failure


class Journal:
    """The open journal of one episode.

    Args:
        folder: Where journals are kept; made when absent.
        episode_id: Names the file.
        header: The episode's record; its calls are left out.

    Raises:
        SettingsError: if the file cannot be made.
    """

    def __init__(self, folder: Path, episode_id: str, header: EpisodeRecord) -> None:
        self.path = folder / f"{episode_id}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise SettingsError(
                f"cannot write a journal into {folder}: {error.strerror}; choose another --journal"
            ) from None
        self._closed = False
        self._line(header.model_copy(update={"calls": ()}).to_json())

    def add_call(self, call: CallRecord) -> None:
        """Append a call; the reply may be sent when this has returned.

        Raises:
            RecordError: if it cannot be written whole.
        """
        self._line(call.to_json())

    def add_void(self, failure: Failure) -> None:
        """Note that the episode became void.

        Raises:
            RecordError: if it cannot be written whole.
        """
        self._line({"void": failure.to_json()})

    def close(self, reason: str) -> None:
        """Write the last line; closing twice is harmless.

        Raises:
            RecordError: if it cannot be written whole.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._line({"closed": {"reason": reason}})
        finally:
            os.close(self._file)

    def _line(self, value: JsonObject) -> None:
        data = line_text(value).encode("utf-8")
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise RecordError(f"cannot write to {self.path}: {error.strerror}") from None
        if written != len(data):
            raise RecordError(f"cannot write to {self.path}: the disk is full")


def read_journal(path: Path) -> EpisodeRecord:
    """Read an episode's record from its journal.

    A last line without its end is what a killed server leaves; its reply was never sent, so it is
    not part of the record.

    Raises:
        RecordError: naming the line that is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"cannot read the journal {path}: {error.strerror}") from None
    *lines, _torn = data.split(b"\n")
    if not lines:
        raise RecordError(f"{path} line 1: expected the episode's header, found none")
    record = _header(_decoded(lines[0], path, 1), path)
    calls: list[CallRecord] = []
    void: Failure | None = None
    closed = False
    for number, line in enumerate(lines[1:], start=2):
        what = f"{path} line {number}"
        value = _decoded(line, path, number)
        if closed:
            raise RecordError(f"{what}: expected nothing after the line that closes the journal")
        try:
            if "closed" in value:
                closed = True
            elif "void" in value:
                void = Failure.from_json(value["void"], what=what)
            else:
                calls.append(_call(value, what, index=len(calls)))
        except SpecError as error:
            raise RecordError(error.message) from None
    defects = sum(call.outcome == "environment_error" for call in calls)
    return record.model_copy(update={"calls": tuple(calls), "void": void, "defects": defects})


def _header(value: JsonObject, path: Path) -> EpisodeRecord:
    try:
        return EpisodeRecord.from_json(value, what=f"{path} line 1")
    except SpecError as error:
        raise RecordError(error.message) from None


def _call(value: JsonObject, what: str, *, index: int) -> CallRecord:
    call = CallRecord.from_json(value, what=what)
    if call.index != index:
        raise SpecError(f"{what}: expected call {index}, got call {call.index}: a line is missing")
    return call


def _decoded(line: bytes, path: Path, number: int) -> JsonObject:
    try:
        value: Json = json.loads(line)
    except ValueError as error:
        raise RecordError(f"{path} line {number}: expected a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise RecordError(f"{path} line {number}: expected a JSON object, got {line[:40]!r}")
    return value
