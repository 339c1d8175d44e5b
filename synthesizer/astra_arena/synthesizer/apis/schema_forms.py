"""Brings the schemas of documents into one form: resolved, merged, of JSON Schema 2020-12."""

from collections.abc import Callable
from typing import Literal

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError

Side = Literal["request", "reply"]

MOST_BYTES = 60_000
"""A schema that is larger when it is spelled out is none that an agent could read."""
MOST_DEPTH = 24
_DROPPED = frozenset(
    {"discriminator", "xml", "externalDocs", "example", "examples", "readOnly", "writeOnly"}
)
"""Keywords of OpenAPI that say nothing of values; examples would be data from nowhere."""
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTS = frozenset({"oneOf", "anyOf", "allOf", "prefixItems"})
_SINGLE = frozenset({"items", "additionalProperties", "not", "contains", "propertyNames"})


class Schemas:
    """Spells schemas of one document out.

    Args:
        content: The document.
    """

    def __init__(self, content: JsonObject) -> None:
        resource = Resource.from_contents(content, default_specification=DRAFT202012)
        self._resolver = Registry[Json]().with_resource("", resource).resolver()

    def looked_up(self, value: Json) -> Json:
        """Return what a reference stands for, and any other value as it is.

        Raises:
            SpecError: if the reference leads nowhere or outside of the document.
        """
        for _ in range(MOST_DEPTH):
            if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
                return value
            value = self._one(str(value["$ref"]))
        raise SpecError("a reference leads to itself")

    def _one(self, reference: str) -> Json:
        if not reference.startswith("#"):
            raise SpecError(f"{reference!r} lies outside of the document; bundle it into one file")
        try:
            return self._resolver.lookup(reference).contents
        except Unresolvable:
            raise SpecError(f"{reference!r} leads nowhere in the document") from None

    def spelled_out(self, schema: Json, side: Side) -> JsonObject:
        """Return a schema that is complete in itself.

        Args:
            schema: The document's.
            side: Properties that belong to the other side alone are left out.

        Raises:
            SpecError: if it is recursive, too large, or refers to what is not there.
        """
        found = self._plain(schema, side, ())
        if len(canonical_bytes(found)) > MOST_BYTES:
            raise SpecError("a schema that is too large when it is spelled out")
        return found

    def _plain(self, schema: Json, side: Side, above: tuple[str, ...]) -> JsonObject:
        if not isinstance(schema, dict):
            # `true` admits everything.
            return {} if schema is not False else {"not": {}}
        if isinstance(schema.get("$ref"), str):
            reference = str(schema["$ref"])
            if reference in above:
                raise SpecError(f"a recursive schema, {reference.rpartition('/')[2]}")
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            target = self._plain(self._one(reference), side, (*above, reference))
            return {**target, **self._plain(beside, side, above)} if beside else target
        if len(above) > MOST_DEPTH:
            raise SpecError("a schema that is nested too deeply")

        def inner(value: Json) -> JsonObject:
            return self._plain(value, side, above)

        return _merged(_converted(self._inside(schema, side, inner)))

    def _inside(
        self, schema: JsonObject, side: Side, inner: Callable[[Json], JsonObject]
    ) -> JsonObject:
        found: JsonObject = {}
        hidden: set[str] = set()
        for key, value in schema.items():
            if key in _DROPPED or key.startswith("x-"):
                continue
            if key in _MAPS and isinstance(value, dict):
                kept = {name: one for name, one in value.items() if not self._hides(one, side)}
                hidden |= value.keys() - kept.keys()
                found[key] = {name: inner(one) for name, one in kept.items()}
            elif key in _LISTS and isinstance(value, list):
                found[key] = [inner(one) for one in value]
            elif key in _SINGLE and isinstance(value, dict):
                found[key] = inner(value)
            else:
                found[key] = value
        required = found.get("required")
        if isinstance(required, list):
            left: list[Json] = [name for name in required if name not in hidden]
            found["required"] = left
            if not left:
                del found["required"]
        return found

    def _hides(self, schema: Json, side: Side) -> bool:
        target = self.looked_up(schema) if isinstance(schema, dict) else schema
        mark = "readOnly" if side == "request" else "writeOnly"
        return isinstance(target, dict) and target.get(mark) is True

    def name_of(self, schema: Json) -> str:
        """Return what the document calls a schema; empty where it has no name."""
        for _ in range(MOST_DEPTH):
            if not isinstance(schema, dict):
                return ""
            if isinstance(schema.get("$ref"), str):
                reference = str(schema["$ref"])
                target = self._one(reference)
                return reference.rpartition("/")[2] if not _is_alias(target) else ""
            parts = schema.get("allOf", schema.get("oneOf", schema.get("anyOf")))
            if not isinstance(parts, list) or not parts:
                title = schema.get("title")
                return title if isinstance(title, str) else ""
            schema = parts[0]
        return ""


def _is_alias(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() <= {"$ref", "description"}


def _converted(schema: JsonObject) -> JsonObject:
    """Return a schema of OpenAPI 3.0 in the words of JSON Schema 2020-12."""
    found = dict(schema)
    nullable = found.pop("nullable", None) is True or found.pop("x-nullable", None) is True
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(bound), bool) and found.pop(bound) and limit in found:
            found[bound] = found.pop(limit)
    if found.get("type") == "file":
        found["type"] = "string"
    if isinstance(found.get("required"), bool):
        del found["required"]
    if nullable and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        listed = found.get("enum")
        if isinstance(listed, list) and None not in listed:
            found["enum"] = [*listed, None]
    return found


def _merged(schema: JsonObject) -> JsonObject:
    """Return `allOf` taken together, where all that stands in it can be."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    rest = {key: value for key, value in schema.items() if key != "allOf"}
    whole: JsonObject = {}
    for part in [*parts, rest]:
        if not isinstance(part, dict):
            return schema
        for key, value in part.items():
            held = whole.get(key)
            if key == "properties" and isinstance(value, dict) and isinstance(held, dict):
                whole[key] = {**held, **value}
            elif key == "required" and isinstance(value, list) and isinstance(held, list):
                whole[key] = [*held, *(name for name in value if name not in held)]
            elif key not in whole or key in ("description", "title", "type", "default"):
                whole[key] = value
            elif whole[key] != value:
                return schema
    return whole
