"""Tiers: which layers confine tool code, which this machine has, and why others are missing.

A tier is the layers in force, joined by `+`. `seccomp` is mandatory; `unsafe` is not a lower tier
but the absence of any, had only by asking for it.
"""

import ctypes
import errno
import functools
import os
import sys
from dataclasses import dataclass, field

from astra_arena.core.errors import SandboxUnavailableError, SettingsError
from astra_arena.sandbox.guest import landlock
from astra_arena.sandbox.guest.syscalls import AUDIT_ARCHITECTURES
from astra_arena.sandbox.jail import jail_failure

UNSAFE = "unsafe"
EXTERNAL = "external"
"""Where tools are those of a server that is not run here: nobody here confines their code."""
TIERS = (
    "seccomp",
    "seccomp+landlock",
    "seccomp+namespaces",
    "seccomp+landlock+namespaces",
)
"""From the mandatory one to the strongest."""

CONTAINER_HINT = "run it in the Linux container image `astra-arena` (see docker/)"

_LAYERS = ("seccomp", "landlock", "namespaces")
_PR_GET_SECCOMP = 21
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2


@dataclass(frozen=True, slots=True)
class TierReport:
    """What the start-up probe found."""

    tier: str | None
    """The strongest tier that can be had; `None` when not even the mandatory one can."""
    missing: dict[str, str] = field(default_factory=dict[str, str])
    """Layers that are not in it, each with the reason."""


def covers(tier: str, minimum: str) -> bool:
    """Tell whether `tier` has every layer of `minimum`; with external code in it, it has none."""
    layers = set(tier.split("+"))
    return EXTERNAL not in layers and set(minimum.split("+")) <= layers


def require_tier_name(name: str) -> str:
    """Return the name of a confining tier, unchanged.

    Raises:
        SettingsError: if there is no such tier.
    """
    if name not in TIERS:
        raise SettingsError(f"expected a tier of {', '.join(TIERS)}, got {name!r}")
    return name


def probe_tiers(python: str | None = None) -> TierReport:
    """Find out which tier this machine has for tool code run by `python`."""
    return _probed(python or base_interpreter())


def chosen_tier(python: str, *, minimum: str | None = None, exactly: str | None = None) -> str:
    """Return the tier to run at: the strongest there is, or `exactly` one.

    Raises:
        SandboxUnavailableError: if it, the minimum or the mandatory tier cannot be had.
        SettingsError: if there is no tier of such a name.
    """
    require_linux()
    if exactly == UNSAFE and minimum is None:
        return UNSAFE
    named = [name for name in (minimum, exactly) if name is not None and name != UNSAFE]
    wanted = [require_tier_name(name) for name in named]
    report = probe_tiers(python)
    if report.tier is None:
        raise SandboxUnavailableError(
            f"tool code cannot be confined here: {report.missing['seccomp']}; {CONTAINER_HINT}"
        )
    reached = report.tier if exactly is None else exactly
    for name in wanted:
        for got in (report.tier, reached):
            if not covers(got, name):
                raise SandboxUnavailableError(_too_low(name, got, report))
    return reached


def require_linux() -> None:
    """Refuse platforms without the kernel features that confine tool code.

    Raises:
        SandboxUnavailableError: anywhere but on Linux.
    """
    if sys.platform != "linux":
        raise SandboxUnavailableError(
            f"expected Linux to run tool code, got {sys.platform!r}: {CONTAINER_HINT}"
        )


def base_interpreter() -> str:
    """Return the interpreter behind the virtual environment that this process may run in."""
    return getattr(sys, "_base_executable", "") or sys.executable


def _too_low(wanted: str, got: str, report: TierReport) -> str:
    reasons = [
        f"{layer}: {report.missing[layer]}"
        for layer in wanted.split("+")
        if layer in report.missing
    ]
    why = "; ".join(reasons) or "another tier was asked for"
    return f"expected tier {wanted!r} or higher, got {got!r} ({why}); {CONTAINER_HINT}"


@functools.cache
def _probed(python: str) -> TierReport:
    missing = {
        layer: reason
        for layer, reason in (
            ("seccomp", _seccomp_failure()),
            ("landlock", _landlock_failure()),
            ("namespaces", jail_failure(python)),
        )
        if reason
    }
    if "seccomp" in missing:
        return TierReport(None, missing)
    return TierReport("+".join(layer for layer in _LAYERS if layer not in missing), missing)


def _seccomp_failure() -> str:
    if sys.platform != "linux":
        return f"{sys.platform} has no seccomp"
    machine = os.uname().machine
    if machine not in AUDIT_ARCHITECTURES:
        return f"no system call table for {machine!r}, only for {', '.join(AUDIT_ARCHITECTURES)}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return "the kernel was built without seccomp"
    # A filter at no address: a kernel that has filters goes looking for it. To ask for the actions
    # by SECCOMP_GET_ACTION_AVAILABLE would miss gVisor, which takes filters but not the question.
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, 0, 0, 0)
    if ctypes.get_errno() != errno.EFAULT:
        return "the kernel has no seccomp filters"
    return ""


def _landlock_failure() -> str:
    if sys.platform != "linux":
        return f"{sys.platform} has no Landlock"
    if landlock.version() == 0:
        return "the kernel has no Landlock, or a container's profile hides it"
    return ""
