"""A bundle or a suite as an MCP server: the tools on offer, each call given to an episode.

The server is stateless. A function finds the episode that a request belongs to, so that one server
carries any number of episodes and both generations of the protocol. Every handler catches what may
be raised inside it: the older generation would send an exception's text to the agent.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import mcp.types as wire
from mcp.server import Server
from mcp.server.caching import CacheHint
from mcp.server.context import ServerMiddleware
from mcp.shared.exceptions import MCPError

from astra_arena.core.calls import (
    CALL_KEY_META,
    CALL_REFUSED_META,
    MIRROR_KEYWORD,
    UNCHARGED_META,
)
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import EpisodeError
from astra_arena.servers.agent_plane.extensions import (
    ExtraTool,
    RequestContext,
    ServerExtension,
)
from astra_arena.servers.bundles.suite import Source, offered_specs
from astra_arena.servers.episodes.conversation import REPLY_SPEC
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.episode_log import CallReply
from astra_arena.servers.tracing import TRACE_FIELD, continued, is_tracing

logger = logging.getLogger(__name__)

EpisodeFinder: TypeAlias = Callable[[RequestContext], Episode]
"""Returns the episode of a request, or raises `EpisodeError`."""

UNAVAILABLE_TEXT = "the server could not answer this call"
LIST_FRESH_MS = 3_600_000

_COMPLETE: JsonObject = {"resultType": "complete"}
"""The newer generation wants it on every result; the SDK drops it for the older."""


def build_mcp_server(
    source: Source,
    find_episode: EpisodeFinder,
    *,
    instructions: str | None = None,
    extensions: Sequence[ServerExtension] = (),
) -> Server[Any]:
    """Make the MCP server of a bundle or a suite.

    Args:
        source: The environments; their tools are listed in the order of their manifests.
        find_episode: Says which episode a request belongs to.
        instructions: What a host may show its model; the environment's description when absent.
        extensions: What others add to it; see `ServerExtension`.
    """
    methods = _ToolMethods(source, find_episode, extensions)
    server: Server[Any] = Server(
        source.name,
        version=source.digests.environment.partition(":")[2][:12],
        title=source.title,
        instructions=instructions or source.description,
        get_tool_input_schema=methods.mirrored.get,
        cache_hints={"tools/list": CacheHint(ttl_ms=LIST_FRESH_MS, scope="public")},
    )
    server.add_request_handler("tools/list", wire.PaginatedRequestParams, methods.list_tools)
    server.add_request_handler("tools/call", wire.CallToolRequestParams, methods.call_tool)
    # Tracing costs a fifth of a call even when nothing collects it.
    server.middleware.clear()
    if extensions:
        server.middleware.append(_state_boundary(source.name))
    for extension in extensions:
        extension.register(server)
    return server


class _ToolMethods:
    """`tools/list` and `tools/call`."""

    def __init__(
        self, source: Source, find_episode: EpisodeFinder, extensions: Sequence[ServerExtension]
    ) -> None:
        self._name = source.name
        self._find = find_episode
        every = offered_specs(source)
        self._plain: JsonObject = {**_COMPLETE, "tools": [_wire_tool(tool) for tool in every]}
        self._extra = {tool.listed.name: tool for one in extensions for tool in one.tools()}
        self._added = [_dumped(tool.listed) for tool in self._extra.values()]
        # The SDK compares request headers with arguments that a schema mirrors into them; looking
        # for such arguments on every call costs a tenth of it, so only schemas that have some are
        # given.
        self.mirrored = _mirrored(every)

    async def list_tools(
        self, context: RequestContext, _: wire.PaginatedRequestParams
    ) -> JsonObject:
        try:
            episode = self._find(context)
        except EpisodeError:
            listed = self._plain
        else:
            listed = _listed(episode) if episode.tools_differ else self._plain
        return {**listed, "tools": [*_tools_in(listed), *self._added]} if self._added else listed

    async def call_tool(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> JsonObject | wire.CallToolResult | wire.InputRequiredResult:
        if params.name in self._extra:
            return await _call_extra(self._extra[params.name], context, params)
        try:
            with continued(_trace_of(context, params)):
                return await self._call_own(context, params)
        except EpisodeError as error:
            raise MCPError(code=wire.INVALID_REQUEST, message=error.message) from None
        except MCPError:
            raise
        except Exception:
            logger.exception("a call to %s was not answered", self._name)
            raise MCPError(code=wire.INTERNAL_ERROR, message=UNAVAILABLE_TEXT) from None

    async def _call_own(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> JsonObject:
        arguments: Json = {} if params.arguments is None else params.arguments
        episode = self._find(context)
        unsent = _meta_text(params, CALL_REFUSED_META)
        if unsent is not None:
            text = await episode.refuse(params.name, "(not sent)", unsent)
            return _wire_reply(CallReply(True, text))
        known = episode.offers(params.name)
        reply = await episode.call(params.name, arguments, key=_meta_text(params, CALL_KEY_META))
        if not known:
            raise MCPError(code=wire.INVALID_PARAMS, message=reply.text)
        return _wire_reply(reply)


def _trace_of(context: RequestContext, params: wire.CallToolRequestParams) -> Mapping[str, str]:
    """Return what names the span that a client calls in: a field of `_meta`, or a header."""
    if not is_tracing():
        return {}
    told = _meta_text(params, TRACE_FIELD)
    if told is None and context.request is not None:
        told = context.request.headers.get(TRACE_FIELD)
    return {} if told is None else {TRACE_FIELD: told}


def _state_boundary(audience: str) -> ServerMiddleware[Any]:
    """Seal what clients carry from one round of a call to the next; they may change nothing."""
    # Its cryptography is not loaded by a server that has no use for it.
    from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

    return RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=audience)


async def _call_extra(
    tool: ExtraTool, context: RequestContext, params: wire.CallToolRequestParams
) -> wire.CallToolResult | wire.InputRequiredResult:
    try:
        return await tool.call(context, params)
    except MCPError:
        raise
    except Exception:
        logger.exception("an extension's tool %r was not answered", tool.listed.name)
        raise MCPError(code=wire.INTERNAL_ERROR, message=UNAVAILABLE_TEXT) from None


def _tools_in(listed: JsonObject) -> list[Json]:
    tools = listed["tools"]
    assert isinstance(tools, list)
    return tools


def _mirrored(tools: Iterable[ToolSpec]) -> dict[str, JsonObject]:
    return {
        tool.name: tool.input_schema
        for tool in tools
        if MIRROR_KEYWORD in canonical_bytes(tool.input_schema)
    }


def _listed(episode: Episode) -> JsonObject:
    """List what is on offer in an episode now."""
    own = [REPLY_SPEC] if episode.task.needs_reply else []
    return {
        **_COMPLETE,
        "ttlMs": 0 if episode.tools_change else LIST_FRESH_MS,
        "cacheScope": "private",
        "tools": [_wire_tool(tool) for tool in (*episode.tools(), *own)],
    }


def _wire_tool(tool: ToolSpec) -> JsonObject:
    listed = wire.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=wire.ToolAnnotations(read_only_hint=tool.read_only, open_world_hint=False),
    )
    return _dumped(listed)


def _dumped(tool: wire.Tool) -> JsonObject:
    return tool.model_dump(by_alias=True, mode="json", exclude_none=True)


def _wire_reply(reply: CallReply) -> JsonObject:
    # A plain dict: the SDK checks it against the protocol version anyway.
    content: list[Json] = [{"type": "text", "text": reply.text}]
    answer: JsonObject = {**_COMPLETE, "content": content, "isError": reply.is_error}
    if reply.structured is not None:
        answer["structuredContent"] = reply.structured
    if not reply.charged:
        answer["_meta"] = {UNCHARGED_META: True}
    return answer


def _meta_text(params: wire.CallToolRequestParams, field: str) -> str | None:
    text = (params.meta or {}).get(field)
    return text if isinstance(text, str) else None
