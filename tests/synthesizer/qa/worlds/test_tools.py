"""Tools and calls that a model writes: what is wrong is seen before they run, or by running."""

import json
from pathlib import Path

import pytest

from astra_arena.client.authors.chat import ChatReply
from astra_arena.client.authors.replies import read_reply
from astra_arena.core.canonical import Json
from astra_arena.synthesizer.qa.worlds.replies import NewTool, StepCalls, WorldTools
from astra_arena.synthesizer.qa.worlds.step_calls import CallCheck
from astra_arena.synthesizer.qa.worlds.tool_documents import tool_findings, tool_spec
from tests.support.requirement import requirement
from tests.synthesizer.asking import AskingScripted
from tests.synthesizer.qa.worlds.world_runs import (
    CALLS,
    CODE,
    DATA,
    HEAD,
    MACBETH,
    TOOL,
    TWIN,
    Reply,
    argument,
    changed,
    evidence_of,
    grown_of,
    replies,
    said,
    scripted,
    synthesized,
)

KNOWN = {"find_work": NewTool.model_validate(TOOL)}
GOLD = [1865, 1606]


def findings(*tools: Reply, known: dict[str, NewTool] | None = None) -> list[str]:
    def check(reply: WorldTools) -> list[str]:
        return list(tool_findings(reply.tools, known or {}, GOLD))

    said_so = ChatReply(json.dumps({"tools": tools}), "stop", None)
    return list(read_reply(said_so, WorldTools, check).findings)


def code(body: str, head: str = HEAD, imports: str = "") -> Reply:
    return changed(TOOL, code=f"{imports}{head}{body}")


def parameter(place: int, **fields: Json) -> Reply:
    listed = [dict(one) for one in TOOL["parameters"]]
    listed[place] |= fields
    return changed(TOOL, parameters=listed)


BAD_TOOLS: dict[str, tuple[Reply, str]] = {
    "code that is none": (changed(TOOL, code="return 1865"), "nothing else|cannot be parsed"),
    "code that does not parse": (code("    return {"), "cannot be parsed"),
    "another function": (changed(TOOL, code=CODE.replace("find_work", "seek")), "one function"),
    "code beside the function": (changed(TOOL, code=f"{CODE}\nWORKS = {{}}\n"), "nothing else"),
    "code that imports os": (code('    return {"a": os.getcwd()}\n', imports="import os\n"), "os"),
    "code that opens files": (code('    return {"a": open(title).read()}\n'), "open"),
    "code of chance": (
        code('    return {"a": secrets.token_hex()}\n', imports="import secrets\n"),
        "secrets",
    ),
    "code that evaluates": (code('    return {"a": eval(title)}\n'), "eval"),
    "code that remembers": (
        code('    find_work.seen = title\n    return {"a": title}\n'),
        "find_work",
    ),
    "rows in no order": (
        code('    return {"a": [r[0] for r in world.execute("SELECT title FROM works")]}\n'),
        "ORDER BY",
    ),
    "a gold answer in the code": (code('    return {"first_year": 1865}\n'), "states what one"),
    "a gold answer in the document": (
        changed(TOOL, description="Find works, such as the one of 1606."),
        "states what one",
    ),
    "a parameter that the code lacks": (
        changed(TOOL, code=CODE.replace("kind: str | None = None", "sort: str | None = None")),
        "'kind'|'sort'",
    ),
    "a parameter of another type": (parameter(0, type="integer"), "title"),
    "a default that the code lacks": (parameter(1, default="novel"), "default"),
    "a default of another type": (parameter(1, default=3), "is no text"),
    "a default of what is required": (
        parameter(0, default="Emma"),
        "is required and has a default",
    ),
    "no choice": (changed(TOOL, parameters=TOOL["parameters"][:1]), "1 optional parameter"),
    "nothing required": (parameter(0, required=False), "a parameter that is required"),
    "a name that is none": (changed(TOOL, name="find work"), "find work"),
    "a name of the host": (
        changed(TOOL, name="reply", code=CODE.replace("find_work", "reply")),
        "reply",
    ),
    "no fields": (changed(TOOL, fields=[]), "/tools/0/fields"),
    "a field twice": (changed(TOOL, fields=TOOL["fields"][:1] * 2), "every field once"),
}


def test_a_good_tool_has_no_findings() -> None:
    assert findings(TOOL) == []
    spec = tool_spec(NewTool.model_validate(TOOL))
    assert spec.read_only
    assert spec.input_schema["required"] == ["title"]


@requirement("worlds:bad-tools")
@pytest.mark.parametrize("name", BAD_TOOLS)
def test_bad_tools_are_told_before_they_run(name: str) -> None:
    tool, expected = BAD_TOOLS[name]
    told = findings(tool)
    assert told
    assert any(part in one for one in told for part in expected.split("|")), told


@requirement("worlds:bad-tools")
def test_a_tool_that_is_there_is_not_written_again() -> None:
    assert "there is a tool of this name" in findings(TOOL, known=KNOWN)[0]
    same = changed(TWIN, code=CODE.replace("find_work", "find_novel"))
    assert any("its code is that of find_work" in one for one in findings(same, known=KNOWN))


def call_findings(reply: Reply) -> list[str]:
    said_so = ChatReply(json.dumps(reply), "stop", None)
    return list(read_reply(said_so, StepCalls, CallCheck(MACBETH, KNOWN)).findings)


def second_call(*arguments: Reply, tool: str = "find_work") -> Reply:
    first = CALLS["calls"][0]
    return {"calls": [first, {"id": "q2", "tool": tool, "arguments": list(arguments)}]}


MACBETH_TITLE = argument("title", "Macbeth")
BAD_CALLS: dict[str, tuple[Reply, str]] = {
    "a call too few": ({"calls": CALLS["calls"][:1]}, "each of q1, q2 once"),
    "a call twice": ({"calls": CALLS["calls"] * 2}, "each of q1, q2 once"),
    "no such tool": (second_call(MACBETH_TITLE, tool="find_play"), "no tool 'find_play'"),
    "no such argument": (
        second_call(MACBETH_TITLE, argument("author", "Macbeth")),
        "takes no 'author'",
    ),
    "an argument too few": (second_call(), "needs 'title'"),
    "an argument twice": (second_call(MACBETH_TITLE, MACBETH_TITLE), "every argument once"),
    "a number for a text": (second_call(argument("title", 3)), "expected text, got 3"),
    "nothing for a text": (second_call(argument("title")), "expected a value, got null"),
    "what nobody said": (second_call(argument("title", "The Tempest")), "does not stand in"),
    "an answer that is not asked before": (
        second_call(argument("title", answer_of="q1")),
        "q2 does not depend on q1",
    ),
    "value and answer": (
        second_call({**MACBETH_TITLE, "answer_of": "q1"}),
        "a value or `answer_of`, got both",
    ),
    "an item of a value": (second_call({**MACBETH_TITLE, "item": 1}), "belongs to `answer_of`"),
}


@requirement("worlds:bad-calls")
@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_calls_are_told_and_never_an_answer(name: str) -> None:
    assert call_findings(CALLS) == []
    reply, expected = BAD_CALLS[name]
    told = call_findings(reply)
    assert any(expected in one for one in told), told
    assert not any(str(value) in one for one in told for value in GOLD)


ALL_ROWS = '    rows = world.execute("SELECT title, kind, first_year FROM works ORDER BY title")\n'
BROKEN: dict[str, tuple[Reply, str]] = {
    "a constant tool": (
        code('    return {"title": title, "kind": "novel", "first_year": 1800 + 65}\n'),
        "from tables without any row",
    ),
    "a tool that ignores what it is asked": (
        code(
            '    row = world.execute("SELECT title, kind, first_year FROM works '
            'ORDER BY title LIMIT 1").fetchone()\n'
            '    return {"title": row[0], "kind": row[1], "first_year": row[2]}\n'
        ),
        "does not hold what is asked for",
    ),
    "code that raises": (
        code('    return {"title": title, "kind": "", "first_year": 1 // 0}\n'),
        "it breaks (raised)",
    ),
    "code that hangs": (code("    while True:\n        pass\n"), "it breaks (timeout)|crashed"),
    "code that returns no object": (code("    return [title]\n"), "it breaks (bad_result)"),
    "code that finds nothing": (
        code('    raise LookupError(f"nothing about {title}")\n'),
        "it refuses the call: nothing about Macbeth",
    ),
    "code that is off by one": (
        changed(TOOL, code=CODE.replace("row[2]}", "row[2] + 1}")),
        "does not hold what is asked for",
    ),
    "code that writes": (
        code(
            '    world.execute("UPDATE works SET kind = ? WHERE title = ?", ["x", title])\n'
            + CODE.removeprefix(HEAD)
        ),
        "it changes the tables",
    ),
    "code that returns everything": (
        changed(
            TOOL,
            rows="works",
            code=HEAD
            + ALL_ROWS
            + '    names = ("title", "kind", "first_year")\n'
            + '    return {"works": [dict(zip(names, row)) for row in rows]}\n',
        ),
        "also holds what q1 asks for",
    ),
    "code that tells what it found in an error": (
        code(
            '    row = world.execute("SELECT first_year FROM works WHERE title = ?", '
            "[title]).fetchone()\n"
            '    raise ValueError(f"it was {row[0]}")\n'
        ),
        "it refuses the call: it was …",
    ),
}


@requirement("worlds:bad-tools")
@pytest.mark.parametrize("name", BROKEN)
def test_broken_tools_are_seen_by_running_and_rejected(name: str, tmp_path: Path) -> None:
    tool, expected = BROKEN[name]
    lines = replies(tools=[tool])
    # A model that never gets it right.
    for attempt in ("~2", "~3"):
        lines.append(said("synthesize", "macbeth", f"tools{attempt}", {"tools": [tool]}))
        lines.append(said("synthesize", "macbeth", f"calls{attempt}", CALLS))
    (line,) = synthesized(tmp_path, lines)
    assert (line.outcome, line.reason) == ("rejected", "its tools do not find the answers")
    told = evidence_of(line)
    assert any(part in told for part in expected.split("|")), told
    # What goes back to the author of the code names no answer.
    assert not any(str(value) in told for value in GOLD)


@requirement("worlds:repair")
@requirement("worlds:blind")
def test_what_was_wrong_goes_back_and_the_authors_of_code_see_no_answer(tmp_path: Path) -> None:
    broken, told = BROKEN["code that tells what it found in an error"]
    lines = replies(tools=[broken])
    lines.append(said("synthesize", "macbeth", "tools~2", {"tools": [TOOL]}))
    lines.append(said("synthesize", "macbeth", "calls~2", CALLS))
    asked = AskingScripted(scripted(tmp_path, lines))
    (line,) = synthesized(tmp_path, lines, author=asked)
    assert line.outcome == "passed"
    assert grown_of(line).tools[0].code == CODE
    assert len(line.provenance) == 5
    for part, text in asked.prompts.items():
        if part == "data":
            assert "1865" in text
            continue
        # Neither facts nor rows nor answers: only what tables are, and what is asked.
        assert not any(str(value) in text for value in GOLD), part
        assert not any(one["values"][0] in text for one in DATA["distractors"]), part
    assert told in asked.prompts["tools~2"]
    assert "it was …" in asked.prompts["tools~2"]
