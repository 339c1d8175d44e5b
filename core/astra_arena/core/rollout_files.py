"""Reading rollout files: JSONL, one rollout a line, of which a crash can leave one torn last line.

A reader passes over that line with a notice. Any other damaged line is an error: nobody but a
person can tell what it was.
"""

import json
import logging
from collections.abc import Generator, Iterator
from pathlib import Path

from astra_arena.core.canonical import Json
from astra_arena.core.errors import RecordError, SpecError
from astra_arena.core.rollouts import Rollout

logger = logging.getLogger(__name__)

_LINE_START = b'{"agent":'
"""How each line of a rollout file starts: canonical JSON sorts its keys."""


def read_rollouts(path: Path) -> Iterator[Rollout]:
    """Read a rollout file lazily, line by line.

    Raises:
        RecordError: naming the line that is damaged, or the file that cannot be read or holds
            something else.
    """
    torn = yield from whole_rollouts(path)
    if torn is not None:
        logger.warning("%s line %d is torn; it was passed over", path, torn)


def is_journal_start(line: bytes) -> bool:
    """Tell whether this is the first line of a journal: an episode's record, which has a tier."""
    value = _decoded(line)
    return isinstance(value, dict) and "tier" in value


def whole_rollouts(path: Path) -> Generator[Rollout, None, int | None]:
    """Yield the rollouts of all whole lines and return the number of a torn last one.

    Raises:
        RecordError: as for `read_rollouts`.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    if number == 1 and not _may_be_torn(line):
                        raise _foreign(path, line)
                    return number
                yield _rollout(path, line, number)
    except OSError as error:
        raise RecordError(f"cannot read the rollout file {path}: {error.strerror}") from None
    return None


def _rollout(path: Path, line: bytes, number: int) -> Rollout:
    what = f"{path} line {number}"
    try:
        return Rollout.from_json(_decoded(line), what=what)
    except SpecError as error:
        if number == 1:
            raise _foreign(path, line, error.path) from None
        said = error.message if _decoded(line) is not None else f"{what}: expected JSON"
        raise RecordError(
            f"{said}; restore the file, or delete the line and run again: what is missing is "
            "played again"
        ) from None


def _foreign(path: Path, line: bytes, where: str = "") -> RecordError:
    """Return what to say of a file that starts with something else than a rollout."""
    if is_journal_start(line):
        return RecordError(
            f"{path} is a journal, of one episode; "
            f"`arena score {path} --bundle BUNDLE` takes it, and rollout files are what "
            "`arena rollout --out FILE` writes"
        )
    detail = f" (at {where})" if where else ""
    return RecordError(
        f"{path} holds no rollouts: its first line is not one{detail}; name a file that "
        "`arena rollout --out FILE` has written"
    )


def _may_be_torn(line: bytes) -> bool:
    """Tell whether a first line without an end may be the start of a rollout."""
    return line[: len(_LINE_START)] == _LINE_START[: len(line)]


def _decoded(line: bytes) -> Json:
    """Return the JSON of a line, `None` when it is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
