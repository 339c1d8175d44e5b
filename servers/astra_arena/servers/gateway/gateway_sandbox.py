"""Sessions with external servers.

A bundle from a stranger must start nothing and reach nothing by being served. So a server is used
only if the operator allowed exactly this way to reach it, whatever a bundle is called.
"""

from collections.abc import Collection

from astra_arena.core.errors import BundleError, PolicyError
from astra_arena.sandbox.contract import Program, Session
from astra_arena.sandbox.tiers import EXTERNAL
from astra_arena.servers.bundles.external_world import ExternalWorld, external_world, world_digest
from astra_arena.servers.episodes.failures import ServerUnreachableError
from astra_arena.servers.gateway.connection import OPEN_SECONDS, connect
from astra_arena.servers.gateway.gateway_session import GatewaySession

MOST_SESSIONS = 256
"""So many sessions with external servers are open at once; each may be a process of any size."""


class GatewaySandbox:
    """Opens sessions with external servers.

    Args:
        allowed: Digests of the `world.json` files whose servers may be used.
        most_sessions: How many sessions may be open at once.
        open_seconds: How long a server may take to answer first.
    """

    def __init__(
        self,
        allowed: Collection[str],
        *,
        most_sessions: int = MOST_SESSIONS,
        open_seconds: float = OPEN_SECONDS,
    ) -> None:
        self._allowed = frozenset(allowed)
        self._most = most_sessions
        self._open_seconds = open_seconds
        self._open: set[GatewaySession] = set()
        self._opening = 0

    @property
    def tier(self) -> str:
        """What confines the code behind the tools: nothing that is known here."""
        return EXTERNAL

    async def open_session(self, program: Program, *, seed: int) -> Session:
        """Connect to the server of a program; the seed changes nothing there.

        Raises:
            PolicyError: if the operator did not allow it, or the program has no such server.
            ServerUnreachableError: if it cannot be started or reached.
        """
        del seed
        world = self._world(program)
        if len(self._open) + self._opening >= self._most:
            raise ServerUnreachableError(
                f"{self._most} sessions with external servers are open, which is the limit; wait"
            )
        self._opening += 1
        try:
            connection = await connect(world, seconds=self._open_seconds)
        finally:
            self._opening -= 1
        session = GatewaySession(program, world, connection, on_close=self._open.discard)
        self._open.add(session)
        return session

    async def close(self) -> None:
        """End all sessions."""
        for session in tuple(self._open):
            await session.close()

    def _world(self, program: Program) -> ExternalWorld:
        try:
            data = program.world_path.read_bytes()
            world = external_world(data, what=str(program.world_path))
        except OSError as error:
            raise ServerUnreachableError(f"the world cannot be read: {error.strerror}") from None
        except BundleError as error:
            raise PolicyError(error.message) from None
        if world_digest(data) not in self._allowed:
            raise PolicyError(
                f"an environment wants to use {world.reached_by}, which the operator did not "
                "allow; start the server with --allow-external and the environment's name"
            )
        missing = sorted(set(program.tool_names) - set(world.tools))
        if missing:
            raise PolicyError(f"the world does not say where calls of {missing[0]!r} go")
        return world
