"""Folders of artefacts: each appears whole or not at all, and nothing foreign is overwritten."""

import errno
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.errors import BundleError

_LOOKS = 5


@dataclass(frozen=True, slots=True)
class ArtefactFolder:
    """How the folders of one kind of artefact are told and written."""

    what: str
    """What messages call it."""
    manifest: str
    """The file that tells such a folder from others."""

    def require_place(self, path: Path) -> None:
        """Find out whether an artefact can be written to the folder `path`; its parent is created.

        Raises:
            BundleError: if `path` holds something else, or cannot be written.
        """
        target = path.resolve()
        try:
            if Path.cwd().is_relative_to(target):
                raise BundleError(
                    f"{path} is where this command runs, and a {self.what}'s folder is replaced as "
                    "a whole; name another folder"
                )
            # Looked at more than once: another writer may be swapping its bundle in just now.
            if all(self._is_foreign(target) for _ in range(_LOOKS)):
                raise BundleError(
                    f"{path} exists and is no {self.what}; choose another folder or remove it"
                )
            if all(target.exists() and not os.access(target, os.W_OK) for _ in range(_LOOKS)):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(_workspace(target)).rmdir()
        except OSError as error:
            raise self._unwritable(path, error) from None

    def _is_foreign(self, target: Path) -> bool:
        """Tell whether something is at `target`: no such artefact and no empty folder."""
        try:
            names = os.listdir(target)
        except FileNotFoundError:
            return False
        except NotADirectoryError:
            # A file, unless it is the parent that is one.
            return target.exists()
        return bool(names) and self.manifest not in names

    @contextmanager
    def placed(self, path: Path) -> Generator[Path]:
        """Give a draft folder beside `path`, which becomes `path` when the block ends well."""
        self.require_place(path)
        target = path.resolve()
        try:
            # Of this process alone: others may be writing to the same place.
            workspace = Path(_workspace(target))
            try:
                draft = workspace / "new"
                draft.mkdir()
                yield draft
                _swap_in(draft, target)
            finally:
                shutil.rmtree(workspace, ignore_errors=True)
        except OSError as error:
            raise self._unwritable(path, error) from None

    def _unwritable(self, path: Path, error: OSError) -> BundleError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Free space and run again" if full else "Choose another folder"
        return BundleError(
            f"the {self.what} cannot be written to {path}: {error.strerror or error}. {remedy}"
        )


def _workspace(target: Path) -> str:
    return tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.")


def _swap_in(draft: Path, target: Path) -> None:
    """Move `draft` to `target`; what was there goes only when the new folder is in place."""
    old = draft.with_name("old")
    while True:
        try:
            with suppress(FileNotFoundError):
                target.rename(old)
            draft.rename(target)
        except BaseException as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                # Another process came between: the last one to finish wins.
                shutil.rmtree(old, ignore_errors=True)
                continue
            if old.exists() and not target.exists():
                old.rename(target)
            raise
        return
