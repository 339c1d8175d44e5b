"""What a synthesis has finished so far, so that a run that was cut off goes on where it stopped.

The folder lies beside the output and is named after everything that decides the result: with
another source, option or version nothing of it is used. It is removed when the bundle is there.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from astra_arena.core.canonical import Json, canonical_bytes, digest_of_bytes
from astra_arena.core.errors import GateError, SynthesisError

WORK_FOLDER = ".arena-synth"


class Log:
    """An append-only file of JSON lines; a line that was cut off is as if never written.

    Args:
        path: The file; `None` keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.lines: list[Json] = [] if path is None else _whole_lines(path)
        """What earlier runs and this one wrote."""

    def add(self, line: Json) -> None:
        """Append a line; it survives the end of the process."""
        self.lines.append(line)
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _whole_lines(path: Path) -> list[Json]:
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return []
    lines: list[Json] = []
    sound = 0
    for line in held.splitlines(keepends=True):
        try:
            value = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            value = None
        if value is None:
            break
        lines.append(value)
        sound += len(line)
    if sound < len(held):
        os.truncate(path, sound)
    return lines


class Checkpoints:
    """The logs of one synthesis, by stage.

    Args:
        folder: Where they lie; `None` keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def log(self, stage: str) -> Log:
        """Return the log of a stage, with what was written before."""
        return Log(None if self._folder is None else self._folder / f"{stage}.jsonl")


@contextmanager
def checkpoints(out: Path, *decides: Json) -> Generator[Checkpoints]:
    """Open the work folder of a synthesis, and remove it when the block ends well.

    A second run of the same synthesis at the same time keeps nothing.

    Args:
        out: The folder that the bundle will be in.
        decides: All that decides the result.
    """
    digest = digest_of_bytes(canonical_bytes(list(decides))).partition(":")[2][:32]
    whole = out.absolute().parent / WORK_FOLDER
    folder = whole / digest
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield Checkpoints(None)
            return
        try:
            yield Checkpoints(folder)
        except (GateError, SynthesisError):
            # What the data decided would be decided again.
            _remove(folder)
            raise
        _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)
    # Others may be at work beside it.
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
