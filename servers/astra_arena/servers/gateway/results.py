"""What a server's result becomes: a JSON object, whatever the tool returns.

Tools with an output schema give their structured content. All others give their content blocks as
they came, but for two things: text that is a JSON object or array as a whole is given as that
value, so that it can be read, and answers in it can be pointed at; and `_meta` is left out, which
is no part of what a model gets.
"""

import json
from typing import Any, cast

from mcp import types

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.servers.bundles.external_world import Returns
from astra_arena.servers.gateway.failures import CallEndedError

CONTENT_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "content": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"type": "string"}},
                "required": ["type"],
            },
            "description": "What the tool returns: text, JSON values, images and so on.",
        }
    },
    "required": ["content"],
    "additionalProperties": False,
}
"""The output schema of tools whose server says nothing of their results."""


def result_object(result: types.CallToolResult, returns: Returns) -> JsonObject:
    """Return a successful result as a JSON object.

    Raises:
        CallEndedError: if it has no structured content where that is promised.
    """
    if returns == "content":
        return {"content": [_block(block) for block in result.content]}
    structured = cast("Json", result.structured_content)
    if returns == "value":
        return {"result": structured}
    if not isinstance(structured, dict):
        came = "none" if structured is None else type(structured).__name__
        raise CallEndedError("bad_result", f"expected structured content, an object, got {came}")
    return structured


def error_text(result: types.CallToolResult) -> str:
    """Return what a server says of a call that failed."""
    said = [block.text for block in result.content if isinstance(block, types.TextContent)]
    return "\n".join(said) or "the tool failed and said nothing of it"


def _block(block: types.ContentBlock) -> JsonObject:
    if isinstance(block, types.TextContent):
        value = _json_value(block.text)
        if value is not None:
            return {"type": "json", "json": value}
    dumped = block.model_dump(mode="json", by_alias=True, exclude_none=True)
    dumped.pop("_meta", None)
    return cast("JsonObject", dumped)


def _json_value(text: str) -> Json:
    """Return the object or array that a text is; `None` when it is none, or not only that."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return cast("Json", json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse))
    except (ValueError, RecursionError):
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name came twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")
