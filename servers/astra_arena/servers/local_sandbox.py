"""The sandbox of this process, confined as the command line asks for."""

import sys

from astra_arena.core.errors import SettingsError
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.tiers import UNSAFE

_WARNING = """\
arena: ########################################################################
arena: --unsafe-no-sandbox: tool code runs UNCONFINED, as you, with your files
arena: and your network. Only for code that you wrote. Every record says so, and
arena: `arena rollout` refuses to collect from this server.
arena: ########################################################################"""


def build_local_sandbox(*, min_tier: str | None, unsafe: bool) -> ProcessSandbox:
    """Build the sandbox and find out at once whether it can be had.

    Args:
        min_tier: The tier below which nothing runs.
        unsafe: Run tool code unconfined, and say so on stderr.

    Raises:
        SettingsError: if there is no such tier, or both are asked for.
        SandboxUnavailableError: if the tier cannot be had.
    """
    if not unsafe:
        sandbox = ProcessSandbox(min_tier=min_tier)
        _ = sandbox.tier
        return sandbox
    if min_tier is not None:
        raise SettingsError("--unsafe-no-sandbox and --min-tier exclude each other")
    print(_WARNING, file=sys.stderr)
    return ProcessSandbox(tier=UNSAFE)
