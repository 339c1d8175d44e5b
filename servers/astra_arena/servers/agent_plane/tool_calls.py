"""`tools/call`: each call given to its episode, its progress told, what its user is asked."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace

import mcp.types as wire
from mcp.shared.exceptions import MCPError

from astra_arena.core.calls import CALL_KEY_META, CALL_REFUSED_META, UNCHARGED_META
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import EpisodeError
from astra_arena.servers.agent_plane.bindings import Binding, EpisodeFinder, binding_of
from astra_arena.servers.agent_plane.extensions import ExtraTool, RequestContext
from astra_arena.servers.agent_plane.forms import Forms
from astra_arena.servers.agent_plane.tool_lists import COMPLETE
from astra_arena.servers.episodes.episode_log import CallReply
from astra_arena.servers.episodes.incoming import IncomingCall
from astra_arena.servers.tracing import TRACE_FIELD, continued, is_tracing

UNAVAILABLE_TEXT = "the server could not answer this call"
PROGRESS_SECONDS = 1.0
MOST_WAITING = 64
"""So many calls of one episode wait at once."""
BUSY_TEXT = f"{MOST_WAITING} calls of this episode wait already; wait for their answers"


class ToolCalls:
    """The calls of one environment's server.

    Args:
        find: Says which episode a request is about.
        extra: The tools of extensions, by name.
        progress_seconds: How often progress is told, where it is asked for.
    """

    def __init__(
        self,
        find: EpisodeFinder,
        extra: Mapping[str, ExtraTool],
        *,
        progress_seconds: float = PROGRESS_SECONDS,
    ) -> None:
        self._find = find
        self._extra = extra
        self._progress_seconds = progress_seconds
        self._forms = Forms()

    async def call_tool(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> JsonObject | wire.CallToolResult | wire.InputRequiredResult:
        """Answer `tools/call`."""
        try:
            extra = self._extra.get(params.name)
            if extra is not None:
                return await extra.call(context, params)
            with continued(_trace_of(context, params)):
                return await self._call_own(context, params)
        except EpisodeError as error:
            raise MCPError(code=wire.INVALID_REQUEST, message=error.message) from None

    async def _call_own(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> JsonObject | wire.InputRequiredResult:
        binding = binding_of(self._find, context)
        episode = binding.episode
        if episode.waiting >= MOST_WAITING:
            raise MCPError(code=wire.INVALID_REQUEST, message=BUSY_TEXT)
        unsent = _meta_text(params, CALL_REFUSED_META)
        if unsent is not None:
            text = await episode.refuse(params.name, "(not sent)", unsent)
            return _wire_reply(CallReply(True, text))
        arguments: Json = {} if params.arguments is None else params.arguments
        key = _meta_text(params, CALL_KEY_META)
        call = IncomingCall(params.name, arguments, key, binding.names(), binding.member)
        lacking = episode.calling.lacks(call)
        if lacking:
            answer = await self._forms.ask(context, params, binding, lacking)
            if isinstance(answer, wire.InputRequiredResult):
                return answer
            call.form = answer
        known = binding.offers(params.name)
        reply = await self._made(context, params, binding, call)
        if not known:
            raise MCPError(code=wire.INVALID_PARAMS, message=reply.text)
        return _wire_reply(_with_address(reply, binding))

    async def _made(
        self,
        context: RequestContext,
        params: wire.CallToolRequestParams,
        binding: Binding,
        call: IncomingCall,
    ) -> CallReply:
        if params.meta is None or "progress_token" not in params.meta or not binding.streams:
            return await binding.episode.make(call)
        telling = asyncio.create_task(self._tell_progress(context, call))
        try:
            return await binding.episode.make(call)
        finally:
            telling.cancel()

    async def _tell_progress(self, context: RequestContext, call: IncomingCall) -> None:
        """Tell how long the tool has been running, of how long it may."""
        while True:
            await asyncio.sleep(self._progress_seconds)
            if call.started is not None:
                elapsed = min(time.monotonic() - call.started, call.seconds)
                await context.session.report_progress(elapsed, call.seconds)


def _trace_of(context: RequestContext, params: wire.CallToolRequestParams) -> Mapping[str, str]:
    """Return what names the span that a client calls in: a field of `_meta`, or a header."""
    if not is_tracing():
        return {}
    told = _meta_text(params, TRACE_FIELD)
    if told is None and context.request is not None:
        told = context.request.headers.get(TRACE_FIELD)
    return {} if told is None else {TRACE_FIELD: told}


def _with_address(reply: CallReply, binding: Binding) -> CallReply:
    """Add to a reply that has brought another phase where that one is played."""
    if reply.entered is None or reply.structured is None:
        return reply
    address = binding.next_address(reply.entered)
    if address is None:
        return reply
    result: JsonObject = {**reply.structured, "mcp": address}
    return replace(
        reply,
        text=json.dumps(result, sort_keys=True, allow_nan=False, ensure_ascii=False),
        structured=result,
    )


def _wire_reply(reply: CallReply) -> JsonObject:
    # A plain dict: the SDK checks it against the protocol version anyway.
    content: list[Json] = [{"type": "text", "text": reply.text}]
    answer: JsonObject = {**COMPLETE, "content": content, "isError": reply.is_error}
    if reply.structured is not None:
        answer["structuredContent"] = reply.structured
    if not reply.charged:
        answer["_meta"] = {UNCHARGED_META: True}
    return answer


def _meta_text(params: wire.CallToolRequestParams, field: str) -> str | None:
    text = (params.meta or {}).get(field)
    return text if isinstance(text, str) else None
