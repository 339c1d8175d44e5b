"""Tiers: what is chosen, what is refused, and that the refusal says why and what to do."""

import os
import sys

import pytest

from astra_arena.core.errors import SandboxUnavailableError, SettingsError
from astra_arena.sandbox import ProcessSandbox
from astra_arena.sandbox.jail import ENVIRONMENT, jailed
from astra_arena.sandbox.tiers import TIERS, base_interpreter, chosen_tier, covers, probe_tiers
from tests.support.requirement import requirement

PYTHON = base_interpreter()


def test_a_tier_covers_those_whose_layers_it_has() -> None:
    assert [[covers(one, other) for other in TIERS] for one in TIERS] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, False, True, False],
        [True, True, True, True],
    ]
    assert not covers("unsafe", "seccomp")


@requirement("sandbox:tiers:probe")
def test_the_probe_names_a_tier_or_says_why_not() -> None:
    report = probe_tiers()
    assert report.tier in TIERS
    layers = {"seccomp", "landlock", "namespaces"}
    assert set(report.tier.split("+")) == layers - set(report.missing)
    assert all(report.missing.values())


def test_the_strongest_tier_is_chosen_and_a_lower_one_on_demand() -> None:
    assert chosen_tier(PYTHON) == probe_tiers().tier
    assert chosen_tier(PYTHON, exactly="seccomp") == "seccomp"
    assert chosen_tier(PYTHON, minimum="seccomp") == probe_tiers().tier
    assert chosen_tier(PYTHON, exactly="unsafe") == "unsafe"


@requirement("sandbox:tiers:minimum")
def test_below_the_minimum_nothing_runs() -> None:
    with pytest.raises(SandboxUnavailableError, match="container image"):
        chosen_tier(PYTHON, minimum="seccomp+landlock", exactly="seccomp")
    with pytest.raises(SandboxUnavailableError, match="expected tier 'seccomp'"):
        chosen_tier(PYTHON, minimum="seccomp", exactly="unsafe")


@requirement("sandbox:tiers:probe")
def test_a_jail_that_cannot_be_had_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailableError, match="bubblewrap"):
        # Another interpreter than any that was probed.
        chosen_tier(f"{os.path.dirname(PYTHON)}/./{os.path.basename(PYTHON)}", minimum=TIERS[-1])


def test_a_tier_that_does_not_exist_is_a_setting_that_cannot_be_used() -> None:
    for name in ("process", "landlock", "", "unsafe+seccomp"):
        with pytest.raises(SettingsError, match="expected a tier of"):
            _ = ProcessSandbox(min_tier=name).tier


@requirement("sandbox:tiers:no-fallback")
def test_elsewhere_than_on_linux_no_tier_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    for exactly in (None, "seccomp", "unsafe"):
        with pytest.raises(SandboxUnavailableError, match="container image"):
            chosen_tier(PYTHON, exactly=exactly)


def test_the_jail_holds_an_interpreter_and_nothing_of_the_user() -> None:
    if "namespaces" in probe_tiers().missing:
        pytest.skip(probe_tiers().missing["namespaces"])
    command = jailed([PYTHON, "-c", "pass"])
    shown = {command[n + 1] for n, word in enumerate(command) if word == "--ro-bind-try"}
    assert not {os.path.expanduser("~"), os.getcwd(), "/", "/etc", "/home", "/tmp"} & shown
    assert set(ENVIRONMENT) == {"LC_ALL", "PYTHONHASHSEED", "PYTHONUTF8", "TZ"}
