"""Everything of the conformance suite's fixtures that is no tool of an environment.

`arena serve BUNDLE --extension tests.interop.fixture_extension:ConformanceFixtures`
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import mcp.types as wire
from mcp.server import Server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError

from astra_arena.servers.agent_plane.extensions import ExtraTool, RequestContext
from tests.interop.fixture_content import PIXEL, content_tools, embedded
from tests.interop.fixture_rounds import ASKING_PROMPT, ask, lacking, round_tools

_TEMPLATE = re.compile(r"test://template/([^/]+)/data")
_FRESH: dict[str, Any] = {"ttl_ms": 60_000, "cache_scope": "public"}
_TEXTS = {
    "test://static-text": "This is the content of the static text resource.",
    "test://watched-resource": "This is the content of the watched resource.",
}
_BINARY = "test://static-binary"
_PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    ASKING_PROMPT: (),
}


class ConformanceFixtures:
    """Tools, resources, prompts, completions, log levels and subscriptions."""

    def __init__(self) -> None:
        self._bus = InMemorySubscriptionBus()

    def tools(self) -> Sequence[ExtraTool]:
        """Return what is no JSON tool."""
        return [*content_tools(self._bus), *round_tools()]

    def register(self, server: Server[Any]) -> None:
        """Add what is no tool."""
        pages, uris = wire.PaginatedRequestParams, wire.SubscribeRequestParams
        add = server.add_request_handler
        add("resources/list", pages, _list_resources)
        add("resources/templates/list", pages, _list_templates)
        add("resources/read", wire.ReadResourceRequestParams, _read)
        add("resources/subscribe", uris, _nothing)
        add("resources/unsubscribe", wire.UnsubscribeRequestParams, _nothing)
        add("subscriptions/listen", wire.SubscriptionsListenRequestParams, ListenHandler(self._bus))
        add("prompts/list", pages, _list_prompts)
        add("prompts/get", wire.GetPromptRequestParams, _prompt)
        add("completion/complete", wire.CompleteRequestParams, _complete)
        add("logging/setLevel", wire.SetLevelRequestParams, _nothing)


async def _nothing(_: RequestContext, __: object) -> wire.EmptyResult:
    return wire.EmptyResult()


async def _list_resources(_: RequestContext, __: object) -> wire.ListResourcesResult:
    texts = [
        wire.Resource(uri=uri, name=uri, description="A text.", mime_type="text/plain")
        for uri in _TEXTS
    ]
    pixel = wire.Resource(uri=_BINARY, name=_BINARY, description="A pixel.", mime_type="image/png")
    return wire.ListResourcesResult(resources=[*texts, pixel], **_FRESH)


async def _list_templates(_: RequestContext, __: object) -> wire.ListResourceTemplatesResult:
    template = wire.ResourceTemplate(
        uri_template="test://template/{id}/data",
        name="template",
        description="A text with the id in it.",
        mime_type="application/json",
    )
    return wire.ListResourceTemplatesResult(resource_templates=[template], **_FRESH)


async def _read(
    _: RequestContext, params: wire.ReadResourceRequestParams
) -> wire.ReadResourceResult:
    uri = str(params.uri)
    found = _TEMPLATE.fullmatch(uri)
    if uri == _BINARY:
        blob = wire.BlobResourceContents(uri=uri, mime_type="image/png", blob=PIXEL)
        return wire.ReadResourceResult(contents=[blob], **_FRESH)
    if found is not None:
        data = {"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"}
        text, mime_type = json.dumps(data), "application/json"
    elif uri in _TEXTS:
        text, mime_type = _TEXTS[uri], "text/plain"
    else:
        raise MCPError(
            code=wire.INVALID_PARAMS, message="there is no such resource", data={"uri": uri}
        )
    contents = wire.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return wire.ReadResourceResult(contents=[contents], **_FRESH)


async def _list_prompts(_: RequestContext, __: object) -> wire.ListPromptsResult:
    prompts = [
        wire.Prompt(
            name=name,
            description=f"Fixture {name.replace('_', ' ')}.",
            arguments=[wire.PromptArgument(name=one, required=True) for one in arguments],
        )
        for name, arguments in _PROMPTS.items()
    ]
    return wire.ListPromptsResult(prompts=prompts, **_FRESH)


async def _prompt(
    _: RequestContext, params: wire.GetPromptRequestParams
) -> wire.GetPromptResult | wire.InputRequiredResult:
    given = params.arguments or {}
    text = "This is a simple prompt for testing."
    before: list[wire.ContentBlock] = []
    match params.name:
        case "test_simple_prompt":
            pass
        case "test_prompt_with_arguments":
            text = f"Prompt with arguments: {', '.join(f'{k}={v!r}' for k, v in given.items())}"
        case "test_prompt_with_embedded_resource":
            before = [embedded(given["resourceUri"], "Embedded resource content for testing.")]
            text = "Please process the embedded resource above."
        case "test_prompt_with_image":
            before = [wire.ImageContent(data=PIXEL, mime_type="image/png")]
            text = "Please analyze the image above."
        case "test_input_required_result_prompt":
            needed: wire.InputRequests = {"user_context": ask("Which context?", "context")}
            if lacking(needed, params.input_responses):
                return wire.InputRequiredResult(input_requests=needed)
        case _:
            raise MCPError(code=wire.INVALID_PARAMS, message="there is no such prompt")
    content = [*before, wire.TextContent(text=text)]
    messages = [wire.PromptMessage(role="user", content=one) for one in content]
    return wire.GetPromptResult(messages=messages)


async def _complete(_: RequestContext, params: wire.CompleteRequestParams) -> wire.CompleteResult:
    values = [word for word in ("test", "testing") if word.startswith(params.argument.value)]
    return wire.CompleteResult(completion=wire.Completion(values=values, total=len(values)))
