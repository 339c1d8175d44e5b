"""Calls that a solver could try next with the values it has, the plainest first."""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, islice, product

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.core.schema import Checker
from astra_arena.synthesizer.variants.value_pool import ValuePool

MOST_VALUES = 12
"""Values that are tried for one parameter."""
MOST_PAIRS = 60
MOST_REQUIRED = 240
_PAGING = frozenset({"offset", "page"})
_SIZES = frozenset({"limit", "page_size", "top", "max_results"})


class CallMaker:
    """Makes the candidate calls of one tool.

    Args:
        spec: The tool.
        hints: Arguments of calls to other tools, to be tried here as far as they fit.
        widest: Whether the longest replies are asked for; otherwise those that come by default.
    """

    def __init__(
        self, spec: ToolSpec, hints: Sequence[JsonObject] = (), *, widest: bool = True
    ) -> None:
        self.spec = spec
        self._wide = widest
        self._hints = hints if widest else [_without_sizes(hint) for hint in hints]
        properties = spec.input_schema.get("properties")
        self._rules: JsonObject = properties if isinstance(properties, dict) else {}
        required = spec.input_schema.get("required")
        self._required = [str(name) for name in required] if isinstance(required, list) else []
        self._checker = Checker(spec.input_schema)

    def calls(self, pool: ValuePool) -> Iterator[JsonObject]:
        """Yield arguments: hints, required ones alone, with one filter, with two, and sorted."""
        seen: set[bytes] = set()
        for arguments in chain.from_iterable(self._forms(pool)):
            spelt = canonical_bytes(arguments)
            if spelt not in seen and self._checker.finding(arguments) is None:
                seen.add(spelt)
                yield arguments

    def _forms(self, pool: ValuePool) -> Iterator[Iterator[JsonObject]]:
        bases = list(islice(self._bases(pool), MOST_REQUIRED))
        optional = [n for n in self._rules if n not in self._required and n not in _PAGING]
        filters = [name for name in optional if name not in _SIZES and not self._choices(name)]
        choices = [name for name in optional if name not in _SIZES and self._choices(name)]
        singles = [(name, v) for name in filters for v in pool.named(name)[:MOST_VALUES]]
        strange = [(name, v) for name in filters for v in self._strange(name, pool)]
        pairs = [p for p in combinations(singles, 2) if p[0][0] != p[1][0]][:MOST_PAIRS]
        sorts = list(product(*([(n, v) for v in self._choices(n)] for n in choices[:2])))
        wide = [self._widest(base) for base in bases]
        yield self._hinted(bases)
        yield iter(wide)
        yield iter(bases)
        yield ({**base, name: value} for base in wide for name, value in singles)
        yield ({**base, **dict(pair)} for base in wide for pair in pairs)
        yield ({**base, **dict(order)} for base in wide for order in sorts)
        yield ({**b, n: v, **dict(o)} for b in wide for n, v in singles for o in sorts)
        yield ({**base, name: value} for base in wide for name, value in strange)

    def _hinted(self, bases: list[JsonObject]) -> Iterator[JsonObject]:
        for hint in self._hints:
            fitting = {name: value for name, value in hint.items() if name in self._rules}
            for base in bases if fitting else ():
                yield {**base, **fitting}
                yield self._widest({**base, **fitting})

    def _bases(self, pool: ValuePool) -> Iterator[JsonObject]:
        options = [self._values(name, pool) for name in self._required]
        for values in product(*options):
            yield dict(zip(self._required, values, strict=True))

    def _values(self, name: str, pool: ValuePool) -> list[Json]:
        choices = self._choices(name)
        if choices:
            return choices
        own = pool.named(name)
        return [*own, *self._strange(name, pool)][: 2 * MOST_VALUES]

    def _strange(self, name: str, pool: ValuePool) -> list[Json]:
        """Return values met under other names that the parameter's schema takes."""
        checker = Checker({"type": "object", "properties": {name: self._rules.get(name)}})
        fitting = (v for v in pool.others(name) if checker.finding({name: v}) is None)
        return list(islice(fitting, MOST_VALUES))

    def _choices(self, name: str) -> list[Json]:
        rule = self._rules.get(name)
        rules = [rule]
        if isinstance(rule, dict) and isinstance(rule.get("anyOf"), list):
            rules += rule["anyOf"] if isinstance(rule["anyOf"], list) else []
        for one in rules:
            listed = one.get("enum") if isinstance(one, dict) else None
            if isinstance(listed, list):
                return [value for value in listed if value is not None]
        return []

    def _widest(self, base: JsonObject) -> JsonObject:
        """Ask for the longest reply that the tool gives."""
        wide = dict(base)
        for name in self._rules if self._wide else ():
            rule = self._rules[name]
            most = rule.get("maximum") if isinstance(rule, dict) else None
            if name in _SIZES and isinstance(most, int | float):
                wide[name] = int(most)
        return wide


def _without_sizes(arguments: JsonObject) -> JsonObject:
    return {name: value for name, value in arguments.items() if name not in _SIZES}
