"""The operations of an MCP server's tool list: what each does is told by its name and schemas."""

import re
from typing import cast

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.apis.document import Document
from astra_arena.synthesizer.apis.operation import Argument, Method, Operation, Uncovered
from astra_arena.synthesizer.apis.reply_shapes import shape_of
from astra_arena.synthesizer.apis.schema_forms import Schemas
from astra_arena.synthesizer.tables.naming import (
    distinct_names,
    plural_of,
    safe_identifier,
    singular_of,
    words_of,
)

_METHODS: dict[str, Method] = {
    **dict.fromkeys(("get", "read", "fetch", "show", "retrieve", "describe", "lookup"), "get"),
    **dict.fromkeys(("list", "search", "find", "query", "all"), "get"),
    **dict.fromkeys(("create", "add", "new", "insert", "make", "place", "open"), "post"),
    **dict.fromkeys(("update", "edit", "modify", "set", "change", "patch"), "patch"),
    **dict.fromkeys(("delete", "remove", "drop"), "delete"),
}
_LEADING = re.compile(r"^(?:by|for|of|in|with|from)$")
_FREE = "it declares no output schema, so nothing is known of its rows"


def listed_operations(document: Document) -> tuple[list[Operation], list[Uncovered]]:
    """Return what can be asked, and what cannot be read with its reason."""
    listed = document.content.get("tools")
    tools = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names = distinct_names(
        safe_identifier(str(one.get("name", "")), fallback="tool")[:60] for one in tools
    )
    operations: list[Operation] = []
    uncovered: list[Uncovered] = []
    for name, tool in zip(names, tools, strict=True):
        try:
            operations.append(_operation(name, tool))
        except SpecError as error:
            uncovered.append(Uncovered(name, f"tool {tool.get('name')}", error.message))
    return operations, uncovered


def _operation(name: str, tool: JsonObject) -> Operation:
    words = words_of(name)
    verb = next((word for word in words if word in _METHODS), None)
    if verb is None:
        raise SpecError("its name says none of get, list, search, create, update, delete")
    method = _METHODS[verb]
    noun = _noun(words, verb)
    if not noun:
        raise SpecError("its name says nothing that it is about")
    takes = _schema(tool, "inputSchema", "input_schema")
    gives = _schema(tool, "outputSchema", "output_schema")
    if gives is None:
        raise SpecError(_FREE)
    schemas = Schemas(takes or {})
    plain = schemas.spelled_out(takes or {"type": "object"}, "request")
    reply = Schemas(gives).spelled_out(gives, "reply")
    arguments, path = _arguments(plain, method, noun, is_one=shape_of(reply).kind != "rows")
    described = tool.get("description")
    description = " ".join(described.split()) if isinstance(described, str) else ""
    return Operation(
        name=name,
        method=method,
        path=path,
        description=description if len(description.split()) > 1 else f"{verb} {noun}",
        arguments=arguments,
        reply=reply,
    )


def _schema(tool: JsonObject, *names: str) -> JsonObject | None:
    for name in names:
        found = tool.get(name)
        if isinstance(found, dict) and found:
            return found
    return None


def _noun(words: list[str], verb: str) -> str:
    """Return what a name speaks of behind its verb: `pet` for `list_pets_by_owner`."""
    rest = words[words.index(verb) + 1 :] or words[: words.index(verb)]
    cut = next((n for n, word in enumerate(rest) if _LEADING.match(word)), len(rest))
    return singular_of(" ".join(rest[:cut])) if rest[:cut] else ""


def _arguments(
    schema: JsonObject, method: Method, noun: str, *, is_one: bool
) -> tuple[tuple[Argument, ...], str]:
    """Return the arguments, and a path as an API over HTTP would have it."""
    properties, required = schema.get("properties"), schema.get("required")
    needed = required if isinstance(required, list) else []
    rules = cast("dict[str, Json]", properties) if isinstance(properties, dict) else {}
    path = f"/{plural_of(noun).replace(' ', '-')}"
    key = next((name for name in needed if is_one and _names(str(name), noun)), None)
    if method == "post":
        key = None
    arguments: list[Argument] = []
    for name, rule in rules.items():
        plain = rule if isinstance(rule, dict) else {}
        place = "path" if name == key else "query" if method == "get" else "body"
        arguments.append(Argument(name, place, plain, name in needed))
    return tuple(arguments), f"{path}/{{{key}}}" if key is not None else path


def _names(argument: str, noun: str) -> bool:
    """Tell whether an argument names the thing: `id`, `pet_id`, `pet`."""
    words = words_of(argument)
    last = noun.split(" ")[-1]
    return (
        words in (["id"], ["key"], ["uuid"], ["slug"])
        or (
            bool(words)
            and (words[-1] in ("id", "key", "uuid", "code", "number", "slug"))
            and (len(words) == 1 or last in words)
        )
        or " ".join(words) == noun
    )
