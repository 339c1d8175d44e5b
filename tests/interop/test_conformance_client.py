"""The harness's MCP session against the official conformance suite's client scenarios."""

import re
import sys
from pathlib import Path

import pytest

from tests.interop.conformance import list_scenarios, run_client_suite
from tests.interop.tooling import Tooling
from tests.support.requirement import requirement

COMMAND = f"{sys.executable} -m tests.interop.play_scenario"

REVISIONS = ("2025-11-25", "2026-07-28")

APPLICABLE = {
    "2025-11-25": ("initialize", "tools_call", "sse-retry", "json-schema-2020-12-preservation"),
    "2026-07-28": (
        "tools_call",
        "request-metadata",
        "http-standard-headers",
        "http-custom-headers",
        "http-invalid-tool-headers",
        "json-schema-ref-no-deref",
        "json-schema-2020-12-preservation",
    ),
}
NOT_APPLICABLE = {
    r"auth/.+": "OAuth: an episode's address is its credential, the harness logs in nowhere",
    r"elicitation-sep1034-client-defaults": "a rollout has no user at its MCP client to ask",
    r"sep-2322-client-request-state": "only asked of clients that can answer such requests",
}
"""Scenarios about features that a client of tools does not have, and why it does not."""


@requirement("interop:client")
@pytest.mark.parametrize("revision", REVISIONS)
def test_every_client_scenario_is_played_or_known_not_to_apply(
    tooling: Tooling, revision: str
) -> None:
    listing = list_scenarios(tooling, revision, "client")
    every = (*listing.required, *listing.unscored)
    left = [
        name
        for name in every
        if name not in APPLICABLE[revision]
        and not any(re.fullmatch(pattern, name) for pattern in NOT_APPLICABLE)
    ]
    assert left == []
    assert sorted(set(APPLICABLE[revision]) - set(every)) == []


@requirement("interop:client")
@pytest.mark.parametrize(
    ("revision", "scenario"),
    [(revision, name) for revision, names in APPLICABLE.items() for name in names],
)
def test_a_scenario_for_clients_of_tools_passes(
    tooling: Tooling, tmp_path: Path, revision: str, scenario: str
) -> None:
    options = ["--scenario", scenario, "--spec-version", revision]
    report = run_client_suite(tooling, tmp_path, COMMAND, *options)
    assert report.code == 0, report
    assert report.count("SUCCESS") > 0, report
    assert (report.failures, report.count("WARNING")) == ((), 0), report
