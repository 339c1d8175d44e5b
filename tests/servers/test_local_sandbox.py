"""The sandbox that the command line asks for."""

import pytest

from astra_arena.core.cli import run
from astra_arena.core.errors import SandboxUnavailableError, SettingsError
from astra_arena.sandbox.tiers import TIERS, probe_tiers
from astra_arena.servers import Bundle
from astra_arena.servers.local_sandbox import build_local_sandbox
from tests.support.requirement import requirement


def test_the_strongest_tier_is_taken_and_a_minimum_kept() -> None:
    assert build_local_sandbox(min_tier=None, unsafe=False).tier == probe_tiers().tier
    assert build_local_sandbox(min_tier="seccomp", unsafe=False).tier == probe_tiers().tier
    if probe_tiers().missing:
        with pytest.raises(SandboxUnavailableError):
            build_local_sandbox(min_tier=TIERS[-1], unsafe=False)


@requirement("sandbox:unsafe")
def test_running_unconfined_is_said_loudly(capfd: pytest.CaptureFixture[str]) -> None:
    assert build_local_sandbox(min_tier=None, unsafe=True).tier == "unsafe"
    said = capfd.readouterr()
    assert "UNCONFINED" in said.err
    assert said.out == ""


def test_unconfined_and_a_minimum_exclude_each_other() -> None:
    with pytest.raises(SettingsError):
        build_local_sandbox(min_tier="seccomp", unsafe=True)


@requirement("sandbox:tiers:minimum")
def test_a_wrong_tier_ends_the_command(bundle: Bundle, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", str(bundle.path), "--min-tier", "fortress"]) == 2
    assert "expected a tier of" in capfd.readouterr().err
