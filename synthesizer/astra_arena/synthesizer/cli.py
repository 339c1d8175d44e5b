"""The verbs `arena synth` and `arena demo`: thin functions over the library."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.sandbox.tiers import base_interpreter, chosen_tier
from astra_arena.synthesizer.demo import DemoResult, run_demo
from astra_arena.synthesizer.descriptions import Descriptions, load_descriptions
from astra_arena.synthesizer.synthesize import (
    DEFAULT_TASKS,
    Synthesis,
    TableOptions,
    Watcher,
    synthesize_tables,
)

synth = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@synth.callback()
def _synth() -> None:  # pyright: ignore[reportUnusedFunction]
    """Turn knowledge that you have into an environment (a bundle) with verified tasks."""


@synth.command("table")
def synth_table(
    source: Annotated[
        Path, typer.Argument(help="SQLite database, CSV or TSV file (.gz too), or folder of these.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the bundle; a bundle there already is replaced.")
    ],
    name: Annotated[
        str | None, typer.Option(help="The environment's name; else the source's.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="A title for people.")] = None,
    tasks: Annotated[int, typer.Option(min=1, help="How many tasks to make.")] = DEFAULT_TASKS,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    describe: Annotated[
        Path | None, typer.Option(help="JSON with words for tables and columns.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Turn a database or tables into an environment; no language model is asked.

    Keys and references are taken as declared or found in the data. Every task is replayed in the
    sandbox before the bundle is written.

    Example: arena synth table shop.sqlite --out shop-bundle --tasks 200 --seed 7

    Example: arena synth table exports/ --out crm --name crm --describe crm-words.json
    """
    options = TableOptions(
        tasks=tasks,
        seed=seed,
        name=name,
        title=title,
        descriptions=Descriptions() if describe is None else load_descriptions(describe),
    )
    with _watched() as watcher:
        made = synthesize_tables(source, out, options, watcher=watcher)
    for notice in made.notices:
        _notice(notice)
    if len(made.bundle.tasks) < tasks:
        _notice(f"{tasks} tasks were asked for; the data allows {len(made.bundle.tasks)}")
    if as_json:
        print(json.dumps(_synthesis_json(made), indent=2))
    else:
        _print_synthesis(made)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = Path(
        "arena-demo"
    ),
    tasks: Annotated[int, typer.Option(min=1, help="How many tasks to make.")] = DEFAULT_TASKS,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes open at once.")] = 16,
    seed: Annotated[int, typer.Option(help="Decides tasks and episodes.")] = 0,
    min_tier: Annotated[
        str | None, typer.Option(help="Refuse to run below this tier, like seccomp+landlock.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Show the whole journey on real data: database, environment, server, scored rollouts.

    Three scripted agents play every task over HTTP; one plays a few over stdio as well. The one
    that knows the gold must earn everything and the one that does nothing must earn nothing.

    Example: arena demo

    Example: arena demo --tasks 40 --out /tmp/demo --json
    """
    chosen_tier(base_interpreter(), minimum=min_tier)
    with _watched() as watcher:
        result = run_demo(out, tasks=tasks, concurrency=concurrency, seed=seed, watcher=watcher)
    if as_json:
        print(json.dumps(result.to_json(), indent=2))
    else:
        _print_demo(result)
    for finding in result.findings:
        _notice(finding)
    if result.findings:
        raise typer.Exit(1)


@contextmanager
def _watched() -> Generator[Watcher]:
    """Show on stderr what is being done; pipes and logs get nothing."""
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    row = bar.add_task("", total=None)

    def watch(doing: str, done: int, total: int) -> None:
        bar.update(row, description=doing, completed=done, total=total or None)

    with bar:
        yield watch


def _synthesis_json(made: Synthesis) -> JsonObject:
    bundle = made.bundle
    return {
        "bundle": str(bundle.path),
        "name": bundle.name,
        "tasks": len(bundle.tasks),
        "tools": [tool.name for tool in bundle.environment.tools],
        "difficulty": made.report["difficulty"],
        "gates": made.report["gates"],
        "digests": {"environment": bundle.digests.environment, "tasks": bundle.digests.tasks},
        "notices": list[Json](made.notices),
    }


def _print_synthesis(made: Synthesis) -> None:
    bundle, console = made.bundle, Console(highlight=False)
    console.print(
        f"[bold]{bundle.environment.title}[/bold]: {len(bundle.tasks)} tasks over "
        f"{len(bundle.environment.tools)} tools in {bundle.path}"
    )
    console.print("every gold call was replayed 3 times in fresh processes, byte for byte\n")
    for task in bundle.tasks[:3]:
        console.print(f"  {task.id}  {task.prompt}", markup=False)
    _print_next(console, bundle.path)


def _print_demo(result: DemoResult) -> None:
    console = Console(highlight=False)
    console.print(result.report.to_table())
    places, seconds = result.places, result.seconds
    console.print(
        f"{result.stdio_tasks} of the oracle's tasks were played over stdio too; the verdicts "
        f"{'differ' if result.findings else 'are the same'}\n"
        f"{seconds['all']:.0f} s in all: synthesis {seconds['synthesis']:.0f} s, rollouts "
        f"{seconds['rollouts']:.0f} s\n"
    )
    console.print(f"  database   {places.database}", markup=False)
    console.print(f"  bundle     {places.bundle}", markup=False)
    console.print(f"  rollouts   {places.rollouts}", markup=False)
    _print_next(console, places.bundle)


def _print_next(console: Console, bundle: Path) -> None:
    console.print("\nWhat to try next:")
    console.print(f"  arena inspect {bundle} --tasks", markup=False)
    console.print(f"  arena serve {bundle}", markup=False)
    console.print(f"  arena rollout {bundle} --agent random", markup=False)
    console.print("  arena synth table YOUR.sqlite --out YOUR-BUNDLE", markup=False)


def _notice(text: str) -> None:
    Console(stderr=True, soft_wrap=True, markup=False, highlight=False).print(f"arena: {text}")
