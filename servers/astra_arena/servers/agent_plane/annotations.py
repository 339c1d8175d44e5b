"""Hints about what a tool does, read off its code; where that does not say, the careful ones.

`readOnlyHint` is what the manifest says, and the host holds every call to it. The other two come
from the SQL that the tool may run, for worlds in SQLite. A tool whose SQL cannot be told, or that
changes the world in another way, is taken to destroy and not to bear repetition, as MCP does
without hints.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from astra_arena.core.canonical import JsonObject
from astra_arena.servers.agent_plane.sql_writes import HOLE, ToolCode
from astra_arena.servers.bundles.bundle import Bundle

_REMEMBERED = 4096

_VERB = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?P<verb>[A-Za-z]+)\b")
_READING = frozenset(("SELECT", "VALUES", "EXPLAIN"))
_ADDING = re.compile(r"\s*INSERT\s+INTO\s", re.IGNORECASE)
_REPLACING = re.compile(r"\bREPLACE\b|\bON\s+CONFLICT\b", re.IGNORECASE)
_SET = re.compile(
    r"\s*UPDATE\s+(?!OR\b)\S+\s+SET\b(?P<set>.*?)(?:\bWHERE\b.*|\bRETURNING\b.*)?",
    re.IGNORECASE | re.DOTALL,
)
_FIXED = re.compile(
    r"\s*[\"`\[]?\w+[\"`\]]?\s*=\s*(?:[?:@$]\w*|'[^']*'|-?\d+(?:\.\d+)?|NULL|TRUE|FALSE)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ToolHints:
    """What a host may assume of a tool."""

    read_only: bool
    destructive: bool
    """Whether it may change or remove what is there, and not only add to it."""
    idempotent: bool
    """Whether the same call again changes nothing further."""

    def to_wire(self) -> JsonObject:
        """Return the hints as MCP's annotations; no tool here reaches the world outside."""
        return {
            "readOnlyHint": self.read_only,
            "destructiveHint": self.destructive,
            "idempotentHint": self.idempotent,
            "openWorldHint": False,
        }


READING = ToolHints(read_only=True, destructive=False, idempotent=True)
UNKNOWN = ToolHints(read_only=False, destructive=True, idempotent=False)
SPEAKING = ToolHints(read_only=False, destructive=False, idempotent=False)
"""Of `reply`: what was said stays said."""

_known: OrderedDict[str, Mapping[str, ToolHints]] = OrderedDict()


def tool_hints(bundle: Bundle) -> Mapping[str, ToolHints]:
    """Return the hints of all tools of an environment, by name; they are read off its code once."""
    digest = bundle.digests.environment
    hints = _known.get(digest)
    if hints is None:
        hints = _known[digest] = _hints_of(bundle)
        if len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return hints


def _hints_of(bundle: Bundle) -> dict[str, ToolHints]:
    code: ToolCode | None = None
    if bundle.environment.world.kind == "sqlite":
        try:
            code = ToolCode(bundle.tools_py)
        except (SyntaxError, ValueError, RecursionError):
            # It will not run either, which is for the sandbox to say.
            code = None
    return {
        spec.name: READING if spec.read_only else _writing_hints(spec.name, code)
        for spec in bundle.environment.tools
    }


def _writing_hints(tool: str, code: ToolCode | None) -> ToolHints:
    statements = None if code is None else code.statements(tool)
    if statements is None or not all(_is_plain(sql) for sql in statements):
        return UNKNOWN
    writes = [sql for sql in statements if _verb(sql) not in _READING]
    if not writes:
        return UNKNOWN
    return ToolHints(
        read_only=False,
        destructive=not all(_only_adds(sql) for sql in writes),
        idempotent=all(_bears_repetition(sql) for sql in writes),
    )


def _verb(sql: str) -> str:
    found = _VERB.match(sql)
    return "" if found is None else found["verb"].upper()


def _is_plain(sql: str) -> bool:
    """Tell whether a text is one statement of a kind that is known here."""
    one = ";" not in sql.rstrip().removesuffix(";")
    return one and _verb(sql) in {*_READING, "INSERT", "UPDATE", "DELETE", "REPLACE"}


def _only_adds(sql: str) -> bool:
    # What is put in at the end when the tool runs might be a clause that replaces rows.
    return bool(_ADDING.match(sql)) and not _REPLACING.search(sql) and not sql.endswith(HOLE)


def _bears_repetition(sql: str) -> bool:
    """Tell whether a statement is as good as done when it was done once."""
    if _verb(sql) == "DELETE":
        return True
    found = _SET.fullmatch(sql)
    # A column set to what depends on the row may become another one each time.
    return found is not None and all(_FIXED.fullmatch(part) for part in found["set"].split(","))
