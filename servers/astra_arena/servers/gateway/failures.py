"""What goes wrong with a call of an external server."""

from astra_arena.sandbox.contract import BrokeKind


class CallEndedError(Exception):
    """A call got no answer that can be used; whether it took effect is not known."""

    def __init__(self, kind: BrokeKind, detail: str) -> None:
        super().__init__(detail)
        self.kind: BrokeKind = kind
        self.detail = detail
