"""How asking for an episode can fail; each class is one answer of the control plane."""

from astra_arena.core.errors import EpisodeError, SandboxUnavailableError


class UnknownEpisodeError(EpisodeError):
    """No episode has this id, or it was closed so long ago that it was forgotten."""


class ClosedEpisodeError(EpisodeError):
    """The episode has ended; its record can still be fetched."""


class VoidEpisodeError(EpisodeError):
    """The machinery broke during the episode, so it has no verdict."""


class UngradedEpisodeError(EpisodeError):
    """There is no gold here: the record is scored with the full bundle, somewhere else."""


class EpisodeLimitError(EpisodeError):
    """As many episodes are open as the host allows."""

    retryable = True


class BusyError(EpisodeError):
    """The host takes no more just now: it drains, or too much is under way."""

    retryable = True


class ServerUnreachableError(SandboxUnavailableError):
    """An external server cannot be started or reached.

    Before a call of the episode has reached it, that is the machinery's failure. Afterwards it is
    the environment's: nobody can tell whether those calls brought the server down, and an episode
    that is being lost must not become void by that.
    """
