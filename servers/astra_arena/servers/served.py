"""What a host serves: bundles and suites by name, with what all episodes of each share."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from astra_arena.core.errors import SettingsError, UnknownTaskError
from astra_arena.sandbox.contract import Limits
from astra_arena.servers.bundles.suite import Source, members_of
from astra_arena.servers.episodes.members import Member, compiled_members
from astra_arena.servers.episodes.mixing import DistractorPool


class Served:
    """A bundle or a suite with what all its episodes share.

    Args:
        source: The bundle or suite.
        limits: What a session may use; the sandbox's defaults when absent.
    """

    def __init__(self, source: Source, limits: Limits | None = None) -> None:
        self.source = source
        self._limits = limits

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The environments with their schemas, compiled when the first episode is opened."""
        return compiled_members(self.source, limits=self._limits)


class ServedEnvironments:
    """The environments of a host, which come and go.

    Args:
        limits: What a session may use; the sandbox's defaults when absent.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self._served: dict[str, Served] = {}

    @property
    def by_name(self) -> Mapping[str, Served]:
        """What is served now."""
        return MappingProxyType(self._served)

    def get(self, name: str) -> Served:
        """Return the environment called `name`.

        Raises:
            UnknownTaskError: naming what there is.
        """
        served = self._served.get(name)
        if served is None:
            there = ", ".join(self._served) or "none"
            raise UnknownTaskError(f"no environment {name[:64]!r} is served here, only: {there}")
        return served

    def add(self, source: Source) -> Served:
        """Serve one more bundle or suite.

        Raises:
            SettingsError: if one of that name is served already.
        """
        there = self._served.get(source.name)
        if there is not None:
            raise SettingsError(
                f"environment names must differ, but {source.name} came twice "
                f"({there.source.path}, {source.path}); serve them from two processes, rename one, "
                "or replace the one that is served"
            )
        return self.put(source)

    def put(self, source: Source) -> Served:
        """Serve a bundle or suite in place of the one of its name, if there is one."""
        served = self._served[source.name] = Served(source, self._limits)
        return served

    def remove(self, name: str) -> Served:
        """Serve an environment no longer.

        Raises:
            UnknownTaskError: if there is no such environment.
        """
        served = self.get(name)
        del self._served[name]
        return served

    def pool(self) -> DistractorPool:
        """Return all that is served now, as far as its tools can be mixed into others' episodes."""
        homes = {
            bundle.name: (bundle, one)
            for one in reversed(tuple(self.by_name.values()))
            for bundle in members_of(one.source)
        }

        def member(name: str) -> Member:
            return next(one for one in homes[name][1].members if one.name == name)

        return DistractorPool({name: bundle for name, (bundle, _) in homes.items()}, member)
