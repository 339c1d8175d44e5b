"""Fixtures that return more than JSON, or speak to the client while they run."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import mcp.types as wire
from mcp.server.subscriptions import PromptsListChanged, SubscriptionBus, ToolsListChanged
from mcp.shared.exceptions import MCPError

from astra_arena.core.canonical import JsonObject
from astra_arena.servers.agent_plane.extensions import ExtraTool, RequestContext

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M8AAQUBAScY42YAAAAASUVORK5CYII="
)
"""A PNG of one pixel."""
SOUND = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
"""A WAV of two samples."""
NO_ARGUMENTS: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}

_DEFAULTS: JsonObject = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {
        "type": "string",
        "enum": ["active", "inactive", "pending"],
        "default": "active",
    },
    "verified": {"type": "boolean", "default": True},
}
_OPTIONS = ["option1", "option2", "option3"]
_TITLED = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
_ENUMS: dict[str, Any] = {
    "untitledSingle": {"type": "string", "enum": _OPTIONS},
    "titledSingle": {"type": "string", "oneOf": _TITLED},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
}
_PERSON: dict[str, Any] = {"username": {"type": "string"}, "email": {"type": "string"}}

Call = Callable[
    [RequestContext, wire.CallToolRequestParams],
    Awaitable[wire.CallToolResult | wire.InputRequiredResult],
]


def content_tools(bus: SubscriptionBus) -> Sequence[ExtraTool]:
    """Return the tools; `bus` carries what clients subscribe to."""

    async def change_tools(
        _: RequestContext, __: wire.CallToolRequestParams
    ) -> wire.CallToolResult:
        await bus.publish(ToolsListChanged())
        return said("changed")

    async def change_prompts(
        _: RequestContext, __: wire.CallToolRequestParams
    ) -> wire.CallToolResult:
        await bus.publish(PromptsListChanged())
        return said("changed")

    return [
        extra("test_image_content", _fixed(_image())),
        extra("test_audio_content", _fixed(wire.AudioContent(data=SOUND, mime_type="audio/wav"))),
        extra(
            "test_embedded_resource",
            _fixed(embedded("test://embedded-resource", "This is an embedded resource content.")),
        ),
        extra(
            "test_multiple_content_types",
            _fixed(
                wire.TextContent(text="Multiple content types test:"),
                _image(),
                embedded("test://mixed-content-resource", '{"test": "data", "value": 123}'),
            ),
        ),
        extra("test_tool_with_logging", _log),
        extra("test_logging_tool", _log),
        extra("test_tool_with_progress", _progress),
        extra("test_sampling", _sample, {"prompt": {"type": "string"}}),
        extra("test_elicitation", _elicit, {"message": {"type": "string"}}),
        extra("test_elicitation_sep1034_defaults", _elicit_form(_DEFAULTS)),
        extra("test_elicitation_sep1330_enums", _elicit_form(_ENUMS)),
        extra("test_missing_capability", _needs_sampling),
        extra("test_trigger_tool_change", change_tools),
        extra("test_trigger_prompt_change", change_prompts),
    ]


def extra(name: str, call: Call, takes: JsonObject | None = None) -> ExtraTool:
    """Return a tool with a schema."""
    schema = NO_ARGUMENTS
    if takes is not None:
        schema = {**NO_ARGUMENTS, "properties": takes, "required": [*takes]}
    description = f"Fixture {name.replace('_', ' ')}."
    return ExtraTool(wire.Tool(name=name, description=description, input_schema=schema), call)


def said(text: str) -> wire.CallToolResult:
    """Return a result of one text."""
    return wire.CallToolResult(content=[wire.TextContent(text=text)])


def embedded(uri: str, text: str) -> wire.EmbeddedResource:
    """Return a resource inside a result or a prompt."""
    mime_type = "application/json" if text.startswith("{") else "text/plain"
    return wire.EmbeddedResource(
        resource=wire.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    )


def _image() -> wire.ImageContent:
    return wire.ImageContent(data=PIXEL, mime_type="image/png")


def _fixed(*content: wire.ContentBlock) -> Call:
    async def call(_: RequestContext, __: wire.CallToolRequestParams) -> wire.CallToolResult:
        return wire.CallToolResult(content=list(content))

    return call


async def _log(context: RequestContext, _: wire.CallToolRequestParams) -> wire.CallToolResult:
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message(  # pyright: ignore[reportDeprecated] - but required
            "info", text, related_request_id=context.request_id
        )
    return said("three messages were logged")


async def _progress(context: RequestContext, _: wire.CallToolRequestParams) -> wire.CallToolResult:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100, f"{done} of 100")
    return said("progress was reported")


async def _sample(
    context: RequestContext, params: wire.CallToolRequestParams
) -> wire.CallToolResult:
    prompt = str((params.arguments or {}).get("prompt", ""))
    message = wire.SamplingMessage(role="user", content=wire.TextContent(text=prompt))
    answer = await context.session.create_message(  # pyright: ignore[reportDeprecated] - but required
        [message], max_tokens=100, related_request_id=context.request_id
    )
    return said(f"LLM response: {answer.content}")


async def _elicit(
    context: RequestContext, params: wire.CallToolRequestParams
) -> wire.CallToolResult:
    message = str((params.arguments or {}).get("message", ""))
    schema = {"type": "object", "properties": _PERSON, "required": [*_PERSON]}
    answer = await context.session.elicit_form(message, schema, context.request_id)
    return said(f"User response: action={answer.action}, content={answer.content}")


def _elicit_form(properties: dict[str, Any]) -> Call:
    async def call(context: RequestContext, _: wire.CallToolRequestParams) -> wire.CallToolResult:
        schema: dict[str, Any] = {"type": "object", "properties": properties, "required": []}
        answer = await context.session.elicit_form(
            "Please fill this in", schema, context.request_id
        )
        return said(f"Elicitation completed: action={answer.action}, content={answer.content}")

    return call


async def _needs_sampling(
    context: RequestContext, _: wire.CallToolRequestParams
) -> wire.CallToolResult:
    capabilities = context.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            code=wire.MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="expected a client that declares sampling, got one that does not",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return said("the client can sample")
