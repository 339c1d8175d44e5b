"""Values that the replies of an environment and its world hold, by the field they stand in."""

from collections import Counter
from collections.abc import Collection, Iterator

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes

MOST_KEPT = 64
"""So many values of a field are kept, and rows of the same fields, those met first."""
_BOUNDS = ("_min", "_max", "_from", "_to", "_before", "_after", "min_", "max_")


class SeenValues:
    """Scalars met in replies, by field name, in the order in which they were met first."""

    def __init__(self) -> None:
        self._values: dict[str, dict[bytes, Json]] = {}
        self._counts: dict[str, Counter[bytes]] = {}
        self._stored: dict[str, dict[bytes, Json]] = {}
        self._rows: dict[tuple[str, ...], dict[bytes, JsonObject]] = {}

    def note_stored(self, name: str, value: Json) -> None:
        """Keep what the world holds; it is offered after what replies hold."""
        known = self._stored.setdefault(name, {})
        if len(known) < MOST_KEPT:
            known.setdefault(canonical_bytes(value), value)

    def note(self, reply: Json) -> None:
        """Keep what a reply holds, or what a call gives."""
        for row in _rows_in(reply):
            rows = self._rows.setdefault(tuple(sorted(row)), {})
            if len(rows) < MOST_KEPT:
                rows.setdefault(canonical_bytes(row), row)
        for name, value in scalars_in(reply):
            known, key = self._values.setdefault(name, {}), canonical_bytes(value)
            if len(known) < MOST_KEPT:
                known.setdefault(key, value)
            if key in known:
                self._counts.setdefault(name, Counter())[key] += 1

    def of_field(self, name: str) -> list[Json]:
        """Return the values met in a field."""
        return list(self._values.get(name, {}).values())

    def commonest(self, name: str) -> Json:
        """Return the value met most often in a field; `None` when none was."""
        counts = self._counts.get(name)
        if not counts:
            return None
        return self._values[name][min(counts, key=lambda key: (-counts[key], key))]

    def rows_with(self, names: Collection[str]) -> list[JsonObject]:
        """Return what was met side by side in these fields, each once."""
        found: dict[bytes, JsonObject] = {}
        for fields, rows in self._rows.items():
            if set(names) <= set(fields):
                for row in rows.values():
                    part = {name: row[name] for name in names}
                    found.setdefault(canonical_bytes(part), part)
        return list(found.values())

    def others(self, argument: str, value: Json) -> list[Json]:
        """Return values that may stand in the place of an argument's, never that one itself.

        Those of fields with the argument's name come first, then those of the fields that the value
        was met in, then what the world holds besides.
        """
        key = canonical_bytes(value)
        found: dict[bytes, Json] = {}
        for held in (self._values, self._stored):
            holding = [name for name, known in held.items() if key in known]
            for name in (*_field_names(argument), *holding):
                for spelt, other in held.get(name, {}).items():
                    if spelt != key and (value is None or _alike(value, other)):
                        found.setdefault(spelt, other)
        return list(found.values())


def scalars_in(value: Json, name: str = "") -> Iterator[tuple[str, Json]]:
    """Give the scalars of a value with the names of the fields that they stand in."""
    if isinstance(value, dict):
        for field, inner in value.items():
            yield from scalars_in(inner, field)
    elif isinstance(value, list):
        for inner in value:
            yield from scalars_in(inner, name)
    elif value is not None:
        yield name, value


def _rows_in(value: Json) -> Iterator[JsonObject]:
    """Give the scalars that stand side by side in objects."""
    if isinstance(value, dict):
        row: JsonObject = {
            name: inner
            for name, inner in value.items()
            if inner is not None and not isinstance(inner, dict | list)
        }
        if len(row) > 1:
            yield row
        for one in value.values():
            yield from _rows_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _rows_in(one)


def _field_names(argument: str) -> Iterator[str]:
    """Give the names of fields that an argument may be compared with."""
    yield argument
    for bound in _BOUNDS:
        if argument.endswith(bound) or argument.startswith(bound):
            yield argument.removesuffix(bound).removeprefix(bound)
    head, _, tail = argument.rpartition("_")
    if head:
        yield tail


def _alike(value: Json, other: Json) -> bool:
    if isinstance(value, bool) or isinstance(other, bool):
        return isinstance(value, bool) and isinstance(other, bool)
    if isinstance(value, int | float):
        return isinstance(other, int | float)
    return type(value) is type(other)
