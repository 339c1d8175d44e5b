"""Which world an instance belongs to: those of one field and language share worlds."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from astra_arena.core.canonical import digest_of
from astra_arena.synthesizer.qa.instance import QAInstance

DEFAULT_PER_WORLD = 40
"""Instances of one world; more make its schema and its tools longer than a prompt should be."""
SIDE_BY_SIDE = 4
"""Worlds of one field that are built at once, where one is not enough."""


class NamedWorld(NamedTuple):
    """A world that an instance belongs to."""

    name: str
    size: int
    """Instances that belong to it."""


class WorldNames:
    """Gives each instance its world, by its place among those of its field.

    Args:
        instances: All of them, in order.
        per_world: So many share a world.
    """

    def __init__(self, instances: Iterable[QAInstance], per_world: int = DEFAULT_PER_WORLD) -> None:
        self._per_world = per_world
        self._totals = Counter(_field_of(one) for one in instances)
        self._seen: Counter[tuple[str, str]] = Counter()

    def next_world(self, instance: QAInstance) -> NamedWorld:
        """Return the world of the next instance; they come in the order in which they came."""
        field = _field_of(instance)
        place = self._seen[field]
        self._seen[field] += 1
        # Neighbours go to different worlds, so that these grow side by side.
        block, within = divmod(place, self._per_world * SIDE_BY_SIDE)
        left = self._totals[field] - block * self._per_world * SIDE_BY_SIDE
        here = min(left, self._per_world * SIDE_BY_SIDE)
        beside = -(-here // self._per_world)
        number = within % beside
        size = -(-(here - number) // beside)
        return NamedWorld(name_of(*field, block * SIDE_BY_SIDE + number), size)


def name_of(domain: str, language: str, number: int) -> str:
    """Return the name of a world, which is that of its environment.

    >>> name_of("General knowledge", "en", 0), name_of("铁路客运", "zh", 1)
    ('general-knowledge-world', 'qa-world-zh-2a24-2')
    """
    words = re.sub(r"[^a-z0-9]+", "-", domain.lower()).strip("-")
    if not words[:1].isalpha():
        words = "qa"
    parts = [words[:40].strip("-"), "world"]
    if language != "en":
        parts.append(language)
    if not domain.isascii():
        # Other letters are lost on the way; what they said must not be.
        parts.append(digest_of(domain).removeprefix("sha256:")[:4])
    if number:
        parts.append(str(number + 1))
    return "-".join(parts)


def _field_of(instance: QAInstance) -> tuple[str, str]:
    return instance.domain, instance.language
