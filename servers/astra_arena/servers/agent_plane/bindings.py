"""What a request is about: an episode, one member or phase of it, or nothing but an environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from astra_arena.core.environment import ToolSpec
from astra_arena.core.offers import SEPARATOR, ToolRef
from astra_arena.servers.agent_plane.extensions import RequestContext
from astra_arena.servers.agent_plane.paths import phase_path
from astra_arena.servers.episodes.conversation import REPLY_SPEC
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.failures import UnknownEpisodeError

NO_EPISODE_TEXT = (
    "no episode is bound to this address, so its tools can only be looked at; open an episode on "
    "the control plane and use its address"
)


@dataclass(frozen=True, slots=True)
class Binding:
    """An episode as it is seen at one address."""

    episode: Episode
    member: str | None = None
    """The member whose tools alone are seen, under their own names."""
    phase: int | None = None
    """The phase whose tools are seen, whatever phase the episode has come to."""
    base: str | None = None
    """What addresses start with, where others may be given out."""
    streams: bool = True
    """Whether something can be sent before the answer."""

    def streaming(self) -> "Binding":
        """Return the same where something can be sent before the answer."""
        return replace(self, streams=True)

    def tools(self) -> list[tuple[ToolSpec, ToolRef | None]]:
        """Return the tools that are seen, by the names that they have here; `reply` is no ref's."""
        specs = self.episode.calling.specs(self.phase)
        if self.member is not None:
            prefix = self.member + SEPARATOR
            return [
                (spec.model_copy(update={"name": spec.name.removeprefix(prefix)}), ref)
                for spec, ref in specs
                if ref.environment == self.member
            ]
        own = [(REPLY_SPEC, None)] if self.episode.task.needs_reply else []
        return [*specs, *own]

    def names(self) -> Mapping[str, str] | None:
        """Return the episode's names for the tools that are seen here, if they are others."""
        if self.member is None:
            return None
        prefix = self.member + SEPARATOR
        return {
            spec.name.removeprefix(prefix): spec.name
            for spec, ref in self.episode.calling.specs()
            if ref.environment == self.member
        }

    def offers(self, tool: str) -> bool:
        """Tell whether a tool can be called here now."""
        names = self.names()
        return self.episode.offers(tool) if names is None else tool in names

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the source's own tools is seen."""
        return self.member is None and self.phase is None and not self.episode.tools_differ

    @property
    def may_change(self) -> bool:
        """Whether the tools that are seen may become others."""
        return self.phase is None and self.episode.tools_change

    def next_address(self, phase: int) -> str | None:
        """Return where a phase is played, if others' addresses are given out here."""
        if self.base is None or self.member is not None:
            return None
        return self.base + phase_path(self.episode.source.name, self.episode.id, phase)


EpisodeFinder: TypeAlias = Callable[[RequestContext], Episode | Binding]
"""Returns what a request is about, or raises `EpisodeError` where that is no episode."""


def binding_of(find: EpisodeFinder, context: RequestContext) -> Binding:
    """Return what a request is about.

    Raises:
        EpisodeError: if that is no episode.
    """
    found = find(context)
    return found if isinstance(found, Binding) else Binding(found)


def nothing_bound() -> UnknownEpisodeError:
    """Return the error of an address without an episode."""
    return UnknownEpisodeError(NO_EPISODE_TEXT)
