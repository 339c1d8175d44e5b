"""What an emitted folder installs: this project's wheel, and exact versions of the rest."""

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from astra_arena.core.cli import DISTRIBUTION
from astra_arena.core.errors import SettingsError

EXTRA = "servers"
WHEELS = "wheels"


def requirements_text(wheel: str, requires: Iterable[str] = ()) -> str:
    """Return the text of `requirements.txt`.

    Args:
        wheel: File name of our own wheel.
        requires: Pinned packages that tool code imports.

    Raises:
        SettingsError: if something that the servers need is not installed here.
    """
    pins = pinned_closure(DISTRIBUTION, EXTRA)
    lines = [
        "# Install from inside this folder: pip install -r requirements.txt",
        f"./{WHEELS}/{wheel}[{EXTRA}]",
        *(f"{name}=={version}" for name, version in sorted(pins.items())),
        *sorted(set(requires)),
    ]
    return "\n".join(lines) + "\n"


def pinned_closure(distribution: str, extra: str) -> dict[str, str]:
    """Return name and installed version of everything that an extra of a distribution needs.

    Raises:
        SettingsError: if something is not installed.
    """
    found: dict[str, str] = {}
    open_ = [(distribution, frozenset({extra}))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while open_:
        name, extras = open_.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for text in _requirements_of(name):
            need = Requirement(text)
            if any(_applies(need, one) for one in ("", *extras)):
                key = canonicalize_name(need.name)
                found[key] = _version_of(need.name)
                open_.append((need.name, frozenset(need.extras)))
    found.pop(canonicalize_name(distribution), None)
    return found


def _applies(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


def _requirements_of(name: str) -> list[str]:
    _version_of(name)
    return metadata.requires(name) or []


def _version_of(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        raise SettingsError(
            f"`arena emit` pins what it runs on, and {name} is not installed; "
            f"install it with: pip install '{DISTRIBUTION}[{EXTRA}]'"
        ) from None
