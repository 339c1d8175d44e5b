"""What confined the tools that rollouts were played on: unconfined ones make no training data."""

from astra_arena.core.errors import SandboxUnavailableError, SettingsError
from astra_arena.sandbox.tiers import (
    UNSAFE,
    base_interpreter,
    chosen_tier,
    covers,
    require_tier_name,
)

UNKNOWN = "unknown"
"""The tier of a place whose servers have yet to start, on this machine."""


def require_confined(tier: str, *, min_tier: str | None = None) -> None:
    """Refuse to collect rollouts from tools that ran below a tier.

    Args:
        tier: What the place says of itself.
        min_tier: What it must reach at least.

    Raises:
        SettingsError: if the tools run unconfined, or there is no such tier.
        SandboxUnavailableError: if the tier is not reached.
    """
    if tier == UNSAFE:
        raise SettingsError(
            "the server was started with --unsafe-no-sandbox: what is played on it is no training "
            "data; start it without, or play on it with an MCP client"
        )
    if min_tier is None:
        return
    require_tier_name(min_tier)
    if tier == UNKNOWN:
        chosen_tier(base_interpreter(), minimum=min_tier)
    elif not covers(tier, min_tier):
        raise SandboxUnavailableError(f"expected tier {min_tier!r} or higher, got {tier!r}")
