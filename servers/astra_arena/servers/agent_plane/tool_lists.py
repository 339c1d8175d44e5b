"""`tools/list`: what is on offer, in pages, with hints about each tool and about its own freshness.

A list may be kept for as long as it is told to be fresh, so an hour is told only where the list at
that very address cannot change.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import cast

import mcp.types as wire
from mcp.shared.exceptions import MCPError

from astra_arena.core.calls import MIRROR_KEYWORD
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import EpisodeError
from astra_arena.core.offers import ToolRef
from astra_arena.servers.agent_plane.annotations import READING, SPEAKING, UNKNOWN, tool_hints
from astra_arena.servers.agent_plane.bindings import EpisodeFinder, binding_of
from astra_arena.servers.agent_plane.extensions import ExtraTool, RequestContext
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.bundles.suite import Source, members_of, offered_specs

PAGE_SIZE = 250
LIST_FRESH_MS = 3_600_000

COMPLETE: JsonObject = {"resultType": "complete"}
"""The newer generation wants it on every result; the SDK drops it for the older."""

_LISTED = 9
"""So many bytes of a list's digest are in its cursors."""


class ToolLists:
    """The lists of one environment's server.

    Args:
        source: Its tools are listed in the order of the manifests.
        find: Says which episode a request is about.
        extra: The tools of extensions, which come last.
        page_size: The longest list that comes in one piece.
    """

    def __init__(
        self, source: Source, find: EpisodeFinder, extra: Sequence[ExtraTool], page_size: int
    ) -> None:
        self._find = find
        self._page_size = page_size
        self._bundles = {bundle.name: bundle for bundle in members_of(source)}
        self._extra = [dumped(tool.listed) for tool in extra]
        self._every = offered_specs(source)
        self._refs = [
            ToolRef(bundle.name, tool.name)
            for bundle in members_of(source)
            for tool in bundle.environment.tools
        ]
        self._plain: list[Json] | None = None

    def mirrored(self) -> Mapping[str, JsonObject]:
        """Return the input schemas that name request headers, by tool.

        The SDK compares such headers with the arguments; looking for such arguments on every call
        costs a tenth of it, so only schemas that have some are given to it.
        """
        return {
            tool.name: tool.input_schema
            for tool in self._every
            if MIRROR_KEYWORD in canonical_bytes(tool.input_schema)
        }

    async def list_tools(
        self, context: RequestContext, params: wire.PaginatedRequestParams
    ) -> JsonObject:
        """Answer `tools/list`."""
        try:
            binding = binding_of(self._find, context)
        except EpisodeError:
            # An environment may be replaced by another one of its name.
            return self._page([*self._source_tools(), *self._extra], params.cursor, 0, "public")
        if binding.is_plain:
            tools, scope = self._source_tools(), "public"
        else:
            worlds = binding.episode.worlds
            bundles = {name: world.bundle for name, world in worlds.items()}
            listed = [self._wire(spec, ref, bundles) for spec, ref in binding.tools()]
            tools, scope = listed, "private"
        fresh = 0 if binding.may_change else LIST_FRESH_MS
        return self._page([*tools, *self._extra], params.cursor, fresh, scope)

    def _source_tools(self) -> list[Json]:
        if self._plain is None:
            pairs = zip(self._every, self._refs, strict=True)
            self._plain = [self._wire(spec, ref, self._bundles) for spec, ref in pairs]
        return self._plain

    def _wire(
        self, spec: ToolSpec, ref: ToolRef | None, bundles: Mapping[str, Bundle]
    ) -> JsonObject:
        listed = wire.Tool(
            name=spec.name,
            description=spec.description,
            input_schema=spec.input_schema,
            output_schema=spec.output_schema,
        )
        return {**dumped(listed), "annotations": _hints(spec, ref, bundles)}

    def _page(
        self, tools: Sequence[Json], cursor: str | None, fresh_ms: int, scope: str
    ) -> JsonObject:
        listed: JsonObject = {**COMPLETE, "ttlMs": fresh_ms, "cacheScope": scope}
        if cursor is None and len(tools) <= self._page_size:
            return {**listed, "tools": list(tools)}
        mark = hashlib.sha256(canonical_bytes(list(tools))).digest()[:_LISTED]
        start = 0 if cursor is None else _start_of(cursor, mark, len(tools))
        end = start + self._page_size
        page: JsonObject = {**listed, "tools": list(tools[start:end])}
        if end < len(tools):
            page["nextCursor"] = _cursor(mark, end)
        return page


def _hints(spec: ToolSpec, ref: ToolRef | None, bundles: Mapping[str, Bundle]) -> JsonObject:
    if ref is None:
        return SPEAKING.to_wire()
    bundle = bundles.get(ref.environment)
    known = None if bundle is None else tool_hints(bundle).get(ref.tool)
    return (known or (READING if spec.read_only else UNKNOWN)).to_wire()


def dumped(tool: wire.Tool) -> JsonObject:
    """Return a tool as it is listed."""
    return cast("JsonObject", tool.model_dump(by_alias=True, mode="json", exclude_none=True))


def _cursor(mark: bytes, start: int) -> str:
    return base64.urlsafe_b64encode(mark + start.to_bytes(3, "big")).decode("ascii")


def _start_of(cursor: str, mark: bytes, length: int) -> int:
    """Return where the page of a cursor starts.

    Raises:
        MCPError: if the cursor is none of this list's.
    """
    try:
        data = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        data = b""
    start = int.from_bytes(data[_LISTED:], "big")
    if len(data) != _LISTED + 3 or data[:_LISTED] != mark or not 0 < start < length:
        text = "expected a cursor of this very list, got another; list from the start"
        raise MCPError(code=wire.INVALID_PARAMS, message=text)
    return start
