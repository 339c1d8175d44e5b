"""What an agent that wants the reward without the work would send."""

from collections.abc import Iterator
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.synthesizer.gates.tool_schemas import enumerated, types_of

NEUTRAL = "zzqx nowhere"
"""What every injected text is compared with: it names nothing and means nothing."""

LOW = "!zzqx nowhere"
"""Means nothing either, and sorts before what `NEUTRAL` sorts behind."""

SQL = (
    "x' OR '1'='1",
    "x' OR 1=1 --",
    'x" OR "1"="1',
    "x') OR ('1'='1",
    "x'; DELETE FROM sqlite_schema; --",
    "x' UNION SELECT name, sql FROM sqlite_schema --",
    "'",
    '"',
    "\\",
)
FORMATS = ("{0}", "{x.__class__}", "%(name)s", "%s%n%x", "${x}", "$(id)", "`id`")
PATHS = (
    "..",
    "../..",
    "../../../../etc/passwd",
    "/proc/self/environ",
    "file:///etc/passwd",
    "x\0y",
)
UNICODE = ("\ud800", "\u202ex", "e\u0301\u0301\u0301", "\U0001f600", "\x1b[2J")
CODE = ("__class__", "__import__('os').getcwd()", "world", "lambda: 1")

PAYLOADS = (*SQL, *FORMATS, *PATHS, *UNICODE, *CODE)

RESERVED = (
    "verify",
    "verdict",
    "score",
    "reward",
    "get_reward",
    "state",
    "get_state",
    "reset",
    "step",
    "close",
    "submit",
    "seed_session",
    "aggregate_metrics",
    "mcp",
    "gold",
    "open_world",
    "__init__",
    "__class__",
    "eval",
    "tools.py",
    "../tools",
    "",
    " ",
)
"""Names that no environment may answer to."""

UNDECLARED: tuple[JsonObject, ...] = (
    {"__class__": NEUTRAL},
    {"__dict__": {}},
    {"world": NEUTRAL},
    {"self": NEUTRAL},
    {"seed": 1},
    {"attempt": 1},
)
"""Arguments that no schema declares; a tool that declares one by chance is passed over."""

MALFORMED: tuple[Json, ...] = (None, [], NEUTRAL, 7, True)
"""Sent in place of an object."""

LONG = "A" * 100_000
TOO_LONG = "A" * 300_000
DEPTH = 200


@dataclass(frozen=True, slots=True)
class Injection:
    """A text put into one argument of a call that is sound otherwise."""

    tool: str
    argument: str
    payload: str
    arguments: JsonObject


def injections(tool: ToolSpec, base: JsonObject) -> Iterator[list[Injection]]:
    """Give, for each argument that takes free text, two neutral calls and those with payloads.

    Args:
        tool: The tool.
        base: Arguments that it accepts.
    """
    properties = tool.input_schema.get("properties")
    for name, rule in (properties if isinstance(properties, dict) else {}).items():
        if not isinstance(rule, dict) or enumerated(rule) is not None:
            continue
        types = types_of(rule, tool.input_schema)
        if types is None or "string" in types:
            yield [
                Injection(tool.name, name, text, {**base, name: text})
                for text in (NEUTRAL, LOW, *PAYLOADS)
            ]
        elif "array" in types:
            yield [
                Injection(tool.name, name, text, {**base, name: [text]})
                for text in (NEUTRAL, LOW, *PAYLOADS)
            ]


def oversized(tool: ToolSpec, base: JsonObject) -> Iterator[JsonObject]:
    """Give calls with an argument that is long, too long, or nested deeply."""
    properties = tool.input_schema.get("properties")
    names = list(properties) if isinstance(properties, dict) else []
    for name in names[:2]:
        yield {**base, name: LONG}
        yield {**base, name: TOO_LONG}
        yield {**base, name: nested(DEPTH)}
        yield {**base, name: 10**400}
    yield {**base, "undeclared": nested(DEPTH)}


def nested(depth: int) -> Json:
    """Return a list inside a list, so many times."""
    value: Json = []
    for _ in range(depth):
        value = [value]
    return value
