"""Runs inside a container: every conformance check, on the container's own sandbox.

Prints one line of JSON: the tier, the layers that are missing, and what each check came to.
"""

import asyncio
import json

from astra_arena.sandbox import CHECKS, ProcessSandbox
from astra_arena.sandbox.tiers import probe_tiers


async def main() -> None:
    """Run them all."""
    report = probe_tiers()
    outcomes: dict[str, str] = {}
    for check in CHECKS:
        name = getattr(check, "__name__", "check").removeprefix("check_")
        try:
            async with asyncio.timeout(120):
                await check(ProcessSandbox)
        except Exception as error:
            outcomes[name] = f"{type(error).__name__}: {error}"
        else:
            outcomes[name] = "passed"
    print(json.dumps({"tier": report.tier, "missing": report.missing, "outcomes": outcomes}))


asyncio.run(main())
