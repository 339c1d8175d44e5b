"""The current task for a host that knows nothing of tasks: a prompt and a resource, words alone.

Both hold what the user says in the turn that the agent is in, and nothing else.
"""

from typing import Any

import mcp.types as wire
from mcp.server import Server
from mcp.shared.exceptions import MCPError

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import EpisodeError
from astra_arena.servers.agent_plane.bindings import Binding, EpisodeFinder, binding_of
from astra_arena.servers.agent_plane.extensions import RequestContext
from astra_arena.servers.agent_plane.tool_lists import COMPLETE, LIST_FRESH_MS

PROMPT = "task"
RESOURCE = "task://current"
METHODS = (
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/read",
)

_DESCRIPTION = "What the user asks for now."
_NOT_FOUND = -32002
"""What the older generation answers for a resource that is not there."""


class TaskWords:
    """Answers for prompts and resources of one environment's server.

    Args:
        find: Says which episode a request is about; without one there is neither prompt nor
            resource.
    """

    def __init__(self, find: EpisodeFinder) -> None:
        self._find = find

    def register(self, server: Server[Any]) -> None:
        """Add the handlers to a server."""
        server.add_request_handler(METHODS[0], wire.PaginatedRequestParams, self._list_prompts)
        server.add_request_handler(METHODS[1], wire.GetPromptRequestParams, self._get_prompt)
        server.add_request_handler(METHODS[2], wire.PaginatedRequestParams, self._list_resources)
        server.add_request_handler(METHODS[3], wire.PaginatedRequestParams, self._list_templates)
        server.add_request_handler(METHODS[4], wire.ReadResourceRequestParams, self._read)

    async def _list_prompts(
        self, context: RequestContext, params: wire.PaginatedRequestParams
    ) -> JsonObject:
        self._bound(context, params)
        prompt: JsonObject = {"name": PROMPT, "title": "Task", "description": _DESCRIPTION}
        return {**_FIXED, "prompts": [prompt]}

    async def _get_prompt(
        self, context: RequestContext, params: wire.GetPromptRequestParams
    ) -> JsonObject:
        binding = self._bound(context)
        if params.name != PROMPT:
            text = f"there is no prompt {params.name[:64]!r}, only {PROMPT!r}"
            raise MCPError(code=wire.INVALID_PARAMS, message=text)
        content: JsonObject = {"type": "text", "text": _words(binding)}
        message: JsonObject = {"role": "user", "content": content}
        return {**COMPLETE, "description": _DESCRIPTION, "messages": [message]}

    async def _list_resources(
        self, context: RequestContext, params: wire.PaginatedRequestParams
    ) -> JsonObject:
        self._bound(context, params)
        resource: JsonObject = {
            "uri": RESOURCE,
            "name": PROMPT,
            "title": "Task",
            "description": _DESCRIPTION,
            "mimeType": "text/plain",
        }
        return {**_FIXED, "resources": [resource]}

    async def _list_templates(
        self, context: RequestContext, params: wire.PaginatedRequestParams
    ) -> JsonObject:
        self._bound(context, params)
        return {**_FIXED, "resourceTemplates": []}

    async def _read(
        self, context: RequestContext, params: wire.ReadResourceRequestParams
    ) -> JsonObject:
        binding = self._bound(context)
        if str(params.uri) != RESOURCE:
            code = _NOT_FOUND if context.protocol_version < "2026" else wire.INVALID_PARAMS
            text = f"there is no resource {str(params.uri)[:64]!r}, only {RESOURCE!r}"
            raise MCPError(code=code, message=text)
        content: JsonObject = {
            "uri": RESOURCE,
            "mimeType": "text/plain",
            "text": _words(binding),
        }
        turns = len(binding.episode.task.turns)
        fresh = LIST_FRESH_MS if turns == 1 else 0
        return {**COMPLETE, "ttlMs": fresh, "cacheScope": "private", "contents": [content]}

    def _bound(
        self, context: RequestContext, params: wire.PaginatedRequestParams | None = None
    ) -> Binding:
        try:
            binding = binding_of(self._find, context)
        except EpisodeError:
            raise MCPError(
                code=wire.METHOD_NOT_FOUND, message="Method not found", data=context.method
            ) from None
        if params is not None and params.cursor is not None:
            text = "expected no cursor: this list comes in one piece"
            raise MCPError(code=wire.INVALID_PARAMS, message=text)
        return binding


_FIXED: JsonObject = {**COMPLETE, "ttlMs": LIST_FRESH_MS, "cacheScope": "private"}


def _words(binding: Binding) -> str:
    return binding.episode.task.turns[binding.episode.turn].say
