"""Folders that hold bundles and suites side by side, served and looked at together."""

from collections.abc import Sequence
from pathlib import Path

from astra_arena.core.errors import BundleError
from astra_arena.servers.bundles.bundle import MANIFEST
from astra_arena.servers.bundles.suite import SUITE, Source, load_source


def source_folders(path: Path) -> tuple[Path, ...]:
    """Return the bundle or suite in the folder `path`, or those in its folders, sorted by name.

    What else lies beside them is passed over, hidden folders included; nothing is verified yet.

    Raises:
        BundleError: if there is none.
    """
    if not path.is_dir():
        raise BundleError(f"expected a folder of bundles or suites at {path}, found nothing such")
    if _is_source(path):
        return (path,)
    try:
        below = sorted(child for child in path.iterdir() if child.is_dir())
    except OSError as error:
        raise BundleError(f"the folder {path} cannot be read: {error.strerror}") from None
    found = tuple(child for child in below if child.name[0] != "." and _is_source(child))
    if not found:
        raise BundleError(
            f"expected a bundle, a suite, or a folder of these at {path}, but neither it nor any "
            f"of its {len(below)} folders holds {MANIFEST} or {SUITE}; `arena synth` makes them"
        )
    return found


def load_sources(paths: Sequence[Path]) -> list[Source]:
    """Read and verify the bundles and suites in these folders, and in folders of them.

    Raises:
        BundleError: if a folder holds none, or naming the file that is missing, malformed or does
            not match its digest.
    """
    return [load_source(folder) for path in paths for folder in source_folders(path)]


def _is_source(path: Path) -> bool:
    return (path / MANIFEST).is_file() or (path / SUITE).is_file()
