"""Runs the driver as one user or another."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parents[2]
ORDINARY_ID = 64321
USERS = ("root", "ordinary")
_CHECK = "import msgspec, os, pydantic, sys; os.access(sys._base_executable, os.X_OK) or 1 / 0"


def verdicts(user: str, *arguments: str) -> dict[str, list[str]]:
    """Return what became of each attack; skips the test where that cannot be tried.

    Args:
        user: `root` or `ordinary`.
        arguments: Of the driver.
    """
    command = [*_as_user(user), "-m", "tests.adversarial.driver", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(), capture_output=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-4000:]
    told = cast("dict[str, dict[str, list[str]]]", json.loads(done.stdout))
    if "unavailable" in told:
        pytest.skip(str(told["unavailable"]))
    return told["endings"]


def _as_user(user: str) -> list[str]:
    """Return the start of a command that runs Python as `user`."""
    is_root = os.geteuid() == 0
    if (user == "root") == is_root:
        return [sys.executable]
    if user == "root":
        pytest.skip("these tests do not run as root")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is not there to become another user")
    identity = [f"--reuid={ORDINARY_ID}", f"--regid={ORDINARY_ID}", "--clear-groups"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        command = [setpriv, *identity, python]
        if _runs([*command, "-c", _CHECK]):
            return command
    pytest.skip("no interpreter that another user may execute")


def _runs(command: list[str]) -> bool:
    done = subprocess.run(command, cwd="/", env=_environment(), capture_output=True, check=False)
    return done.returncode == 0


def _environment() -> dict[str, str]:
    library = os.path.realpath(sys.base_prefix)
    own = [place for place in sys.path if not os.path.realpath(place).startswith(library)]
    path = os.pathsep.join([str(ROOT), *own])
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": path, "HOME": "/"}
