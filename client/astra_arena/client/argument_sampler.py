"""Random tool arguments that satisfy a JSON Schema; the same stream gives the same arguments.

Covered: types and lists of types, `enum`, `const`, number ranges and `multipleOf`, string lengths
and the formats `date`, `date-time`, `time`, `email`, `uri` and `uuid`, arrays, objects, `anyOf`,
`oneOf`, `allOf` and local `$ref`s; `default` and `examples` are used where they stand.
Not covered: `pattern` and whatever else cannot be met by chance. What comes out is always checked,
so an unmet rule means no arguments, never wrong ones.
"""

import math
import random
import string
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, cast
from uuid import UUID

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.schema import Checker

ATTEMPTS = 20
"""How often a sample is drawn before the schema counts as one that chance does not meet."""
MAX_DEPTH = 6

Seen: TypeAlias = Mapping[str, Sequence[Json]]
"""Values met in earlier replies, by field name."""


def sample_arguments(
    schema: JsonObject, stream: random.Random, *, seen: Seen | None = None
) -> JsonObject | None:
    """Draw arguments that satisfy `schema`.

    Args:
        schema: A tool's input schema.
        stream: Where the choices come from.
        seen: Values to prefer, half of the time, for properties of the same name.

    Returns:
        The arguments, or `None` when no sample satisfied the schema.
    """
    checker = Checker(schema)
    sampler = _Sampler(schema, stream, seen or {})
    for _ in range(ATTEMPTS):
        value = sampler.draw(schema, depth=0)
        if isinstance(value, dict) and checker.finding(value) is None:
            return value
    return None


class _Sampler:
    def __init__(self, root: JsonObject, stream: random.Random, seen: Seen) -> None:
        self._root = root
        self._stream = stream
        self._seen = seen

    def draw(self, schema: Json, *, depth: int) -> Json:
        rule = self._plain(schema, depth)
        if "const" in rule:
            return rule["const"]
        for key in ("enum", "examples"):
            choices = rule.get(key)
            if isinstance(choices, list) and choices and (key == "enum" or self._coin()):
                return self._stream.choice(choices)
        if "default" in rule and self._coin():
            return rule["default"]
        return self._typed(rule, depth)

    def _coin(self) -> bool:
        return self._stream.random() < 0.5

    def _plain(self, schema: Json, depth: int) -> JsonObject:
        """Follow references and merge or choose among alternatives until a plain rule is left."""
        rule: JsonObject = dict(schema) if isinstance(schema, dict) else {}
        for _ in range(MAX_DEPTH):
            target = rule.pop("$ref", None)
            if isinstance(target, str):
                rule = {**self._referenced(target), **rule}
            parts = _rules(rule.pop("allOf", None))
            for choice in ("anyOf", "oneOf"):
                branches = _rules(rule.pop(choice, None))
                if branches:
                    # Past some depth, a branch that ends is better than one that recurses.
                    parts.append(branches[0] if depth > 2 else self._stream.choice(branches))
            if not parts:
                break
            for part in parts:
                rule = _merged(rule, part)
        return rule

    def _referenced(self, target: str) -> JsonObject:
        if not target.startswith("#"):
            return {}
        try:
            found = resolve_pointer(self._root, target[1:])
        except SpecError:
            return {}
        return dict(found) if isinstance(found, dict) else {}

    def _typed(self, rule: JsonObject, depth: int) -> Json:
        match self._type(rule):
            case "object":
                return self._object(rule, depth)
            case "array":
                return self._array(rule, depth)
            case "integer":
                return self._integer(rule)
            case "number":
                return self._number(rule)
            case "boolean":
                return self._coin()
            case "null":
                return None
            case _:
                return self._string(rule)

    def _type(self, rule: JsonObject) -> str:
        kinds = rule.get("type")
        if isinstance(kinds, str):
            return kinds
        if isinstance(kinds, list) and kinds:
            return str(self._stream.choice(kinds))
        if "properties" in rule:
            return "object"
        return "array" if "items" in rule else "string"

    def _object(self, rule: JsonObject, depth: int) -> JsonObject:
        properties = rule.get("properties")
        required = rule.get("required")
        needed = {str(name) for name in required} if isinstance(required, list) else set[str]()
        result: JsonObject = {}
        for name, inner in (properties if isinstance(properties, dict) else {}).items():
            if name in needed or (depth < MAX_DEPTH and self._coin()):
                result[name] = self._property(name, inner, depth)
        for name in sorted(needed - set(result)):
            result[name] = self._property(name, {}, depth)
        return result

    def _property(self, name: str, schema: Json, depth: int) -> Json:
        known = self._seen.get(name)
        if known and self._coin():
            value = self._stream.choice(known)
            if (
                isinstance(schema, dict)
                and "$ref" not in schema
                and Checker(schema).finding(value) is None
            ):
                return value
        return self.draw(schema, depth=depth + 1)

    def _array(self, rule: JsonObject, depth: int) -> list[Json]:
        least = _whole(rule.get("minItems"), 0)
        most = _whole(rule.get("maxItems"), least + 3)
        heads = _rules(rule.get("prefixItems"))
        count = least if depth > MAX_DEPTH else self._stream.randint(least, max(least, most))
        schemas: list[Json] = [*heads[:count], *[rule.get("items", {})] * (count - len(heads))]
        return [self.draw(schema, depth=depth + 1) for schema in schemas]

    def _integer(self, rule: JsonObject) -> int:
        low, high = _bounds(rule)
        step = rule.get("multipleOf")
        if isinstance(step, int | float) and step >= 1:
            return int(step) * self._stream.randint(math.ceil(low / step), math.floor(high / step))
        return self._stream.randint(math.ceil(low), max(math.ceil(low), math.floor(high)))

    def _number(self, rule: JsonObject) -> float:
        low, high = _bounds(rule)
        step = rule.get("multipleOf")
        if isinstance(step, int | float) and step > 0:
            return step * self._stream.randint(math.ceil(low / step), math.floor(high / step))
        return round(self._stream.uniform(low, high), 2)

    def _string(self, rule: JsonObject) -> str:
        match rule.get("format"):
            case "date":
                return self._moment().date().isoformat()
            case "date-time":
                return self._moment().isoformat().replace("+00:00", "Z")
            case "time":
                return self._moment().time().isoformat() + "Z"
            case "email":
                return f"{self._word(3, 8)}@example.com"
            case "uri" | "url":
                return f"https://example.com/{self._word(3, 8)}"
            case "uuid":
                return str(UUID(int=self._stream.getrandbits(128), version=4))
            case _:
                least = _whole(rule.get("minLength"), 1)
                return self._word(least, _whole(rule.get("maxLength"), least + 8))

    def _moment(self) -> datetime:
        start = datetime(2000, 1, 1, tzinfo=UTC)
        return start + timedelta(seconds=self._stream.randrange(30 * 365 * 24 * 3600))

    def _word(self, least: int, most: int) -> str:
        length = self._stream.randint(least, max(least, most))
        return "".join(self._stream.choices(string.ascii_lowercase, k=length))


def _rules(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _merged(left: JsonObject, right: JsonObject) -> JsonObject:
    """Join two rules of an `allOf`; properties and required names add up."""
    joined: JsonObject = {**left, **right}
    for key in ("properties", "required"):
        one, two = left.get(key), right.get(key)
        if isinstance(one, dict) and isinstance(two, dict):
            joined[key] = {**one, **two}
        elif isinstance(one, list) and isinstance(two, list):
            joined[key] = [*one, *two]
    return joined


def _whole(value: Json, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) else otherwise


def _bounds(rule: JsonObject) -> tuple[float, float]:
    """Return the range of a number; 100 wide where a side is open."""
    step = 1.0 if rule.get("type") == "integer" else 0.01
    lows = [_limit(rule, "minimum", 0.0), _limit(rule, "exclusiveMinimum", step)]
    highs = [_limit(rule, "maximum", 0.0), _limit(rule, "exclusiveMaximum", -step)]
    low = max((value for value in lows if value is not None), default=None)
    high = min((value for value in highs if value is not None), default=None)
    if low is None:
        low = 0.0 if high is None else high - 100.0 if high < 0 else 0.0
    return low, (low + 100.0 if high is None else high)


def _limit(rule: JsonObject, key: str, shift: float) -> float | None:
    value = rule.get(key)
    return cast(float, value) + shift if isinstance(value, int | float) else None
