"""What a person wants to know of a bundle, as data and as tables; nothing of it is executed."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import REPORT, Bundle
from astra_arena.servers.bundles.external_world import world_of
from astra_arena.servers.bundles.suite import Source, Suite, members_of, offered_specs


def source_facts(source: Source, *, tasks: bool = False, gold: bool = False) -> JsonObject:
    """Return the facts of a bundle or a suite.

    Args:
        tasks: Whether to list the tasks.
        gold: Whether to list them with their gold.
    """
    if isinstance(source, Suite):
        return suite_facts(source, tasks=tasks, gold=gold)
    return bundle_facts(source, tasks=tasks, gold=gold)


def collection_facts(sources: Sequence[Source]) -> list[JsonObject]:
    """Return a line about each of several bundles and suites."""
    return [
        {
            "name": source.name,
            "title": source.title,
            "path": str(source.path),
            "members": len(members_of(source)),
            "tools": len(offered_specs(source)),
            "tasks": len(source.tasks),
            "licence": ", ".join(licences_of(source)),
            "environment_digest": source.digests.environment,
        }
        for source in sources
    ]


def licences_of(source: Source) -> list[str]:
    """Return the names of the licences of a bundle or of a suite's members."""
    return sorted({member.environment.licence.name for member in members_of(source)})


def print_collection(facts: Sequence[JsonObject], console: Console) -> None:
    """Print facts that `collection_facts` returned."""
    columns = ("name", "tools", "tasks", "licence", "title")
    rows = [tuple(str(one[column]) for column in columns) for one in facts]
    _print_table(console, f"{len(rows)} environments", columns, rows)


def suite_facts(suite: Suite, *, tasks: bool = False, gold: bool = False) -> JsonObject:
    """Return a suite's facts; its members' own are those of their bundles."""
    members: list[Json] = [
        {
            "name": member.name,
            "title": member.title,
            "environment_digest": member.digests.environment,
            "tools": len(member.environment.tools),
            "path": str(member.path),
        }
        for member in suite.members
    ]
    facts: JsonObject = {
        "name": suite.name,
        "title": suite.title,
        "description": suite.description,
        "domain": suite.domain,
        "environment_digest": suite.digests.environment,
        "tasks_digest": suite.digests.tasks,
        "members": members,
        "tasks": _task_figures(suite),
        "report": _report(suite),
    }
    if tasks:
        facts["task_list"] = [_task_facts(task, gold=gold) for task in suite.tasks]
    return facts


def _task_figures(source: Source) -> JsonObject:
    needed = Counter(len(task.needed) for task in source.tasks)
    by_questions: JsonObject = {str(count): needed[count] for count in sorted(needed)}
    variants = Counter(task.variant for task in source.tasks)
    return {
        "total": len(source.tasks),
        "by_sub_questions": by_questions,
        "by_variant": {name: variants[name] for name in sorted(variants)},
    }


def bundle_facts(bundle: Bundle, *, tasks: bool = False, gold: bool = False) -> JsonObject:
    """Return a bundle's facts.

    Args:
        tasks: Whether to list the tasks.
        gold: Whether to list them with their gold.
    """
    environment = bundle.environment
    listed: list[Json] = [_tool_facts(tool) for tool in environment.tools]
    facts: JsonObject = {
        "name": environment.name,
        "title": environment.title,
        "description": environment.description,
        "domain": environment.domain,
        "environment_digest": bundle.digests.environment,
        "tasks_digest": bundle.digests.tasks,
        "licence": environment.licence.to_json(),
        "world": _world_facts(bundle),
        "tools": listed,
        "tasks": _task_figures(bundle),
        "report": _report(bundle),
    }
    if tasks:
        rows: list[Json] = [_task_facts(task, gold=gold) for task in bundle.tasks]
        facts["task_list"] = rows
    return facts


def signature(tool: ToolSpec) -> str:
    """Return a tool as it is called: what it needs, then as `name?` what may be left out.

    A default is shown where it is not null.
    """
    properties = _object(tool.input_schema.get("properties"))
    required = _items(tool.input_schema.get("required", []))
    ordered = sorted(properties, key=lambda name: name not in required)
    parts = [
        _parameter(name, _object(properties[name]), needed=name in required) for name in ordered
    ]
    return f"{tool.name}({', '.join(parts)})"


def _parameter(name: str, rules: JsonObject, *, needed: bool) -> str:
    default = rules.get("default")
    types = _types_of(rules)
    if not needed and default is None:
        types = [kind for kind in types if kind != "null"]
    part = f"{name}{'' if needed else '?'}: {' | '.join(types)}"
    return part if default is None else f"{part} = {json.dumps(default, ensure_ascii=False)}"


def print_facts(facts: JsonObject, console: Console) -> None:
    """Print facts that `source_facts` returned."""
    _print_head(facts, console)
    members = [
        (str(one["name"]), str(one["tools"]), str(one["title"]), str(one["environment_digest"]))
        for one in _objects(facts.get("members"))
    ]
    if members:
        _print_table(console, "Members", ("environment", "tools", "title", "digest"), members)
    world = _object(facts.get("world"))
    tables = _object(world.get("tables"))
    if "reached_by" in world:
        console.print(f"external     {escape(str(world['reached_by']))}", soft_wrap=True)
    if tables:
        _print_table(console, "World", ("table", "rows"), [(n, str(c)) for n, c in tables.items()])
    tools = [
        (
            str(tool["signature"]),
            str(tool["effect"]),
            str(tool["description"]),
        )
        for tool in _objects(facts.get("tools"))
    ]
    if tools:
        _print_table(console, "Tools", ("tool", "", "description"), tools)
    tasks = _object(facts["tasks"])
    counts = [(n, str(count)) for n, count in _object(tasks["by_sub_questions"]).items()]
    _print_table(console, f"Tasks: {tasks['total']}", ("sub-questions", "tasks"), counts)
    variants = [(name, str(count)) for name, count in _object(tasks["by_variant"]).items()]
    if [name for name, _ in variants] not in ([], ["base"]):
        _print_table(console, "Variants", ("variant", "tasks"), variants)
    report = _object(facts["report"])
    if report:
        figures = [(name, str(value)) for name, value in report.items()]
        _print_table(console, "Report card", ("figure", "value"), figures)
    for task in _objects(facts.get("task_list", [])):
        console.print(f"\n[bold]{escape(str(task['id']))}[/bold]  {escape(str(task['prompt']))}")
        if "gold" in task:
            console.print_json(data=task["gold"])
        if "conversation" in task:
            console.print_json(data=task["conversation"])


def _print_head(facts: JsonObject, console: Console) -> None:
    console.print(f"[bold]{escape(str(facts['title']))}[/bold]  ({facts['name']})")
    console.print(escape(str(facts["description"])))
    licence = _object(facts.get("licence"))
    if licence:
        source = f", from {licence['source']}" if licence.get("source") else ""
        console.print(f"licence      {escape(str(licence['name']))}{escape(str(source))}")
    tasks = facts["tasks_digest"] or "none (agent-side bundle)"
    console.print(f"environment  {facts['environment_digest']}", soft_wrap=True)
    console.print(f"tasks        {tasks}", soft_wrap=True)


def _print_table(
    console: Console, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]
) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print()
    console.print(table)


def _tool_facts(tool: ToolSpec) -> JsonObject:
    return {
        "name": tool.name,
        "signature": signature(tool),
        "description": tool.description,
        "effect": "reads" if tool.read_only else "writes",
    }


def _task_facts(task: Task, *, gold: bool) -> JsonObject:
    facts: JsonObject = {
        "id": task.id,
        "prompt": task.prompt,
        "split": task.split,
        "variant": task.variant,
        "sub_questions": len(task.needed),
        "difficulty": task.difficulty,
    }
    if gold:
        facts["gold"] = [question.to_json() for question in task.in_order()]
        if task.needs_reply or task.final_state is not None:
            whole = task.to_json()
            told = ("turns", "slots", "final_answer", "final_state")
            facts["conversation"] = {name: whole[name] for name in told if whole.get(name)}
    return facts


def _world_facts(bundle: Bundle) -> JsonObject:
    world = bundle.environment.world
    facts: JsonObject = {"kind": world.kind, "file": world.file, "clock": world.clock}
    if world.kind == "sqlite":
        facts["tables"] = _table_sizes(bundle)
    if world.kind == "external":
        facts["reached_by"] = world_of(bundle).reached_by
    return facts


def _table_sizes(bundle: Bundle) -> JsonObject:
    # A world may come from anywhere: it is opened read-only, and its views are never run.
    address = (bundle.path / bundle.environment.world.file).resolve().as_uri()
    try:
        with closing(sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True)) as db:
            found = db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' "
                "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
            )
            names = [str(name) for (name,) in found]
            return {name: _count(db, name) for name in names}
    except sqlite3.Error:
        return {}


def _count(db: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    return int(db.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])


def _report(bundle: Source) -> JsonObject:
    """Return the report card: a line for each gate, and the values that are no tables."""
    try:
        report = _object(json.loads((bundle.path / REPORT).read_bytes()))
    except (OSError, ValueError):
        return {}
    gates: JsonObject = {
        f"gate {gate.get('gate', '?')}": _gate_line(gate) for gate in _objects(report.get("gates"))
    }
    return gates | {n: v for n, v in report.items() if not isinstance(v, dict | list)}


def _gate_line(gate: JsonObject) -> str:
    # Bundles of hand-made environments may say `passed`, the release gates say `status`.
    status = gate.get("status") or ("passed" if gate.get("passed") is True else "failed")
    figures = [f"{n} {v}" for n, v in gate.items() if isinstance(v, int | float) and v is not True]
    told = str(status).replace("_", " ")
    return ", ".join([told.upper() if told == "failed" else told, *figures])


def _types_of(rules: JsonObject) -> list[str]:
    if "enum" in rules:
        return [json.dumps(item, ensure_ascii=False) for item in _items(rules["enum"])]
    if "anyOf" in rules:
        return [kind for branch in _objects(rules["anyOf"]) for kind in _types_of(branch)]
    kind = rules.get("type", "any")
    return [str(item) for item in kind] if isinstance(kind, list) else [str(kind)]


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _objects(value: Json) -> list[JsonObject]:
    return [cast("JsonObject", item) for item in _items(value) if isinstance(item, dict)]
