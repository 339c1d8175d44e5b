"""Composed containers under test: brought up, asked, killed and taken down."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

TOKEN = "token-of-the-control-plane"
HEALTHY_SECONDS = 120.0
CONTROL = "http://127.0.0.1:8641"
PROGRAMS = {"v1": ("docker-compose",), "v2": ("docker", "compose")}


def require_program(version: str) -> tuple[str, ...]:
    """Return the command of a version of Compose; skips the test where it is not there."""
    command = PROGRAMS[version]
    if shutil.which(command[0]) is None or run([*command, "version"]).returncode != 0:
        pytest.skip(f"Compose {version} is not here")
    return command


def run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, seconds: float = 900
) -> subprocess.CompletedProcess[str]:
    """Run a command with these variables beside those that are set."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env={**os.environ, **(environment or {})},
    )


@dataclass(frozen=True)
class Composed:
    """Containers of one compose file."""

    command: tuple[str, ...]
    file: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    project: str = "arena-under-test"

    def do(self, *arguments: str, seconds: float = 900) -> str:
        """Give a command to Compose; return what it prints."""
        whole = [*self.command, "-p", self.project, "-f", str(self.file), *arguments]
        done = run(whole, self.environment, seconds=seconds)
        assert done.returncode == 0, f"{' '.join(whole)}:\n{(done.stdout + done.stderr)[-4000:]}"
        return done.stdout

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        return self.do("ps", "-q", service).strip()

    def inspected(self, service: str) -> dict[str, object]:
        """Return what the engine says of a service's container."""
        done = run(["docker", "inspect", self.container(service)])
        return cast("dict[str, object]", json.loads(done.stdout)[0])

    def until_healthy(self, *services: str) -> None:
        """Return when all of these services are well; Compose 1 cannot wait for that."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        for service in services:
            while (health := self._health(service)) != "healthy":
                assert time.monotonic() < deadline, f"{service} is {health}:\n{self.do('logs')}"

    def _health(self, service: str) -> str:
        asked = ["docker", "inspect", "--format", "{{.State.Health.Status}}"]
        return run([*asked, self.container(service)]).stdout.strip()


@contextmanager
def composed(
    command: tuple[str, ...], file: Path, environment: Mapping[str, str], *services: str
) -> Generator[Composed]:
    """Build and start services, until all are healthy; they are gone when the block has ended."""
    token = file.parent / "sandbox_token"
    token.write_text("token-of-the-sandbox-worker", encoding="utf-8")
    token.chmod(0o644)
    containers = Composed(command, file, {"ARENA_TOKEN": TOKEN, **environment})
    try:
        containers.do("up", "-d", "--build", *services)
        containers.until_healthy(*(services or containers.do("config", "--services").split()))
        yield containers
    finally:
        containers.do("down", "-v", "--remove-orphans", "-t", "5")
