"""What operations are about: nouns from the names of schemas and from paths."""

import re

from astra_arena.synthesizer.apis.operation import Operation
from astra_arena.synthesizer.tables.naming import singular_of, words_of

_PLAIN = frozenset(
    {
        *("response", "request", "dto", "model", "resource", "entity", "object", "base", "full"),
        *("summary", "details", "detail", "input", "output", "read", "write", "view", "info"),
        *("simple", "minimal", "public", "private", "basic", "page", "list", "collection"),
        *("wrapper", "results", "result", "data", "body", "payload", "schema", "type", "json"),
        *("create", "update", "created", "updated", "new", "get", "post", "put", "patch", "paged"),
        *("nullable", "with", "extended", "short", "representation", "rest", "api"),
    }
)
"""Words in the names of schemas that say how a thing is shown, not what it is."""
_SEARCHES = frozenset({"find", "search", "list", "query", "filter", "all", "lookup", "by"})
_VERSION = re.compile(r"v?\d+(\.\d+)*|api|rest", re.IGNORECASE)


def schema_noun(name: str) -> str:
    """Return the thing that a schema's name speaks of, in the singular; empty for none.

    >>> schema_noun("AnimalFullResponse"), schema_noun("create-order-request"), schema_noun("Page")
    ('animal', 'order', '')
    """
    words = [word for word in words_of(name) if word not in _PLAIN and not _VERSION.fullmatch(word)]
    return singular_of(" ".join(words)) if words else ""


def segments(path: str) -> list[str]:
    """Return the parts of a path without versions."""
    parts = [part for part in path.split("/") if part]
    return [part for part in parts if part.startswith("{") or not _VERSION.fullmatch(part)]


def is_parameter(segment: str) -> bool:
    """Tell whether a part of a path stands for a value."""
    return segment.startswith("{")


def parameter(segment: str) -> str:
    """Return the name in a part of a path."""
    return segment.strip("{}")


def collection_of(path: str) -> tuple[str, ...]:
    """Return the names on the way to what a path lists or names, without values and searches.

    >>> collection_of("/v1/pets/findByStatus"), collection_of("/stores/{id}/orders/{order}")
    (('pets',), ('stores', 'orders'))
    """
    names = [part for part in segments(path) if not is_parameter(part)]
    while len(names) > 1 and _is_search(names[-1]):
        names.pop()
    return tuple(names)


def _is_search(segment: str) -> bool:
    words = words_of(segment)
    return bool(words) and words[0] in _SEARCHES


def path_noun(path: str) -> str:
    """Return the thing that a path is about, in the singular."""
    names = collection_of(path)
    return singular_of(names[-1]) if names else ""


def names_one(operation: Operation) -> bool:
    """Tell whether an operation's path ends with a value: it is about one thing."""
    parts = segments(operation.path)
    return bool(parts) and is_parameter(parts[-1])
