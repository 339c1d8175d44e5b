"""A bundle or a suite as an MCP server: the tools on offer, each call given to an episode.

The server is stateless. A function finds the episode that a request belongs to, so that one server
carries any number of episodes and both generations of the protocol. Every handler catches what may
be raised inside it: the older generation would send an exception's text to the agent.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mcp.types as wire
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import EpisodeError
from astra_arena.servers.agent_plane.bindings import Binding, EpisodeFinder, binding_of
from astra_arena.servers.agent_plane.extensions import RequestContext, ServerExtension
from astra_arena.servers.agent_plane.forms import SealedState
from astra_arena.servers.agent_plane.list_changes import LISTEN, ListChanges
from astra_arena.servers.agent_plane.task_words import METHODS, TaskWords
from astra_arena.servers.agent_plane.tool_calls import PROGRESS_SECONDS, UNAVAILABLE_TEXT, ToolCalls
from astra_arena.servers.agent_plane.tool_lists import PAGE_SIZE, ToolLists
from astra_arena.servers.bundles.suite import Source, members_of, offered_specs

logger = logging.getLogger(__name__)

_DESCRIBES_MODERN = "server/discover"
_DESCRIBES = frozenset(("initialize", _DESCRIBES_MODERN))


def build_mcp_server(
    source: Source,
    find_episode: EpisodeFinder,
    *,
    instructions: str | None = None,
    extensions: Sequence[ServerExtension] = (),
    page_size: int = PAGE_SIZE,
    progress_seconds: float = PROGRESS_SECONDS,
) -> Server[Any]:
    """Make the MCP server of a bundle or a suite.

    Args:
        source: The environments; their tools are listed in the order of their manifests.
        find_episode: Says which episode a request belongs to.
        instructions: What a host may show its model; the environment's description when absent.
        extensions: What others add to it; see `ServerExtension`.
        page_size: The longest list of tools that comes in one piece.
        progress_seconds: How often the progress of a call is told, where it is asked for.
    """
    return assemble(
        source,
        find_episode,
        instructions=instructions,
        extensions=extensions,
        page_size=page_size,
        progress_seconds=progress_seconds,
    ).server


@dataclass(frozen=True, slots=True)
class AssembledServer:
    """An MCP server with what outlives single requests of it."""

    server: Server[Any]
    changes: ListChanges
    """Holds open streams, which end when it is told to."""


def assemble(
    source: Source,
    find_episode: EpisodeFinder,
    *,
    instructions: str | None = None,
    extensions: Sequence[ServerExtension] = (),
    page_size: int = PAGE_SIZE,
    progress_seconds: float = PROGRESS_SECONDS,
) -> AssembledServer:
    """Make the MCP server of a bundle or a suite; see `build_mcp_server`."""
    taken = {*(spec.name for spec in offered_specs(source)), REPLY_TOOL}
    added = (tool for extension in extensions for tool in extension.tools())
    extra = [tool for tool in added if tool.listed.name not in taken]
    named = {tool.listed.name: tool for tool in extra}
    lists = ToolLists(source, find_episode, extra, page_size)
    calls = ToolCalls(find_episode, named, progress_seconds=progress_seconds)
    server: Server[Any] = Server(
        source.name,
        version=source.digests.environment.partition(":")[2][:12],
        title=source.title,
        instructions=instructions or source.description,
        get_tool_input_schema=lists.mirrored().get,
    )
    server.add_request_handler("tools/list", wire.PaginatedRequestParams, lists.list_tools)
    server.add_request_handler("tools/call", wire.CallToolRequestParams, calls.call_tool)
    TaskWords(find_episode).register(server)
    changes = ListChanges(find_episode)
    changes.register(server)
    # Tracing costs a fifth of a call even when nothing collects it.
    server.middleware.clear()
    own = {method: server.get_request_handler(method) for method in (*METHODS, LISTEN)}
    for extension in extensions:
        extension.register(server)
    replaced = {method for method in own if server.get_request_handler(method) is not own[method]}
    server.middleware.append(_Description(source, find_episode, frozenset(replaced)))
    server.middleware.append(SealedState(source.name, find_episode))
    return AssembledServer(server, changes)


class _Description:
    """Makes what a server says of itself true for the address at which it is asked.

    It also keeps what handlers raise from the client: the older generation would send its text.
    """

    def __init__(self, source: Source, find: EpisodeFinder, replaced: frozenset[str]) -> None:
        self._find = find
        self._described = {member.name: member.description for member in members_of(source)}
        self._replaced = replaced
        """Methods that extensions have taken over, which are theirs to tell of."""

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        try:
            result = await call_next(ctx)
        except (MCPError, ValidationError):
            raise
        except Exception:
            logger.exception("a request for %r was not answered", ctx.method)
            raise MCPError(code=wire.INTERNAL_ERROR, message=UNAVAILABLE_TEXT) from None
        if ctx.method not in _DESCRIBES or not isinstance(result, dict):
            return result
        return self._described_here(ctx, result)

    def _described_here(self, ctx: RequestContext, result: JsonObject) -> JsonObject:
        binding = self._binding(ctx)
        capabilities = result.get("capabilities")
        told: JsonObject = capabilities if isinstance(capabilities, dict) else {}
        modern = ctx.method == _DESCRIBES_MODERN
        here = self._capabilities(told, binding, modern=modern)
        described: JsonObject = {**result, "capabilities": here}
        if binding is not None and binding.member in self._described:
            described["instructions"] = self._described[binding.member]
        return described

    def _binding(self, context: RequestContext) -> Binding | None:
        try:
            return binding_of(self._find, context)
        except EpisodeError:
            return None
        except Exception:
            logger.exception("what a request is about could not be found")
            return None

    def _capabilities(
        self, told: JsonObject, binding: Binding | None, *, modern: bool
    ) -> JsonObject:
        capabilities = dict(told)
        for kind in ("prompts", "resources"):
            own = not any(method.startswith(kind) for method in self._replaced)
            if own and binding is None:
                capabilities.pop(kind, None)
        if LISTEN in self._replaced:
            return capabilities
        # The SDK promises whatever a server could tell of to anybody.
        for kind in ("tools", "prompts", "resources"):
            features = capabilities.get(kind)
            if isinstance(features, dict):
                changing = kind == "tools" and binding is not None and binding.may_change
                features = {**features, "listChanged": changing}
                if modern:
                    features.pop("subscribe", None)
                capabilities[kind] = features
        return capabilities
