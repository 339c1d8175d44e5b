"""The command `arena synth api`: a document of an API becomes an environment."""

import json
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.markup import escape

from astra_arena.client.authors.model_arguments import takes_model
from astra_arena.client.authors.model_options import ModelOptions
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.output import output_console, print_hanging, print_notice
from astra_arena.synthesizer.apis.api_options import (
    DEFAULT_CHANGES,
    DEFAULT_ROWS,
    DEFAULT_TASKS,
    DEFAULT_TOOLS,
    FEWEST_ROWS,
    MOST_ROWS,
    MOST_TASKS,
    ApiOptions,
)
from astra_arena.synthesizer.apis.api_synthesis import ApiSynthesis, synthesize_api
from astra_arena.synthesizer.gates.registry import parse_gates
from astra_arena.synthesizer.next_steps import print_next_steps
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched

_Document: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="DOC",
        help="OpenAPI document (3.x or 2.0) or an MCP server's tool list; JSON or YAML.",
    ),
]
_Out: TypeAlias = Annotated[
    Path, typer.Option(help="Folder for the bundle; a bundle there already is replaced.")
]
_Name: TypeAlias = Annotated[
    str | None, typer.Option(help="The environment's name; else the API's title.")
]
_Title: TypeAlias = Annotated[str | None, typer.Option(help="A title for people.")]
_Tasks: TypeAlias = Annotated[
    int, typer.Option(min=1, max=MOST_TASKS, help="How many tasks to make.")
]
_Rows: TypeAlias = Annotated[
    int, typer.Option(min=FEWEST_ROWS, max=MOST_ROWS, help="Rows made up for each resource.")
]
_Tools: TypeAlias = Annotated[
    int, typer.Option(min=1, help="How many operations become tools at most.")
]
_Include: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN", help="Operations, paths or tags to take, like /pets*. Repeatable."
    ),
]
_Exclude: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Operations, paths or tags to leave out. Repeatable."),
]
_Changes: TypeAlias = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="Share of tasks that change rows, where tools can."),
]
_Seed: TypeAlias = Annotated[int, typer.Option(help="Decides every draw.")]
_Gates: TypeAlias = Annotated[
    str, typer.Option(help="Release gates to run: all, quick, or names with commas.")
]
_AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")]


@takes_model
def synth_api(
    asked: ModelOptions,
    document: _Document,
    out: _Out,
    name: _Name = None,
    title: _Title = None,
    tasks: _Tasks = DEFAULT_TASKS,
    rows: _Rows = DEFAULT_ROWS,
    tools: _Tools = DEFAULT_TOOLS,
    include: _Include = None,
    exclude: _Exclude = None,
    changes: _Changes = DEFAULT_CHANGES,
    seed: _Seed = 0,
    gates: _Gates = "all",
    as_json: _AsJson = False,
) -> None:
    """Turn a document of an API into an environment; only with --model a language model is asked.

    Operations that read, list, create, update and delete become tools with the document's own
    schemas, over rows that are made up and hold together. With --model the others are written over
    the same rows, where they can be; what is left is listed with reasons in a file beside the
    bundle. Every task passes the release gates before the bundle is written.

    Example: arena synth api openapi.yaml --out crm-bundle --include customers --include orders

    Example: arena synth api tools.json --out server-bundle --rows 200 --seed 7
    """
    options = ApiOptions(
        tasks=tasks,
        seed=seed,
        rows=rows,
        tools=tools,
        changes=changes,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        name=name,
        title=title,
        gates=parse_gates(gates),
    )
    with unwinding_on_sigterm(), watched() as watcher:
        asks = asked.model is not None or bool(asked.transcripts)
        made = synthesize_api(
            document, out, options, model=asked if asks else None, watcher=watcher
        )
    for notice in made.notices:
        print_notice(notice)
    if as_json:
        print(json.dumps(_figures(made), indent=2, ensure_ascii=False))
    else:
        _print(made)


def _figures(made: ApiSynthesis) -> JsonObject:
    bundle = made.bundle
    return {
        "bundle": str(bundle.path),
        "name": bundle.name,
        "tasks": len(bundle.tasks),
        "tools": [tool.name for tool in bundle.environment.tools],
        "coverage": made.coverage,
        "difficulty": made.report["difficulty"],
        "gates": made.report["gates"],
        "seconds": {stage: round(spent, 1) for stage, spent in made.seconds.items()},
        "digests": {"environment": bundle.digests.environment, "tasks": bundle.digests.tasks},
        "notices": list[Json](made.notices),
    }


def _print(made: ApiSynthesis) -> None:
    bundle, console = made.bundle, output_console()
    console.print(f"[bold]{escape(bundle.environment.title)}[/bold]", soft_wrap=True)
    told = f"{len(bundle.tasks)} tasks over {len(bundle.environment.tools)} tools"
    print_hanging(console, "", told, after=f"→ {bundle.path}")
    covered = f"{made.coverage['covered']} of {made.coverage['operations']} operations covered"
    print_hanging(console, "", covered, after=f"→ {made.path}\n")
    for task in bundle.tasks[:3]:
        print_hanging(console, f"  {task.id}  ", task.prompt)
    print_next_steps(console, bundle.path)
