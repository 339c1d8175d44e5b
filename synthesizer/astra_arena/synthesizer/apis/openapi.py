"""The operations of an OpenAPI document: 3.0, 3.1, and 2.0 where it says the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.core.schema import RESERVED_TOOL_NAMES
from astra_arena.synthesizer.apis.document import Document
from astra_arena.synthesizer.apis.operation import Argument, Method, Operation, Uncovered
from astra_arena.synthesizer.apis.schema_forms import Schemas
from astra_arena.synthesizer.tables.naming import distinct_names, safe_identifier

METHODS: tuple[Method, ...] = ("get", "post", "put", "patch", "delete")
_GOOD = ("200", "201", "202", "203", "204", "2XX", "2xx", "default")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_INLINE = ("type", "format", "enum", "items", "default", "minimum", "maximum", "pattern")
"""What a parameter of version 2.0 says in place of a schema."""
LONGEST_NAME = 60
LONGEST_DESCRIPTION = 600


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    method: Method
    path: str
    about: JsonObject
    shared: tuple[Json, ...]
    """Parameters of the whole path."""

    @property
    def where(self) -> str:
        return f"{self.method.upper()} {self.path}"


def openapi_operations(document: Document) -> tuple[list[Operation], list[Uncovered]]:
    """Return what can be asked, and what cannot be read with its reason.

    Raises:
        SpecError: if a path is no object.
    """
    schemas = Schemas(document.content)
    operations: list[Operation] = []
    uncovered: list[Uncovered] = []
    for one in _named(list(_listed(document.content, schemas))):
        try:
            operations.append(_Reader(schemas, document.content).read(one))
        except SpecError as error:
            uncovered.append(Uncovered(one.name, one.where, error.message))
    return operations, uncovered


def _listed(content: JsonObject, schemas: Schemas) -> Iterator[_Found]:
    paths = content.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        resolved = schemas.looked_up(item)
        if not path.startswith("/") or not isinstance(resolved, dict):
            continue
        shared = resolved.get("parameters")
        for method in METHODS:
            about = resolved.get(method)
            if isinstance(about, dict):
                own = tuple(shared) if isinstance(shared, list) else ()
                yield _Found(_given_name(method, path, about), method, path, about, own)


def _given_name(method: Method, path: str, about: JsonObject) -> str:
    given = about.get("operationId")
    words = given if isinstance(given, str) and given else f"{method} {path}"
    name = safe_identifier(words, fallback=method)[:LONGEST_NAME].strip("_")
    return f"{name}_call" if name in RESERVED_TOOL_NAMES else name


def _named(found: list[_Found]) -> list[_Found]:
    names = distinct_names(one.name for one in found)
    return [
        _Found(name, one.method, one.path, one.about, one.shared)
        for name, one in zip(names, found, strict=True)
    ]


class _Reader:
    def __init__(self, schemas: Schemas, content: JsonObject) -> None:
        self._schemas = schemas
        self._is_old = "swagger" in content

    def read(self, found: _Found) -> Operation:
        arguments, body_name = self._arguments(found)
        reply, row_name = self._reply(found.about)
        tags = found.about.get("tags")
        return Operation(
            name=found.name,
            method=found.method,
            path=found.path,
            description=_description(found),
            arguments=arguments,
            reply=reply,
            row_name=row_name,
            body_name=body_name,
            tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        )

    def _arguments(self, found: _Found) -> tuple[tuple[Argument, ...], str]:
        own = found.about.get("parameters")
        given: dict[tuple[str, str], JsonObject] = {}
        for listed in [*found.shared, *(own if isinstance(own, list) else ())]:
            parameter = self._schemas.looked_up(listed)
            if isinstance(parameter, dict):
                given[str(parameter.get("name")), str(parameter.get("in"))] = parameter
        arguments = [
            argument
            for (name, place), parameter in given.items()
            if (argument := self._argument(name, place, parameter)) is not None
        ]
        _require_path(found, arguments)
        body, body_name = self._body(found, given)
        taken = {one.name for one in arguments}
        # A name that stands in the path and in the body is said twice.
        arguments += [
            Argument(f"body_{one.name}", one.place, one.schema, one.required)
            if one.name in taken
            else one
            for one in body
        ]
        return tuple(arguments), body_name

    def _argument(self, name: str, place: str, parameter: JsonObject) -> Argument | None:
        """Return a parameter; headers and cookies are the plumbing of a call."""
        if place not in ("path", "query"):
            return None
        content = parameter.get("content")
        held = next(iter(content.values()), None) if isinstance(content, dict) else parameter
        schema = held.get("schema") if isinstance(held, dict) else None
        if schema is None:
            schema = {key: parameter[key] for key in _INLINE if key in parameter}
        plain = self._schemas.spelled_out(schema, "request")
        words = parameter.get("description")
        if isinstance(words, str) and words.strip() and "description" not in plain:
            plain = {**plain, "description": _shortened(words)}
        required = place == "path" or parameter.get("required") is True
        return Argument(name, "path" if place == "path" else "query", plain, required)

    def _body(
        self, found: _Found, given: dict[tuple[str, str], JsonObject]
    ) -> tuple[list[Argument], str]:
        if self._is_old:
            return self._old_body(given)
        body = self._schemas.looked_up(found.about.get("requestBody"))
        if not isinstance(body, dict):
            return [], ""
        content = body.get("content")
        kinds = content if isinstance(content, dict) else {}
        chosen = next((kind for kind in kinds if _is_json(kind)), None)
        chosen = chosen or next((kind for kind in kinds if kind in _FORMS), None)
        if chosen is None:
            raise SpecError(f"its body is {', '.join(kinds) or 'of no kind'}, no JSON")
        media = kinds[chosen]
        schema = media.get("schema") if isinstance(media, dict) else None
        return self._flat(schema, required=body.get("required") is True)

    def _old_body(self, given: dict[tuple[str, str], JsonObject]) -> tuple[list[Argument], str]:
        for (_, place), parameter in given.items():
            if place == "body":
                needed = parameter.get("required") is True
                return self._flat(parameter.get("schema"), required=needed)
        found: list[Argument] = []
        for (name, place), parameter in given.items():
            if place == "formData":
                if parameter.get("type") == "file":
                    raise SpecError("it takes a file")
                schema: JsonObject = {k: parameter[k] for k in _INLINE if k in parameter}
                plain = self._schemas.spelled_out(schema, "request")
                found.append(Argument(name, "body", plain, parameter.get("required") is True))
        return found, ""

    def _flat(self, schema: Json, *, required: bool) -> tuple[list[Argument], str]:
        """Return the properties of a body as arguments; one argument for any other body."""
        name = self._schemas.name_of(schema)
        plain = self._schemas.spelled_out(schema, "request")
        properties = plain.get("properties")
        if not isinstance(properties, dict) or {"oneOf", "anyOf", "allOf"} & plain.keys():
            return [Argument("body", "body", plain, required)], name
        needed = plain.get("required")
        # Whether there has to be a body at all is often left unsaid; what it needs is not.
        listed = needed if isinstance(needed, list) else []
        arguments = [
            Argument(key, "body", rule, key in listed)
            for key, rule in properties.items()
            if isinstance(rule, dict)
        ]
        if any(one.schema.get("format") == "binary" for one in arguments):
            raise SpecError("it takes a file")
        return arguments, name

    def _reply(self, about: JsonObject) -> tuple[JsonObject | None, str]:
        responses = about.get("responses")
        listed = responses if isinstance(responses, dict) else {}
        status = next((code for code in _GOOD if code in listed), None)
        if status is None:
            return None, ""
        response = self._schemas.looked_up(listed[status])
        held: JsonObject = response if isinstance(response, dict) else {}
        schema = held.get("schema") if self._is_old else self._json_schema(held)
        if schema is None or (status == "default" and len(listed) > 1):
            return None, ""
        plain = self._schemas.spelled_out(schema, "reply")
        return plain, self._row_name(schema)

    def _json_schema(self, response: JsonObject) -> Json:
        content = response.get("content")
        kinds = content if isinstance(content, dict) else {}
        chosen = next((kind for kind in kinds if _is_json(kind)), None)
        if chosen is None:
            if kinds:
                raise SpecError(f"its reply is {', '.join(kinds)}, no JSON")
            return None
        media = kinds[chosen]
        return media.get("schema") if isinstance(media, dict) else None

    def _row_name(self, schema: Json) -> str:
        """Return the name of the schema of what a reply holds, inside of what wraps it."""
        name = self._schemas.name_of(schema)
        held = self._schemas.looked_up(schema)
        if isinstance(held, dict) and "items" in held:
            return self._schemas.name_of(held["items"])
        for part in _parts(held):
            resolved = self._schemas.looked_up(part)
            properties = resolved.get("properties") if isinstance(resolved, dict) else None
            for rule in properties.values() if isinstance(properties, dict) else ():
                inner = self._schemas.looked_up(rule)
                if isinstance(inner, dict) and inner.get("type") == "array" and "items" in inner:
                    found = self._schemas.name_of(inner["items"])
                    if found and _is_wrapped(resolved):
                        return found
        return name


def _is_wrapped(schema: Json) -> bool:
    """Tell whether an object has one list and little else, as pages of a list do."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return isinstance(properties, dict) and "id" not in properties and len(properties) <= 6


def _parts(schema: Json) -> list[Json]:
    if not isinstance(schema, dict):
        return []
    parts = schema.get("allOf")
    return [schema, *parts] if isinstance(parts, list) else [schema]


def _is_json(kind: str) -> bool:
    return re.fullmatch(r"(application|text)/([\w.+-]*\+)?json(;.*)?|\*/\*", kind) is not None


def _require_path(found: _Found, arguments: list[Argument]) -> None:
    known = {one.name for one in arguments if one.place == "path"}
    lacking = sorted(set(re.findall(r"{([^}]+)}", found.path)) - known)
    if lacking:
        raise SpecError(f"its path names {', '.join(lacking)}, which no parameter describes")


def _description(found: _Found) -> str:
    summary, longer = (found.about.get(key) for key in ("summary", "description"))
    words = [part.strip() for part in (summary, longer) if isinstance(part, str) and part.strip()]
    told = _shortened(". ".join(dict.fromkeys(word.rstrip(".") for word in words)) or found.where)
    return told if len(told.split()) > 1 else f"{told} ({found.where})"


def _shortened(words: str) -> str:
    plain = " ".join(words.split())
    if len(plain) <= LONGEST_DESCRIPTION:
        return plain
    return plain[:LONGEST_DESCRIPTION].rpartition(" ")[0] + " …"
