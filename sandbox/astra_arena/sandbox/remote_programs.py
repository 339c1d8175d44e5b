"""Programs as they are sent to workers: their worlds are read once, not for every session."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox.contract import Program
from astra_arena.sandbox.remote_protocol import WireProgram, blob_digest
from astra_arena.sandbox.remote_values import wire_program

_MOST_KNOWN = 1000

_Stamp: TypeAlias = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class SentProgram:
    """A program as it is sent, and where its parts are."""

    program: WireProgram
    blobs: dict[str, bytes | Path]


class SentPrograms:
    """Remembers the digests of worlds for as long as their files do not change."""

    def __init__(self) -> None:
        self._known: dict[Program, tuple[_Stamp, SentProgram]] = {}

    def prepared(self, program: Program) -> SentProgram:
        """Return the program as it is sent.

        Raises:
            SandboxUnavailableError: if its world cannot be read.
        """
        try:
            stamp = _stamp(program.world_path)
            known = self._known.pop(program, None)
            if known is None or known[0] != stamp:
                known = stamp, _prepared(program)
        except OSError as error:
            raise SandboxUnavailableError(f"could not open the world: {error}") from error
        # The most recently used comes last.
        self._known[program] = known
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return known[1]


def _prepared(program: Program) -> SentProgram:
    with program.world_path.open("rb") as file:
        world = hashlib.file_digest(file, "sha256").hexdigest()
    tools = blob_digest(program.tools_py)
    blobs: dict[str, bytes | Path] = {tools: program.tools_py, world: program.world_path}
    return SentProgram(wire_program(program, tools=tools, world=world), blobs)


def _stamp(path: Path) -> _Stamp:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise SandboxUnavailableError(f"expected a file as world, got {str(path)!r}, which is none")
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
