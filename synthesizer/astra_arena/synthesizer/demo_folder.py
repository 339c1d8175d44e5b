"""The folder of a demonstration: only what a demonstration wrote there is ever replaced.

A marker, `demo.json`, names what was written with its digests. Rollouts that were added to a
demonstration's are moved aside; anything else that is not as the marker says is refused.
"""

import errno
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from astra_arena.core.canonical import pretty_text
from astra_arena.core.errors import SettingsError
from astra_arena.servers.bundles.bundle import MANIFEST, require_place
from astra_arena.synthesizer.sources.table_info import file_digest

MARKER = "demo.json"
_WHAT = "written by `arena demo`, which replaces these files when it is run again"
_UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class DemoPlaces:
    """Where a demonstration puts things, all inside one folder."""

    folder: Path

    @property
    def database(self) -> Path:
        """The source, as a user would have it."""
        return self.folder / "flights.sqlite"

    @property
    def bundle(self) -> Path:
        """The environment made of it."""
        return self.folder / "nycflights13"

    @property
    def rollouts(self) -> Path:
        """What the agents did over HTTP."""
        return self.folder / "rollouts.jsonl"

    @property
    def stdio_rollouts(self) -> Path:
        """What the oracle did over stdio."""
        return self.folder / "rollouts-stdio.jsonl"

    @property
    def marker(self) -> Path:
        """What a demonstration wrote, with digests."""
        return self.folder / MARKER

    def require(self) -> None:
        """Find out whether a demonstration can be made here; nothing is replaced yet.

        Raises:
            SettingsError: if the folder cannot be written, or holds what is not a demonstration's.
            BundleError: if the bundle cannot be written.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise SettingsError(f"--out is a folder; {str(self.folder)!r} is a file")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        written = self._written()
        for path in (self.database, self.bundle / MANIFEST):
            if path.exists() and written.get(self._name(path)) not in (_UNFINISHED, _state(path)):
                raise _foreign(path)
        for path in (self.rollouts, self.stdio_rollouts):
            if path.exists() and self._name(path) not in written:
                raise _foreign(path)
        require_place(self.bundle)

    def clear_rollouts(self) -> list[str]:
        """Remove a demonstration's rollouts; files with other rollouts in them are moved aside.

        Returns:
            Notices: what was moved.
        """
        written = self._written()
        notices: list[str] = []
        for path in (self.rollouts, self.stdio_rollouts):
            if not path.exists():
                continue
            if written.get(self._name(path)) == _state(path):
                path.unlink()
                continue
            aside = _free_name(path)
            path.rename(aside)
            notices.append(f"{path} held more than a demo wrote; it was moved to {aside}")
        return notices

    @contextmanager
    def writing(self, *paths: Path) -> Generator[None]:
        """Note in the marker that the block writes these files, whatever comes of it."""
        names = {self._name(path): path for path in paths}
        self._note(self._written() | dict.fromkeys(names, _UNFINISHED))
        try:
            yield
        finally:
            written = {name: said for name, said in self._written().items() if name not in names}
            there = {name: _state(path) for name, path in names.items() if path.exists()}
            self._note(written | there)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _written(self) -> dict[str, str]:
        try:
            said: object = json.loads(self.marker.read_bytes())
            files = cast("dict[str, object]", said)["files"]
            return {str(n): str(d) for n, d in cast("dict[str, object]", files).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            raise _foreign(self.marker) from None

    def _note(self, files: dict[str, str]) -> None:
        draft = self.marker.with_name(f".{MARKER}.{os.getpid()}")
        try:
            draft.write_text(pretty_text({"what": _WHAT, "files": {**files}}), encoding="utf-8")
            draft.replace(self.marker)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise _unwritable(self.folder, error) from None


def _state(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return "unreadable"


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_stem(f"{path.stem}-{number}")).exists():
        number += 1
    return aside


def _foreign(path: Path) -> SettingsError:
    return SettingsError(
        f"{path} is there already and is not as a demo wrote it; choose another --out, or move it "
        "away"
    )


def _unwritable(folder: Path, error: OSError) -> SettingsError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "free space and run again" if full else "choose another --out"
    return SettingsError(f"cannot write to {folder}: {error.strerror or error}; {remedy}")
