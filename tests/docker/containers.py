"""A Docker engine, the images built from this checkout and containers with nothing to spare."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE_IMAGE = "python:3.11-slim-bookworm"
SANDBOX_IMAGE = "astra-arena-sandbox:under-test"
CLIENT_IMAGE = "astra-arena-client:under-test"
USER = "10001:10001"
CONFINED = (
    "--rm",
    "--network=none",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=256m",
    f"--user={USER}",
)
"""Docker's default profile with everything taken away that a worker does not need."""

_BUILT_FROM = (
    *("pyproject.toml", "uv.lock", "README.md", "LICENSE", ".dockerignore"),
    *("core", "sandbox", "servers/astra_arena", "client"),
)


def docker(*arguments: str, stdin: bytes = b"", timeout_s: float = 120) -> str:
    """Run a docker command and return its stdout."""
    done = subprocess.run(
        ["docker", *arguments], input=stdin, capture_output=True, check=False, timeout=timeout_s
    )
    said = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0, f"docker {' '.join(arguments)}:\n{said[-4000:]}"
    return done.stdout.decode("utf-8")


def require_engine() -> set[str]:
    """Return the engine's runtimes; skips the test where there is no engine."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    asked = ["docker", "info", "--format", "{{json .Runtimes}}"]
    done = subprocess.run(asked, capture_output=True, check=False, timeout=30)
    if done.returncode != 0 or done.stdout.strip() in (b"", b"null"):
        pytest.skip("no Docker engine answers")
    return set(json.loads(done.stdout))


def prepare_context(folder: Path) -> None:
    """Put what the images are built from into `folder`; skips the test without a base image."""
    require_base_image()
    for name in _BUILT_FROM:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    (folder / "docker").mkdir()
    for recipe in (ROOT / "docker").glob("*.*"):
        shutil.copy(recipe, folder / "docker")
    copy_certificates(folder / "docker" / "ca.crt")


def copy_certificates(place: Path) -> None:
    """Give a build the certificates that this environment names, if it does."""
    certificates = os.environ.get("SSL_CERT_FILE")
    if certificates is not None:
        shutil.copy(certificates, place)


def build_sandbox_image(folder: Path) -> str:
    """Build the worker's image from this checkout, with `folder` to prepare it in."""
    return _built("sandbox", SANDBOX_IMAGE, folder)


def build_client_image(folder: Path) -> str:
    """Build the harness's image from this checkout, with `folder` to prepare it in."""
    return _built("client", CLIENT_IMAGE, folder)


def _built(name: str, image: str, folder: Path) -> str:
    prepare_context(folder)
    recipe = ROOT / "docker" / f"{name}.Dockerfile"
    options = ("--network=host", f"--file={recipe}", f"--tag={image}")
    docker("build", *options, str(folder), timeout_s=600)
    return image


def run_python(
    image: str, script: str, *, runtime: str, options: Sequence[str] = (), timeout_s: float = 300
) -> str:
    """Run a script in a confined container and return its stdout."""
    command = ("run", "-i", *CONFINED, f"--runtime={runtime}", *options)
    arguments = (*command, "--entrypoint=python3", image, "-")
    return docker(*arguments, stdin=script.encode("utf-8"), timeout_s=timeout_s)


def require_base_image() -> None:
    """Have the base image; skips the test where it can neither be found nor pulled."""
    have = subprocess.run(
        ["docker", "image", "inspect", BASE_IMAGE], capture_output=True, check=False, timeout=30
    )
    if have.returncode == 0:
        return
    pulled = subprocess.run(
        ["docker", "pull", BASE_IMAGE], capture_output=True, check=False, timeout=300
    )
    if pulled.returncode != 0:
        pytest.skip(f"the base image {BASE_IMAGE} is not here and cannot be pulled")
