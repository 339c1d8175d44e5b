"""This project's own wheel, made again from wherever it is installed: a checkout or a wheel.

`hatchling` needs a checkout and `wheel` stamps the time into its RECORD; what is left is a zip
archive with a list of digests.
"""

import base64
import csv
import hashlib
import io
import sys
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from astra_arena.core.cli import DISTRIBUTION
from astra_arena.core.errors import SettingsError

NAMESPACE = "astra_arena"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_WHEEL_FILE = (
    "Wheel-Version: 1.0\nGenerator: astra-arena\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
)
_COPIED = ("METADATA", "entry_points.txt")


def own_version() -> str:
    """Return the version of this project that is installed."""
    return metadata.version(DISTRIBUTION)


def write_own_wheel(folder: Path) -> Path:
    """Write the wheel into `folder` and return its path; equal files give equal bytes.

    Raises:
        SettingsError: if the installed distribution lacks what a wheel needs.
    """
    stem = f"{DISTRIBUTION.replace('-', '_')}-{own_version()}"
    info = f"{stem}.dist-info"
    members = dict(sorted(_modules().items())) | _described(info)
    listed = io.StringIO()
    writer = csv.writer(listed, lineterminator="\n")
    writer.writerows((name, _digest(data), len(data)) for name, data in members.items())
    writer.writerow((f"{info}/RECORD", "", ""))
    members[f"{info}/RECORD"] = listed.getvalue().encode("utf-8")
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return path


def _modules() -> dict[str, bytes]:
    """Return every file of the namespace; an editable installation has several roots."""
    spec = find_spec(NAMESPACE)
    roots = [] if spec is None else list(spec.submodule_search_locations or ())
    files: dict[str, bytes] = {}
    for root in map(Path, roots):
        for path in root.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                files[f"{NAMESPACE}/{path.relative_to(root).as_posix()}"] = path.read_bytes()
    if not files:
        raise SettingsError(f"expected the package {NAMESPACE} in {sys.prefix}, found none")
    return files


def _described(info: str) -> dict[str, bytes]:
    distribution = metadata.distribution(DISTRIBUTION)
    described: dict[str, bytes] = {}
    for name in _COPIED:
        text = distribution.read_text(name)
        if text is None:
            raise SettingsError(f"the installed {DISTRIBUTION} has no {name}; install it again")
        described[f"{info}/{name}"] = text.encode("utf-8")
    for file in sorted(distribution.files or (), key=str):
        if len(file.parts) > 2 and file.parts[0] == info and file.parts[1] == "licenses":
            described[file.as_posix()] = file.read_binary()
    described[f"{info}/WHEEL"] = _WHEEL_FILE.encode("utf-8")
    return described


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode('ascii')}"
