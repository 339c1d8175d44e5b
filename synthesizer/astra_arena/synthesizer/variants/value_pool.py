"""Values that a solver may put into arguments: what the user said and what replies held."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from astra_arena.core.canonical import Json, canonical_bytes

LONGEST_VALUE = 120
"""Longer texts are descriptions, not something to search by."""
MOST_OF_NAME = 40
_SUFFIXES = ("_min", "_max", "_from", "_to", "_contains")


@dataclass(slots=True)
class ValuePool:
    """Scalars by the name that they came under, in the order in which they were met."""

    by_name: dict[str, dict[bytes, Json]] = field(default_factory=dict[str, dict[bytes, Json]])

    def add(self, name: str, value: Json) -> bool:
        """Note a value; returns whether it is new under its name."""
        if value is None or isinstance(value, bool | list | dict):
            return False
        if isinstance(value, str) and not 0 < len(value) <= LONGEST_VALUE:
            return False
        known = self.by_name.setdefault(plain_name(name), {})
        key = canonical_bytes(value)
        if key in known or len(known) >= MOST_OF_NAME:
            return False
        known[key] = value
        return True

    def add_reply(self, reply: Json, name: str = "") -> int:
        """Note every scalar of a reply; returns how many were new."""
        return sum(self.add(under, value) for under, value in scalars_of(reply, name))

    def named(self, name: str) -> list[Json]:
        """Return the values met under a parameter's name."""
        return list(self.by_name.get(plain_name(name), {}).values())

    def others(self, name: str) -> list[Json]:
        """Return all other values, each once, those of rare names first."""
        own = plain_name(name)
        names = sorted((n for n in self.by_name if n != own), key=lambda n: len(self.by_name[n]))
        seen: dict[bytes, Json] = {}
        for other in names:
            for key, value in self.by_name[other].items():
                seen.setdefault(key, value)
        return list(seen.values())


def plain_name(name: str) -> str:
    """Return a parameter's name without what makes it the end of a range."""
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def scalars_of(value: Json, name: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every scalar inside a value with the field that it stands in."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from scalars_of(inner, key)
        case list():
            for inner in value:
                yield from scalars_of(inner, name)
        case _:
            yield name, value
