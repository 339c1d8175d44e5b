"""How worlds are put before a model: tables, tools, sub-questions, and what was wrong."""

from collections.abc import Iterable, Sequence

from astra_arena.core.canonical import Json, pretty_text
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.worlds.data_findings import answer_of, decomposition_of, tool_steps
from astra_arena.synthesizer.qa.worlds.replies import NewTool
from astra_arena.synthesizer.qa.worlds.shared_world import SharedWorld

_MOST_ROWS_SHOWN = 4

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "no tables": "There are no tables yet.",
        "no tools": "There are no tools yet.",
        "rows": "Some of its rows",
        "key": "key",
        "answer": "answer",
        "before": "You wrote these tools:",
        "wrong": "When the calls were run, this was wrong:",
        "again": "Write them again, so that it is not.",
    },
    "zh": {
        "no tables": "目前还没有表。",
        "no tools": "目前还没有工具。",
        "rows": "其中几行",
        "key": "键",
        "answer": "答案",
        "before": "你写了这些工具：",
        "wrong": "运行调用时发现了以下问题：",
        "again": "请重写这些工具，消除这些问题。",
    },
}


def answers_text(item: QAInstance) -> str:
    """Return the sub-questions that need a tool, with answers: for the author of data alone."""
    decomposition = decomposition_of(item)
    label = _WORDS[item.language]["answer"]
    return "\n".join(
        f"{node.id}: {node.question}\n    {label}: {pretty_text(answer_of(node)).strip()}"
        for node in tool_steps(decomposition)
    )


def tool_steps_text(item: QAInstance) -> str:
    """Return the sub-questions that need a tool, without answers."""
    return "\n".join(f"{node.id}: {node.question}" for node in tool_steps(decomposition_of(item)))


def tables_text(world: SharedWorld, language: Language, *, rows: bool) -> str:
    """Return the tables as a model sees them; rows are for the author of data alone."""
    words = _WORDS[language]
    parts: list[str] = []
    for name, table in world.tables.items():
        told = table.told
        lines = [f"{name}: {told.description} ({words['key']}: {', '.join(told.key)})"]
        lines += [f"  {one.name} {one.type}: {one.description}" for one in told.columns]
        if rows:
            shown = [list[Json](row) for row in list(table.rows.values())[:_MOST_ROWS_SHOWN]]
            lines.append(f"  {words['rows']}: {shown}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) or words["no tables"]


def tools_told(tools: Iterable[NewTool], language: Language, *, code: bool = False) -> str:
    """Return the documents of tools, and their code where it is asked for."""
    told = [one.model_dump(mode="json", exclude=None if code else {"code"}) for one in tools]
    if not told:
        return _WORDS[language]["no tools"]
    return "\n".join(pretty_text(one).strip() for one in told)


def findings_text(before: Sequence[NewTool], findings: Sequence[str], language: Language) -> str:
    """Return what was wrong with the last attempt; nothing for the first."""
    if not findings:
        return ""
    words = _WORDS[language]
    listed = "\n".join(f"- {one}" for one in findings)
    return "\n\n".join(
        [
            words["before"],
            tools_told(before, language, code=True),
            f"{words['wrong']}\n{listed}",
            words["again"],
        ]
    )
