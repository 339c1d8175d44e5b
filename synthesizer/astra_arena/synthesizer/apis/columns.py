"""Finds the column that a parameter speaks of, by what both are called."""

from collections.abc import Iterable

from astra_arena.synthesizer.apis.resource import Column, Resource
from astra_arena.synthesizer.tables.naming import singular_of, words_of

KEY_NAMES = ("id", "uid", "uuid", "key", "slug", "username", "login", "code", "number", "name")
"""Names by which rows are told apart, the usual ones first."""
_ID_WORDS = frozenset({*KEY_NAMES, "identifier", "no", "ref"})


def without_id(name: str) -> str | None:
    """Return `pet` for `petId`; `None` for a name that does not end so.

    >>> without_id("owner_pet_id"), without_id("status")
    ('owner pet', None)
    """
    words = words_of(name)
    if len(words) < 2 or words[-1] not in _ID_WORDS:
        return None
    return singular_of(" ".join(words[:-1]))


def column_of(resource: Resource, name: str) -> Column | None:
    """Return the column of a resource that a parameter is named after."""
    words = words_of(name)
    if not words:
        return None
    plain = [one for one in resource.columns.values() if one.kind != "json"]
    for column in plain:
        if column.name == name or words_of(column.name) == words:
            return column
    about = without_id(name)
    if about is not None and is_named(resource, about):
        return _called(plain, [words[-1], *KEY_NAMES])
    if is_named(resource, singular_of(name)) or words in (["id"], ["identifier"], ["key"]):
        return _called(plain, KEY_NAMES)
    return None


def _called(columns: Iterable[Column], names: Iterable[str]) -> Column | None:
    by_words = {" ".join(words_of(one.name)): one for one in columns if not one.target}
    return next((by_words[name] for name in names if name in by_words), None)


def is_named(resource: Resource, words: str) -> bool:
    """Tell whether words name a resource: its noun, or the end of it."""
    noun = resource.singular.split(" ")
    said = words.split(" ")
    return noun[-len(said) :] == said or said[-len(noun) :] == noun


def named_by(resources: Iterable[Resource], words: str) -> Resource | None:
    """Return the resource that words name; the one with just these words first."""
    listed = list(resources)
    exact = next((one for one in listed if one.singular == words), None)
    last = words.split(" ")
    ending = [
        one for one in listed if last[-len(one.singular.split(" ")) :] == one.singular.split(" ")
    ]
    return exact or max(ending, key=lambda one: len(one.singular), default=None)
