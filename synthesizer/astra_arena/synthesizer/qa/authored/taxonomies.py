"""Taxonomies: objects within objects, whose leaves say what people ask for there.

A leaf has a `description`, and `examples` as texts or as objects with a `query`; what leads to it
is its topic. ASTRA (arXiv 2601.21558) writes them so.
"""

from collections.abc import Iterator
from typing import cast

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.model import Model

MOST_DEEP = 12
MOST_EXAMPLES = 5
_LEAF = frozenset({"description", "examples"})


class Topic(Model):
    """A leaf of a taxonomy, as a seed takes it."""

    domain: str
    topic: tuple[str, ...]
    """The way to the leaf, the domain first."""
    scenario: str


def topics_of(data: JsonObject) -> list[Topic]:
    """Return the leaves of a taxonomy; none if it is something else.

    >>> leaf = {"description": "Ask for the weather", "examples": [{"query": "Rain in Oslo?"}]}
    >>> [one.topic for one in topics_of({"weather": {"forecast": leaf}})]
    [('weather', 'forecast')]
    >>> topics_of({"domain": "weather"})
    []
    """
    if not data or not all(isinstance(value, dict) for value in data.values()):
        return []
    return list(_leaves(data, ()))


def _leaves(data: JsonObject, way: tuple[str, ...]) -> Iterator[Topic]:
    if len(way) > MOST_DEEP:
        return
    if way and not _LEAF.isdisjoint(data):
        yield Topic(domain=way[0], topic=way, scenario=_scenario(data))
        return
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(cast("JsonObject", value), (*way, name))


def _scenario(leaf: JsonObject) -> str:
    told = leaf.get("description")
    examples = leaf.get("examples")
    lines = [told] if isinstance(told, str) else []
    for one in examples[:MOST_EXAMPLES] if isinstance(examples, list) else ():
        query: Json = one.get("query") if isinstance(one, dict) else one
        if isinstance(query, str):
            lines.append(f"- {query}")
    return "\n".join(lines)
