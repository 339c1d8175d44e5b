"""Replies of the stages that build worlds: what a careful author says, out of the TOML files.

`scripts/authored/worlds_*.toml` say at each item what it adds to its world: tables, rows, tools.
Rows of `facts` begin with the number of the fact that states them, or with the words of the text
that do, or with 0; those of `others` are distractors. A call is a tool with its arguments; "$q1" is
the answer of q1. What a parameter or field is stands in one line: `name type words`, with `type?`
for a parameter that may be left out, or `type=value` for one with a default. "-" is no value.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astra_arena.core.canonical import Json, JsonObject, line_text
from astra_arena.synthesizer.qa.worlds.world_names import name_of

AUTHORED = Path(__file__).parent / "authored"
_DECLARED = re.compile(r"(?P<name>\w+) (?P<type>\w+)(?P<optional>\?|=\S+)? (?P<about>.+)")
_REFERENCE = re.compile(r"\$(?P<step>q\w+)")


def line(stage: str, item: str, reply: JsonObject, part: str = "", sample: int = 0) -> str:
    """One line of a transcript."""
    told: JsonObject = {"stage": stage, "item": item, "text": json.dumps(reply, ensure_ascii=False)}
    if part:
        told["part"] = part
    if sample:
        told["sample"] = sample
    return line_text(told)


@dataclass
class Worlds:
    """All that the files say, and which tools and calls each world has got so far."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    merges: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tools: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    """By world, then by name: what each tool is for."""
    calls: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    """By world, in the order of the items."""

    @classmethod
    def read(cls) -> "Worlds":
        """Read the files."""
        made = cls()
        for path in sorted(AUTHORED.glob("worlds_*.toml")):
            told = tomllib.loads(path.read_text(encoding="utf-8"))
            made.items |= {str(one["id"]): one for one in told["item"]}
            made.merges += told.get("merge", [])
        return made

    def replies(self, item: str, domain: str, language: str) -> Iterator[str]:
        """Give the replies about an item, in the order of the input."""
        told = self.items[item]
        world = name_of(domain, language, 0)
        tools = self.tools.setdefault(world, {})
        tools |= {str(one["name"]): one["about"] for one in told.get("tool", [])}
        calls = list(_calls(told))
        self.calls.setdefault(world, []).extend(calls)
        yield line("synthesize", item, _data(told), "data")
        added: list[Json] = [tool_reply(one) for one in told.get("tool", [])]
        yield line("synthesize", item, {"tools": added}, "tools")
        yield line("synthesize", item, {"calls": list[Json](calls)}, "calls")

    def merged(self) -> Iterator[str]:
        """Give the replies about the worlds as a whole."""
        for world, tools in self.tools.items():
            if len(tools) < 2:
                continue
            merges = [one for one in self.merges if one["world"] == world]
            intents = [(one["intent"], one["tools"]) for one in merges]
            apart = {name for _, names in intents for name in names}
            intents += [(about, [name]) for name, about in tools.items() if name not in apart]
            clusters: list[Json] = [
                {"intent": intent, "tools": list[Json](names)} for intent, names in intents
            ]
            yield line("merge", world, {"clusters": clusters}, "clusters")
            for one in merges:
                calls = [call for call in self.calls[world] if call["tool"] in one["tools"]]
                # A merged tool takes what those in its place took.
                kept: list[Json] = [
                    {"call": number, "arguments": call["arguments"]}
                    for number, call in enumerate(calls, start=1)
                ]
                reply: JsonObject = {"tool": tool_reply(one["tool"]), "calls": kept}
                yield line("merge", world, reply, f"merged-{one['tools'][0]}")


def _declared(text: str) -> tuple[JsonObject, str]:
    found = _DECLARED.fullmatch(text)
    if found is None:
        raise ValueError(f"expected `name type words`, got {text!r}")
    told: JsonObject = {"name": found["name"], "type": found["type"], "description": found["about"]}
    return told, found["optional"] or ""


def _table(told: dict[str, Any]) -> JsonObject:
    return {
        "name": told["name"],
        "description": told["about"],
        "columns": [_declared(text)[0] for text in told["columns"]],
        "key": told["key"],
    }


def _data(told: dict[str, Any]) -> JsonObject:
    rows: list[Json] = []
    for table, listed in told.get("facts", {}).items():
        for source, *values in listed:
            is_fact = isinstance(source, int)
            rows.append(
                {
                    "table": table,
                    "values": [None if value == "-" else value for value in values],
                    "fact": source or None if is_fact else None,
                    "quote": None if is_fact else source,
                }
            )
    others: list[Json] = [
        {"table": table, "values": [None if value == "-" else value for value in values]}
        for table, listed in told.get("others", {}).items()
        for values in listed
    ]
    return {
        "tables": [_table(one) for one in told.get("table", [])],
        "rows": rows,
        "distractors": others,
        "queries": [{"id": name, "sql": sql} for name, sql in told["queries"].items()],
    }


def tool_reply(told: dict[str, Any]) -> JsonObject:
    """Return a tool as a model writes it."""
    parameters: list[Json] = []
    for text in told["parameters"]:
        parameter, optional = _declared(text)
        default: Json = json.loads(optional[1:]) if optional.startswith("=") else None
        parameters.append({**parameter, "required": not optional, "default": default})
    return {
        "name": told["name"],
        "description": told["about"],
        "parameters": parameters,
        "rows": told.get("rows"),
        "fields": [_declared(text)[0] for text in told["fields"]],
        "code": told["code"],
    }


def _calls(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for step, (tool, given) in told["calls"].items():
        arguments: list[Json] = []
        for name, value in given.items():
            found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
            arguments.append(
                {
                    "name": name,
                    "value": None if found else value,
                    "answer_of": found["step"] if found else None,
                    "item": None,
                }
            )
        yield {"id": step, "tool": tool, "arguments": arguments}
