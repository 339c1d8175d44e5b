"""Which programs hold code that a sandbox can run."""

from typing import Literal

from astra_arena.core.errors import PolicyError
from astra_arena.sandbox.contract import Program


def runnable_world(program: Program) -> Literal["sqlite", "json", "python"]:
    """Return the kind of a program's world.

    Raises:
        PolicyError: if its tools are those of an external server.
    """
    if program.world_kind == "external":
        raise PolicyError(
            "the tools of this environment are those of an external MCP server, which may be "
            "reached only where the operator allows it; name the environment with --allow-external"
        )
    return program.world_kind
