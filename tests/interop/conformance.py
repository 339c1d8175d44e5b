"""Runs of the official conformance suite, read from the files that it writes."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.interop.tooling import ROOT, Tooling

TIMEOUT_S = 300
_FAILED = ("FAILURE",)
_STAMP = re.compile(r"-\d{4}-\d{2}-\d{2}T[0-9-]+Z$")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one scenario."""

    scenario: str
    id: str
    status: str
    error: str

    def __str__(self) -> str:
        return f"{self.scenario}: {self.id} {self.status} {self.error}".rstrip()


@dataclass(frozen=True, slots=True)
class Report:
    """What one run said."""

    code: int
    """0 when everything that is required passed."""
    checks: tuple[Check, ...]
    output: str = field(repr=False)

    @property
    def scenarios(self) -> set[str]:
        """The scenarios that wrote checks."""
        return {check.scenario for check in self.checks}

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed, required or not."""
        return tuple(check for check in self.checks if check.status in _FAILED)

    def count(self, status: str) -> int:
        """Return how many checks ended like this."""
        return sum(check.status == status for check in self.checks)

    def __str__(self) -> str:
        lines = [f"exit code {self.code}, {self.count('SUCCESS')} checks passed"]
        lines += [str(check) for check in self.failures]
        return "\n".join(lines) if self.checks else self.output[-3000:]


@dataclass(frozen=True, slots=True)
class Listing:
    """The scenarios of a revision for one role."""

    required: tuple[str, ...]
    unscored: tuple[str, ...]
    """Run and reported, but never scored."""


def list_scenarios(tooling: Tooling, revision: str, role: Literal["server", "client"]) -> Listing:
    """Ask the suite what a revision of MCP requires of a server or a client."""
    done = subprocess.run(
        [*tooling.conformance(), "list", "--requirements", revision],
        cwd=ROOT,
        env=tooling.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    required, _, unscored = done.stdout.partition("Run and reported, but never scored:")
    servers, _, clients = required.partition("Client scenarios")
    named: list[str] = re.findall(r"^  - (\S+)$", clients if role == "client" else servers, re.M)
    others: list[str] = re.findall(rf"^    - (\S+) \[{role}\]$", unscored, re.M)
    return Listing(tuple(named), tuple(others))


def run_server_suite(tooling: Tooling, folder: Path, url: str, *options: str) -> Report:
    """Run server scenarios against an episode's address."""
    return _run(tooling, folder, ["server", "--url", url, *options])


def run_client_suite(tooling: Tooling, folder: Path, command: str, *options: str) -> Report:
    """Run client scenarios; the suite starts `command` with the address of its server."""
    return _run(tooling, folder, ["client", "--command", command, *options])


def _run(tooling: Tooling, folder: Path, arguments: Sequence[str]) -> Report:
    done = subprocess.run(
        [*tooling.conformance(), *arguments, "-o", str(folder)],
        cwd=ROOT,
        env=tooling.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    return Report(done.returncode, tuple(_checks(folder)), said)


def _checks(folder: Path) -> Sequence[Check]:
    found: list[Check] = []
    for path in sorted(folder.rglob("checks.json")):
        scenario = _scenario(path.parent.relative_to(folder).as_posix())
        for check in json.loads(path.read_text(encoding="utf-8")):
            found.append(
                Check(scenario, check["id"], check["status"], check.get("errorMessage") or "")
            )
    return found


def _scenario(folder: str) -> str:
    """Return the scenario of a folder of results: `server-ping-2026-11-30T10-20-30-400Z`."""
    return _STAMP.sub("", folder.removeprefix("server-").removeprefix("client-"))
