"""Small worlds, with what a careful model replies about them."""

import asyncio
import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from astra_arena.client.authors.author import Author
from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.client.authors.transcript import Transcript, TranscriptLine
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.sandbox import ProcessSandbox
from astra_arena.synthesizer.qa.authored.stage_log import StageLine, StageLog
from astra_arena.synthesizer.qa.authored.stages import run_stage
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.worlds.grown import Grown, WorldDraft
from astra_arena.synthesizer.qa.worlds.merge import Merging
from astra_arena.synthesizer.qa.worlds.synthesize import Synthesizing
from astra_arena.synthesizer.qa.worlds.tool_documents import DEFAULT_EXTRAS
from astra_arena.synthesizer.qa.worlds.world_names import WorldNames

Reply = dict[str, Any]

CODE = '''\
def find_work(world, *, title: str, kind: str | None = None) -> dict[str, object]:
    """Find a work."""
    row = world.execute(
        "SELECT title, kind, first_year FROM works WHERE title = ? COLLATE NOCASE "
        "AND (? IS NULL OR kind = ? COLLATE NOCASE) ORDER BY title, kind",
        [title, kind, kind],
    ).fetchone()
    if row is None:
        raise LookupError("there is no such work")
    return {"title": row[0], "kind": row[1], "first_year": row[2]}
'''
HEAD = "def find_work(world, *, title: str, kind: str | None = None) -> dict[str, object]:\n"


def instance(
    name: str, steps: Sequence[tuple[str, str, int]], question: str, *, answer: bool
) -> QAInstance:
    """A verified instance: years that are looked up, and a verdict that needs no tool."""
    nodes: list[JsonObject] = [
        {
            "id": step,
            "question": text,
            "answer": {"kind": "number", "value": value},
            "source": {"kind": "knowledge", "index": place},
            "needs_tool": True,
        }
        for place, (step, text, value) in enumerate(steps)
    ]
    ids = [step for step, _, _ in steps]
    nodes.append(
        {
            "id": "q9",
            "question": "Is " + " before ".join(f"{{{one}}}" for one in ids) + "?",
            "depends_on": list[Json](ids),
            "answer": {"kind": "exact", "value": answer},
            "needs_tool": False,
        }
    )
    data = {
        "id": name,
        "question": question,
        "answer": {"kind": "exact", "value": answer},
        "domain": "letters",
        "knowledge": [f"{text.removesuffix('?')}: {value}" for _, text, value in steps],
        "decomposition": {"nodes": nodes},
        "source": {
            "format": "plain",
            "file": "letters.jsonl",
            "digest": "sha256:0",
            "index": 0,
            "licence": {"name": "CC0-1.0"},
        },
    }
    return QAInstance.from_json(data, what=name)


MACBETH = instance(
    "macbeth",
    [
        ("q1", "When was Alice's Adventures in Wonderland first published?", 1865),
        ("q2", "When was Macbeth first performed?", 1606),
    ],
    "Did Alice's Adventures in Wonderland inspire Macbeth?",
    answer=False,
)
DRACULA = instance(
    "dracula",
    [("q1", "When was Dracula first published?", 1897), ("q2", "When did Emma come out?", 1815)],
    "Did Dracula come before Emma?",
    answer=False,
)


def row(*values: Json, fact: int | None = None) -> Reply:
    made: Reply = {"table": "works", "values": list(values)}
    return made if fact is None else {**made, "fact": fact, "quote": None}


DATA: Reply = {
    "tables": [
        {
            "name": "works",
            "description": "Works of literature",
            "columns": [
                {"name": "title", "type": "text", "description": "Its title"},
                {"name": "kind", "type": "text", "description": "Novel or play"},
                {"name": "first_year", "type": "integer", "description": "When it came out"},
            ],
            "key": ["title"],
        }
    ],
    "rows": [
        row("Alice's Adventures in Wonderland", "novel", 1865, fact=1),
        row("Macbeth", "play", 1606, fact=2),
    ],
    "distractors": [
        row("Hamlet", "play", 1603),
        row("Othello", "play", 1604),
        row("The Tempest", "play", 1611),
        row("Frankenstein", "novel", 1818),
        row("Middlemarch", "novel", 1871),
        row("Kim", "novel", 1901),
    ],
    "queries": [
        {
            "id": "q1",
            "sql": "SELECT first_year FROM works WHERE title = 'Alice''s Adventures in Wonderland'",
        },
        {"id": "q2", "sql": "SELECT first_year FROM works WHERE title = 'Macbeth'"},
    ],
}
TOOL: Reply = {
    "name": "find_work",
    "description": "Find out when a work of literature came out.",
    "parameters": [
        {
            "name": "title",
            "type": "text",
            "description": "Its title",
            "required": True,
            "default": None,
        },
        {
            "name": "kind",
            "type": "text",
            "description": "Only works of this kind",
            "required": False,
            "default": None,
        },
    ],
    "rows": None,
    "fields": [
        {"name": "title", "type": "text", "description": "Its title"},
        {"name": "kind", "type": "text", "description": "Its kind"},
        {"name": "first_year", "type": "integer", "description": "When it came out"},
    ],
    "code": CODE,
}


def argument(name: str, value: Json = None, answer_of: str | None = None) -> Reply:
    return {"name": name, "value": value, "answer_of": answer_of, "item": None}


def calls(tool: str, *titles: str) -> Reply:
    return {
        "calls": [
            {"id": f"q{number}", "tool": tool, "arguments": [argument("title", title)]}
            for number, title in enumerate(titles, start=1)
        ]
    }


CALLS = calls("find_work", "Alice's Adventures in Wonderland", "Macbeth")

MORE_DATA: Reply = {
    "tables": [],
    "rows": [row("Dracula", "novel", 1897, fact=1), row("Emma", "novel", 1815, fact=2)],
    "distractors": [],
    "queries": [
        {"id": "q1", "sql": "SELECT first_year FROM works WHERE title = 'Dracula'"},
        {"id": "q2", "sql": "SELECT first_year FROM works WHERE title = 'Emma'"},
    ],
}
TWIN: Reply = {
    **TOOL,
    "name": "find_novel",
    "description": "Find out when a novel came out.",
    "code": CODE.replace("find_work", "find_novel").replace("no such work", "no such novel"),
}
MORE_CALLS = calls("find_novel", "Dracula", "Emma")


def said(stage: str, item: str, part: str, reply: Reply | str, **others: bool) -> TranscriptLine:
    text = reply if isinstance(reply, str) else json.dumps(reply)
    line = {"stage": stage, "item": item, "part": part, "text": text, **others}
    return TranscriptLine.model_validate(line)


def replies(
    item: str = "macbeth", data: Reply = DATA, tools: Sequence[Reply] = (TOOL,), call: Reply = CALLS
) -> list[TranscriptLine]:
    """What is said about one instance."""
    return [
        said("synthesize", item, "data", data),
        said("synthesize", item, "tools", {"tools": list(tools)}),
        said("synthesize", item, "calls", call),
    ]


def both() -> list[TranscriptLine]:
    """What is said about two instances, whose tools are twins."""
    return [*replies(), *replies("dracula", MORE_DATA, [TWIN], MORE_CALLS)]


def changed(reply: Reply, **fields: object) -> Reply:
    return {**copy.deepcopy(reply), **fields}


def scripted(folder: Path, lines: Sequence[TranscriptLine]) -> ScriptedAuthor:
    path = folder / "replies.jsonl"
    path.write_text("".join(json.dumps(line.to_json()) + "\n" for line in lines), encoding="utf-8")
    return ScriptedAuthor(Transcript(path))


def synthesized(
    folder: Path,
    lines: Sequence[TranscriptLine],
    items: Sequence[QAInstance] = (MACBETH,),
    author: Author | None = None,
) -> list[StageLine]:
    """Run the stage over some instances; return its lines."""

    async def run() -> None:
        async with ProcessSandbox() as sandbox:
            names = WorldNames(items)
            asked = author or scripted(folder, lines)
            stage = Synthesizing(asked, sandbox, names, folder).stage
            with StageLog(folder / "synthesize.jsonl") as log:
                await run_stage(stage, items, log, at_once=2)

    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(run())
    return lines_of(folder / "synthesize.jsonl")


def merged(folder: Path, grown: Sequence[Grown], lines: Sequence[TranscriptLine]) -> StageLine:
    """Run the stage over one world; return its line."""

    async def run() -> None:
        async with ProcessSandbox() as sandbox:
            draft = WorldDraft(id=grown[0].world, members=tuple(grown))
            stage = Merging(scripted(folder, lines), sandbox, folder, DEFAULT_EXTRAS).stage
            with StageLog(folder / "merge.jsonl") as log:
                await run_stage(stage, [draft], log, at_once=1)

    asyncio.run(run())
    (line,) = lines_of(folder / "merge.jsonl")
    return line


def lines_of(path: Path) -> list[StageLine]:
    texts = path.read_text(encoding="utf-8").splitlines()
    return [StageLine.from_json(json.loads(text), what="a line") for text in texts]


def grown_of(line: StageLine) -> Grown:
    assert line.result is not None, line.evidence
    return Grown.from_json(line.result, what=line.item)


def evidence_of(line: StageLine) -> str:
    return " | ".join(cast("list[str]", line.evidence))
