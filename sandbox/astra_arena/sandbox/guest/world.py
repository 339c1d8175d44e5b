"""What a session needs of a world, whatever its kind."""

from typing import Any, Protocol


class WorldError(Exception):
    """What a call did to the world cannot be kept."""


class World(Protocol):
    """Data that outlives a call."""

    size: int
    """Bytes that the world takes."""
    lost: bool
    """Whether the state before the call could not be restored."""

    def begin(self, steps: int) -> object:
        """Start a call; returns what the tool gets as its first argument."""
        ...

    def commit(self) -> bytes:
        """Keep what the call did; returns a digest of what it wrote, empty if that was nothing.

        Raises:
            WorldError: if it cannot be kept.
        """
        ...

    def undo(self) -> None:
        """Restore the state before the call."""
        ...

    def out_of_steps(self) -> bool:
        """Tell whether the call used up its SQL budget."""
        ...

    def digest(self) -> str:
        """Return the digest of the state; equal for equal states, whatever their history."""
        ...

    def difference(self) -> dict[str, Any]:
        """Return what differs from the state at the start; see `contract.Session`."""
        ...
