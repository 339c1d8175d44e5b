"""What goes wrong with an external server."""

from astra_arena.core.errors import SandboxUnavailableError
from astra_arena.sandbox.contract import BrokeKind


class ServerUnreachableError(SandboxUnavailableError):
    """An external server cannot be started or reached.

    Before a call of the episode has reached it, that is the machinery's failure. Afterwards it is
    the environment's: nobody can tell whether those calls brought the server down, and an episode
    that is being lost must not become void by that.
    """


class CallEndedError(Exception):
    """A call got no answer that can be used; whether it took effect is not known."""

    def __init__(self, kind: BrokeKind, detail: str) -> None:
        super().__init__(detail)
        self.kind: BrokeKind = kind
        self.detail = detail
