"""The sandbox of a server whose operator allowed external servers."""

from collections.abc import Sequence

from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.remote_sandbox import RemoteSandbox
from astra_arena.servers.bundles.suite import Source
from astra_arena.servers.gateway.permission import allowed_servers
from astra_arena.servers.gateway.routing_sandbox import RoutingSandbox


def with_external(
    code: ProcessSandbox | RemoteSandbox, sources: Sequence[Source], names: Sequence[str]
) -> ProcessSandbox | RemoteSandbox | RoutingSandbox:
    """Return a sandbox that also reaches the external servers of the environments named.

    Args:
        code: Runs tool code; returned as it is when nothing external is served.
        sources: What is served.
        names: Environments whose external servers the operator allowed.

    Raises:
        SettingsError: if one is served that is not allowed, or allowed that is not served.
    """
    allowed = allowed_servers(sources, names)
    if not allowed:
        return code
    # Brings MCP's client, which servers of tool code alone need not wait for.
    from astra_arena.servers.gateway.gateway_sandbox import GatewaySandbox

    return RoutingSandbox(code, GatewaySandbox(allowed))
