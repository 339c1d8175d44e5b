"""The verb `arena synth suite`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.output import output_console, print_hanging, print_notice
from astra_arena.synthesizer.suites.suite_synthesis import (
    DEFAULT_DISTRACTORS,
    DEFAULT_TASKS,
    MOST_TASKS,
    SuiteOptions,
    SuiteSynthesis,
    synthesize_suite,
)
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched

SHOWN_TASKS = 3


def synth_suite(
    bundles: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUNDLE BUNDLE...", help="Folders of bundles; made from tables for joint tasks."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the suite; one there is replaced.")],
    tasks: Annotated[
        int, typer.Option(min=0, max=MOST_TASKS, help="Tasks that need several environments.")
    ] = DEFAULT_TASKS,
    distractors: Annotated[
        int,
        typer.Option(min=0, max=MOST_TASKS, help="Tasks of one, with tools of others beside."),
    ] = DEFAULT_DISTRACTORS,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    name: Annotated[str | None, typer.Option(help="The suite's name; else its members'.")] = None,
    title: Annotated[str | None, typer.Option(help="A title for people.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Join bundles that name the same things into tasks with one joint verdict.

    A column of one environment must hold keys of a table of another. Each task hands a value from
    one environment to another, and is played in real episodes before the suite is written. With
    --tasks 0 any bundles will do: their own tasks are offered with tools of the others beside.

    Example: arena synth suite shop-bundle returns-bundle --out suite --tasks 60

    Example: arena synth suite crm erp desk --out office --distractors 0 --json

    Example: arena synth suite trivia stories --out mixed --tasks 0 --distractors 40
    """
    options = SuiteOptions(tasks=tasks, distractors=distractors, seed=seed, name=name, title=title)
    with unwinding_on_sigterm(), watched() as watcher:
        made = synthesize_suite(bundles, out, options, watcher=watcher)
    for notice in made.notices:
        print_notice(notice)
    if as_json:
        print(json.dumps(_suite_json(made), indent=2))
    else:
        _print_suite(made)


def _suite_json(made: SuiteSynthesis) -> JsonObject:
    suite = made.suite
    return {
        "suite": str(suite.path),
        "name": suite.name,
        "members": [member.name for member in suite.members],
        "tasks": len(suite.tasks),
        "links": made.report["links"],
        "sampling": made.report["sampling"],
        "distractors": made.report["distractors"],
        "difficulty": made.report["difficulty"],
        "gates": made.report["gates"],
        "digests": suite.digests.to_json(),
        "notices": list[Json](made.notices),
    }


def _print_suite(made: SuiteSynthesis) -> None:
    suite, console = made.suite, output_console()
    console.print(f"[bold]{escape(suite.title)}[/bold]", soft_wrap=True)
    names = " and ".join(member.name for member in suite.members)
    after = f"→ {suite.path}"
    print_hanging(console, "", f"{len(suite.tasks)} tasks over {names}", after=after)
    console.print("played in joint episodes: the gold earns 1, silence 0\n")
    for task in suite.tasks[:SHOWN_TASKS]:
        print_hanging(console, f"  {task.id}  ", task.prompt)
