"""The verb `arena synth`: thin functions over the library."""

import json
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.markup import escape

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.core.output import output_console, print_hanging, print_notice
from astra_arena.synthesizer.gates.registry import parse_gates
from astra_arena.synthesizer.next_steps import print_next_steps
from astra_arena.synthesizer.qa.environments.synth_cli import synth_qa
from astra_arena.synthesizer.shares import parse_splits, parse_topologies, parse_variants
from astra_arena.synthesizer.suites.cli import synth_suite
from astra_arena.synthesizer.synthesize import (
    DEFAULT_TASKS,
    MOST_TASKS,
    Synthesis,
    TableOptions,
    synthesize_tables,
)
from astra_arena.synthesizer.table_options import DEFAULT_CHANGES
from astra_arena.synthesizer.tables.descriptions import Descriptions, load_descriptions
from astra_arena.synthesizer.tables.preparation import DEFAULT_MAX_ROWS
from astra_arena.synthesizer.tables.tool_choice import DEFAULT_TOOLS, FEWEST_TOOLS, ToolOptions
from astra_arena.synthesizer.tasks.task_sampler import TOPOLOGIES
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched

synth = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@synth.callback()
def _synth() -> None:  # pyright: ignore[reportUnusedFunction]
    """Turn knowledge that you have into an environment (a bundle) with verified tasks."""


synth.command("suite")(synth_suite)
synth.command("qa")(synth_qa)

_Source: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="SQLite database; CSV, TSV, Parquet or JSON file, or folder of these; "
        "postgresql:// or mysql:// address. Several make one environment.",
    ),
]
_Out: TypeAlias = Annotated[
    Path, typer.Option(help="Folder for the bundle; a bundle there already is replaced.")
]
_Name: TypeAlias = Annotated[
    str | None, typer.Option(help="The environment's name; else the source's.")
]
_Title: TypeAlias = Annotated[str | None, typer.Option(help="A title for people.")]
_Tasks: TypeAlias = Annotated[
    int, typer.Option(min=1, max=MOST_TASKS, help="How many tasks to make.")
]
_Seed: TypeAlias = Annotated[int, typer.Option(help="Decides every draw.")]
_Topology: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Topologies to draw, with shares: multi_hop or single_hop=1,multi_hop=3."),
]
_Split: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Splits with shares and nothing in common: train=0.8,test=0.2."),
]
_FinalAnswers: TypeAlias = Annotated[
    bool, typer.Option("--final-answers", help="The agent must state the answer in words.")
]
_Tools: TypeAlias = Annotated[
    int, typer.Option(min=FEWEST_TOOLS, help="How many tools at most; the most useful stay.")
]
_Writes: TypeAlias = Annotated[
    bool, typer.Option(help="Tools that change rows, where the data makes sense of it.")
]
_Describe: TypeAlias = Annotated[
    Path | None, typer.Option(help="JSON with words for tables and columns.")
]
_Exclude: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="TABLE[.COLUMN]", help="Leave this out; like *.email. Repeatable."),
]
_Mask: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="TABLE.COLUMN", help="Put pseudonyms for its values. Repeatable."),
]
_MaskKeyFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="A secret behind the pseudonyms; else the seed.")
]
_MaxRows: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Rows kept of a table, besides those they refer to.")
]
_Changes: TypeAlias = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="Share of tasks that change rows, where tools can."),
]
_Variants: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Variants to make besides: all, or some with shares like "
        "missing_function=0.1,faults=0.2."
    ),
]
_Gates: TypeAlias = Annotated[
    str, typer.Option(help="Release gates to run: all, quick, or names with commas.")
]
_AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")]


@synth.command("table")
def synth_table(
    source: _Source,
    out: _Out,
    name: _Name = None,
    title: _Title = None,
    tasks: _Tasks = DEFAULT_TASKS,
    seed: _Seed = 0,
    topology: _Topology = None,
    split: _Split = None,
    final_answers: _FinalAnswers = False,
    tools: _Tools = DEFAULT_TOOLS,
    writes: _Writes = True,
    changes: _Changes = DEFAULT_CHANGES,
    variants: _Variants = None,
    gates: _Gates = "all",
    describe: _Describe = None,
    exclude: _Exclude = None,
    mask: _Mask = None,
    mask_key_file: _MaskKeyFile = None,
    max_rows: _MaxRows = DEFAULT_MAX_ROWS,
    as_json: _AsJson = False,
) -> None:
    """Turn a database or tables into an environment; no language model is asked.

    Keys and references are taken as declared or found in the data. Every task passes the
    release gates before the bundle is written; what does not is told in a file beside it.

    Example: arena synth table shop.sqlite --out shop-bundle --tasks 200 --seed 7

    Example: arena synth table exports/ --out crm --describe crm-words.json

    Example: arena synth table postgresql://reader@db/crm --out crm --exclude audit --mask "*.email"
    """
    options = TableOptions(
        tasks=tasks,
        tools=ToolOptions(most_tools=tools, writes=writes),
        seed=seed,
        changes=changes,
        gates=parse_gates(gates),
        variants={} if variants is None else parse_variants(variants),
        topologies=TOPOLOGIES if topology is None else parse_topologies(topology),
        final_answers=final_answers,
        splits={} if split is None else parse_splits(split),
        name=name,
        title=title,
        descriptions=Descriptions() if describe is None else load_descriptions(describe),
        exclude=tuple(exclude or ()),
        mask=tuple(mask or ()),
        mask_key=None if mask_key_file is None else _secret(mask_key_file),
        max_rows=max_rows,
    )
    with unwinding_on_sigterm(), watched() as watcher:
        made = synthesize_tables(source, out, options, watcher=watcher)
    for notice in made.notices:
        print_notice(notice)
    if as_json:
        print(json.dumps(_synthesis_json(made), indent=2))
    else:
        _print_synthesis(made)


def _secret(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"--mask-key-file {str(path)!r} cannot be read: {error.strerror or error}"
        ) from error


def _synthesis_json(made: Synthesis) -> JsonObject:
    bundle = made.bundle
    return {
        "bundle": str(bundle.path),
        "name": bundle.name,
        "tasks": len(bundle.tasks),
        "tools": [tool.name for tool in bundle.environment.tools],
        "difficulty": made.report["difficulty"],
        "gates": made.report["gates"],
        "splits": made.report["splits"],
        "seconds": {stage: round(spent, 1) for stage, spent in made.seconds.items()},
        "digests": {"environment": bundle.digests.environment, "tasks": bundle.digests.tasks},
        "notices": list[Json](made.notices),
    }


def _print_synthesis(made: Synthesis) -> None:
    bundle, console = made.bundle, output_console()
    console.print(f"[bold]{escape(bundle.environment.title)}[/bold]", soft_wrap=True)
    print_hanging(
        console,
        "",
        f"{len(bundle.tasks)} tasks over {len(bundle.environment.tools)} tools",
        after=f"→ {bundle.path}",
    )
    console.print(f"{_gates_told(made)}\n")
    for task in bundle.tasks[:3]:
        print_hanging(console, f"  {task.id}  ", task.prompt)
    print_next_steps(console, bundle.path)


def _gates_told(made: Synthesis) -> str:
    """Say which gates ran on what is released now, and which of them took tasks away."""
    gates = made.report["gates"]
    ran = [g for g in gates if isinstance(g, dict)] if isinstance(gates, list) else []
    if not ran:
        return "no gate was run"
    strict = [str(gate["gate"]) for gate in ran if gate["status"] == "failed"]
    idle = [str(gate["gate"]) for gate in ran if gate["status"] == "not_applicable"]
    passed = len(ran) - len(idle)
    told = f"{passed} gate{'s' * (passed != 1)} passed"
    if strict:
        told += f" after tasks were rejected by {', '.join(strict)}"
    return f"{told}; not applicable: {', '.join(idle)}" if idle else told
