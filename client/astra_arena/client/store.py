"""Rollout files: append-only JSONL that survives a crash at any byte.

Every line is written by one `write`, so what a crash can leave is at most one torn last line. A
writer moves it aside to `FILE.torn`; a reader passes over it with a notice. Any other damaged line
is an error: nobody but a person can tell what it was.
"""

import errno
import fcntl
import logging
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from astra_arena.core.canonical import canonical_bytes
from astra_arena.core.errors import RecordError, SettingsError
from astra_arena.core.rollout_files import whole_rollouts
from astra_arena.core.rollouts import Rollout

logger = logging.getLogger(__name__)


class RolloutStore:
    """A rollout file that is being written, by this process alone.

    Opening it makes missing folders, reads which rollouts there are and moves a torn last line
    aside. A file that holds something else is left as it is.

    Args:
        path: The file; made when missing.

    Raises:
        RecordError: if a line is damaged, or the file cannot be opened or holds something else.
        SettingsError: if another process is writing the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn: Path | None = None
        """Where a torn last line was moved, if there was one."""
        self.environments: dict[str, str] = {}
        """The names of the environments whose rollouts the file holds, by digest."""
        self._attempts: dict[str, int] = {}
        self._done: set[str] = set()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            self._require_plain()
            self._lock()
            for rollout in whole_rollouts(path):
                self._note(rollout)
            self._move_torn_aside()
        except OSError as error:
            os.close(self._file)
            raise self._unwritable(error) from None
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __contains__(self, rollout_id: str) -> bool:
        """Tell whether the file holds a rollout with this id that is not void."""
        return rollout_id in self._done

    def attempts(self, rollout_id: str) -> int:
        """Return how many rollouts with this id the file holds, void ones included."""
        return self._attempts.get(rollout_id, 0)

    def append(self, rollout: Rollout) -> None:
        """Add one rollout; it is with the operating system, whole, when this returns.

        Raises:
            RecordError: if it could not be written; the file is then as it was.
        """
        line = canonical_bytes(rollout.to_json()) + b"\n"
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise self._unwritten(error) from None
        if written != len(line):
            os.ftruncate(self._file, size)
            raise self._unwritten(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        self._note(rollout)

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _note(self, rollout: Rollout) -> None:
        self._attempts[rollout.id] = self._attempts.get(rollout.id, 0) + 1
        self.environments[rollout.episode.environment_digest] = rollout.episode.environment
        if rollout.ended != "void":
            self._done.add(rollout.id)

    def _require_plain(self) -> None:
        """Refuse devices and pipes: what they hold cannot be read back."""
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise RecordError(f"{self.path} is no plain file; choose another --out")

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"another process is writing {self.path}; wait for it or choose another file"
            ) from None

    def _move_torn_aside(self) -> None:
        size = os.fstat(self._file).st_size
        if size == 0 or os.pread(self._file, 1, size - 1) == b"\n":
            return
        data = self.path.read_bytes()
        end = data.rfind(b"\n") + 1
        self.torn = self.path.with_name(self.path.name + ".torn")
        with self.torn.open("ab") as aside:
            aside.write(data[end:] + b"\n")
        os.ftruncate(self._file, end)
        logger.info("%s ended in a torn line; it was moved to %s", self.path, self.torn)

    def _unwritable(self, error: OSError) -> RecordError:
        return RecordError(
            f"cannot write rollouts to {self.path}: {error.strerror}; choose another --out"
        )

    def _unwritten(self, error: OSError) -> RecordError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "free space" if full else "see to that"
        return RecordError(
            f"cannot write to {self.path}: {error.strerror}; {remedy} and run again: "
            "what is written is whole"
        )
