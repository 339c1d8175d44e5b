"""Fixtures that need several rounds: the client is asked, and asks again with the answers."""

from collections.abc import Sequence
from typing import Any

import mcp.types as wire

from astra_arena.servers.agent_plane.extensions import ExtraTool, RequestContext
from tests.interop.fixture_content import Call, extra, said

ASKING_PROMPT = "test_input_required_result_prompt"
_SEEN = "round-1"


def round_tools() -> Sequence[ExtraTool]:
    """Return the tools."""
    name, roots = ask("What is your name?", "name"), wire.ListRootsRequest()
    capital, greeting = sample("What is the capital of France?"), sample("Generate a greeting")
    confirm = ask("Please confirm", "ok", kind="boolean")
    several: wire.InputRequests = {"user_name": name, "greeting": greeting, "client_roots": roots}
    prefix = "test_input_required_result"
    return [
        extra(f"{prefix}_elicitation", _asking({"user_name": name})),
        extra("test_streaming_elicitation", _asking({"user_name": name})),
        extra(f"{prefix}_sampling", _asking({"capital_question": capital})),
        extra(f"{prefix}_list_roots", _asking({"client_roots": roots})),
        extra(f"{prefix}_request_state", _asking({"confirm": confirm}, state=_SEEN)),
        extra(f"{prefix}_tampered_state", _asking({"confirm": confirm}, state=_SEEN)),
        extra(f"{prefix}_multiple_inputs", _asking(several, state=_SEEN)),
        extra(f"{prefix}_multi_round", _two_rounds),
        extra(f"{prefix}_capabilities", _within_capabilities),
    ]


def ask(message: str, field: str, *, kind: str = "string") -> wire.ElicitRequest:
    """Return a question to the user with one field."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field: {"type": kind}},
        "required": [field],
    }
    params = wire.ElicitRequestFormParams(message=message, requested_schema=schema)
    return wire.ElicitRequest(params=params)


def sample(text: str) -> wire.CreateMessageRequest:
    """Return a question to the client's model."""
    message = wire.SamplingMessage(role="user", content=wire.TextContent(text=text))
    params = wire.CreateMessageRequestParams(messages=[message], max_tokens=100)
    return wire.CreateMessageRequest(params=params)


def lacking(
    requests: wire.InputRequests, responses: wire.InputResponses | None
) -> wire.InputRequests:
    """Return the requests that have no answer of the right kind yet."""
    given = responses or {}
    return {
        key: request
        for key, request in requests.items()
        if not isinstance(given.get(key), _ANSWERS[type(request)])
    }


_ANSWERS: dict[type, type | tuple[type, ...]] = {
    wire.ElicitRequest: wire.ElicitResult,
    wire.CreateMessageRequest: (wire.CreateMessageResult, wire.CreateMessageResultWithTools),
    wire.ListRootsRequest: wire.ListRootsResult,
}


def _asking(requests: wire.InputRequests, *, state: str | None = None) -> Call:
    async def call(
        _: RequestContext, params: wire.CallToolRequestParams
    ) -> wire.CallToolResult | wire.InputRequiredResult:
        left = lacking(requests, params.input_responses)
        if left or params.request_state != state:
            return wire.InputRequiredResult(input_requests=requests, request_state=state)
        answers = ", ".join(_spelled(params.input_responses, key) for key in requests)
        return said(f"{'state-ok: ' if state else ''}{answers}")

    return call


def _spelled(responses: wire.InputResponses | None, key: str) -> str:
    answer = (responses or {})[key]
    return answer.model_dump_json(by_alias=True, exclude_none=True)


async def _two_rounds(
    _: RequestContext, params: wire.CallToolRequestParams
) -> wire.CallToolResult | wire.InputRequiredResult:
    name, color = ask("What is your name?", "name"), ask("Your favorite color?", "color")
    given = params.input_responses or {}
    match params.request_state:
        case "round-2" if "step2" in given:
            return said(f"both rounds are over: {_spelled(given, 'step2')}")
        case "round-1" if "step1" in given:
            return wire.InputRequiredResult(
                input_requests={"step2": color}, request_state="round-2"
            )
        case _:
            return wire.InputRequiredResult(input_requests={"step1": name}, request_state="round-1")


async def _within_capabilities(
    context: RequestContext, params: wire.CallToolRequestParams
) -> wire.CallToolResult | wire.InputRequiredResult:
    """Ask only for what the client said that it can do."""
    can = context.session.client_capabilities or wire.ClientCapabilities()
    every: wire.InputRequests = {}
    if can.elicitation is not None:
        every["user_name"] = ask("What is your name?", "name")
    if can.sampling is not None:
        every["greeting"] = sample("Generate a greeting")
    if can.roots is not None:
        every["client_roots"] = wire.ListRootsRequest()
    left = lacking(every, params.input_responses)
    return wire.InputRequiredResult(input_requests=left) if left else said("nothing is lacking")
