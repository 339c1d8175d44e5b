"""The tool code of a replay: one function for each tool, all of which look calls up."""

import keyword

from astra_arena.core.canonical import JsonObject, normalised
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SpecError

# Names of tools and arguments are the server's, so nothing here may be called like one: names of
# the module start with an underscore, and no built-in function is used.
_HEAD = '''\
"""The tools answer as an external MCP server did when its episodes were recorded.

A call is known by the writes before it. One that was not made after these very writes is answered
if it ended in the same way after all others.
"""

import hashlib as _hashlib
import json as _json


def _recorded(world, tool, arguments):
    asked = _json.dumps(
        {name: value for name, value in arguments.items() if value is not None},
        sort_keys=True,
        separators=(",", ":"),
    )
    (history,) = world.execute("SELECT history FROM writes").fetchone()
    found = world.execute(
        "SELECT failed, reply FROM recorded WHERE tool = ? AND asked = ? AND history = ?",
        (tool, asked, history),
    ).fetchone()
    if found is None:
        alike = world.execute(
            "SELECT DISTINCT failed, reply, steady FROM recorded"
            " WHERE tool = ? AND asked = ? ORDER BY failed, reply, steady",
            (tool, asked),
        ).fetchmany(2)
        if alike == [] or alike[1:] != [] or alike[0][2] == 0:
            raise LookupError("this call was not recorded")
        found = alike[0][:2]
    failed, reply = found
    if failed:
        raise ValueError(reply)
    return _json.loads(reply), history, asked


def _read(world, tool, arguments):
    reply, _, _ = _recorded(world, tool, arguments)
    return reply


def _write(world, tool, arguments):
    reply, history, asked = _recorded(world, tool, arguments)
    after = _hashlib.sha256(f"{history}\\n{tool}\\n{asked}".encode()).hexdigest()
    world.execute("UPDATE writes SET history = ?", (after,))
    return reply
'''


def replay_code(tools: tuple[ToolSpec, ...]) -> str:
    """Return the `tools.py` of a replay of these tools.

    Raises:
        SpecError: if no function can have the name of one of them.
    """
    refused = [tool.name for tool in tools if keyword.iskeyword(tool.name)]
    if refused:
        raise SpecError(
            f"no function can be called {refused[0]!r}, a word of Python; wrap the server again, "
            "which gives the tool another name, and record it anew"
        )
    return _HEAD + "".join(f"\n\n{_function(tool)}" for tool in tools)


def _function(tool: ToolSpec) -> str:
    found = tool.input_schema.get("properties")
    properties = found if isinstance(found, dict) else {}
    plain = all(map(_is_plain, properties))
    world = _free("world", properties)
    others = _free("others", properties)
    parts = [world]
    if plain and properties:
        parts += ["*", *(_parameter(tool.input_schema, name) for name in properties)]
    if not plain or tool.input_schema.get("additionalProperties") is not False:
        parts.append(f"**{others}")
    given = [f"{name!r}: {name}" for name in properties] if plain else []
    if parts[-1].startswith("**"):
        given.append(f"**{others}")
    does = "_read" if tool.read_only else "_write"
    return (
        f"def {tool.name}({', '.join(parts)}):\n"
        f"    return {does}({world}, {tool.name!r}, {{{', '.join(given)}}})\n"
    )


def _parameter(schema: JsonObject, name: str) -> str:
    required = schema.get("required")
    if isinstance(required, list) and name in required:
        return name
    properties = schema["properties"]
    rule = properties[name] if isinstance(properties, dict) else None
    default = rule.get("default") if isinstance(rule, dict) else None
    return f"{name}={normalised(default)!r}"


def _is_plain(name: str) -> bool:
    return (
        name.isascii()
        and name.isidentifier()
        and not (keyword.iskeyword(name) or name.startswith("_"))
    )


def _free(name: str, taken: JsonObject) -> str:
    while name in taken:
        name += "_"
    return name
